/** One check of the machine. */
export type DoctorCheck = {
  /** git, node, pty, exec-helper, disk, fds, cgroups, limits, store */
  readonly name: string
  /** Null: could not be told, or does not matter here. */
  readonly ok: boolean | null
  readonly detail: string
  readonly remedy: string | null
}

/** Something that a run left behind. */
export type DoctorFinding = {
  readonly kind: 'process' | 'worktree' | 'branch' | 'record' | 'log' | 'cgroup'
  readonly what: string
  /** Why it is listed and why it is treated so. */
  readonly why: string
  /** would-remove: `--fix` removes it; left: signalbox does not touch it. */
  readonly action: 'removed' | 'would-remove' | 'left'
}

/** The state of the machine, and what runs left behind. */
export type DoctorReport = {
  readonly type: 'doctor'
  /** No check failed, and nothing is left that `--fix` would remove. */
  readonly ok: boolean
  readonly checks: readonly DoctorCheck[]
  readonly found: readonly DoctorFinding[]
}
