/** What may bound the processes of one terminal. */
export type TerminalLimits = {
  /** Most memory of all its processes together, in bytes. */
  readonly memoryBytes?: number
  /** Most processor time at once: 1 is one processor, 0.5 the half of one. */
  readonly cpus?: number
  /** Most processes and threads at once. */
  readonly processes?: number
}
export type LimitName = keyof TerminalLimits

export const LIMIT_NAMES: readonly LimitName[] = ['memoryBytes', 'cpus', 'processes']

/** The limits of a command; 0: none. */
export type CommandLimits = Readonly<Record<LimitName, number>> & {
  /** What becomes of a command whose limit is not to be had on this machine: it is not started, or it runs without. */
  readonly ifMissing: 'fail' | 'run'
}

/** Some of the limits of a command. */
export type LimitsRequest = { readonly [K in keyof CommandLimits]?: CommandLimits[K] | undefined }

/**
 * What a limit became. cgroup: it bounds all processes of the terminal together. process: each by itself (memory), or all
 * of the user together (processes). missing: nothing bounds it.
 */
export type AppliedLimits = Readonly<Partial<Record<LimitName, 'cgroup' | 'process' | 'missing'>>>
