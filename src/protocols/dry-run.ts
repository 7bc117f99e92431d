import type { DoctorCheck } from './doctor.ts'
import type { Backoff, Intensity, KeepPolicy, RestartType } from './plan.ts'

/** A child of a tree that would run. */
export type PlannedNode = {
  readonly name: string
  readonly type: 'worker' | 'supervisor'
  readonly restart: RestartType
  /** ms, or brutal or infinity */
  readonly shutdown: number | 'brutal' | 'infinity'
  readonly significant: boolean
  /** Of a supervisor; null for a worker. */
  readonly supervises: {
    readonly strategy: string
    readonly intensity: Intensity
    readonly backoff: Backoff | null
    readonly autoShutdown: string
  } | null
  readonly children: readonly PlannedNode[]
}

export type PlannedCommand = {
  readonly name: string
  readonly argv: readonly string[]
  readonly graceMs: number
  readonly envNames: readonly string[]
}

export type PlannedLane = {
  readonly name: string
  readonly base: string
  /** The commit that `base` is now; null when there is none. */
  readonly commit: string | null
  readonly after: readonly string[]
  /** `xxxxxxxx` stands for the end of the lane's id. */
  readonly worktree: string
  readonly branch: string
  readonly copy: readonly string[]
  readonly envNames: readonly string[]
  readonly commands: readonly PlannedCommand[]
}

/** What `signalbox run --dry-run` tells: nothing was started or written. */
export type DryRun = {
  readonly type: 'dry-run'
  /** No check failed. */
  readonly ok: boolean
  readonly keep: KeepPolicy
  readonly parallel: number
  readonly lanes: readonly PlannedLane[]
  readonly tree: PlannedNode
  readonly checks: readonly DoctorCheck[]
}
