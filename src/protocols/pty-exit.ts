/** A process that outlived the leader of its PTY, and what ended it. */
export type SurvivorRecord = {
  readonly pid: number
  readonly command: string
  readonly endedBy: 'SIGTERM' | 'SIGKILL' | 'survived'
  /** Of one that is still in the process table: its state as in ps (Z: a zombie, D: uninterruptible), and why it stays. */
  readonly left?: { readonly state: string; readonly why: string }
}

/** How the leader of a PTY ended. */
export type PtyExit = {
  /** Null when a signal ended it, or when it could not be ended (then it is among the survivors). */
  readonly exitCode: number | null
  /** Name such as SIGKILL, or null. */
  readonly signal: string | null
  /** Total bytes that the PTY put out: the offset after the last. */
  readonly outputBytes: number
  /** Processes with the mark that outlived the leader and had to be ended. */
  readonly survivors: readonly SurvivorRecord[]
  /** How many of its processes the system killed for memory; absent where its control group does not tell. */
  readonly memoryKills?: number
  /** True when the log has a gap (full disk, or over its cap). */
  readonly logGap: boolean
}

/** The record of one delivery (PTY-8). */
export type SignalRecord = {
  /** ms since the epoch. */
  readonly at: number
  /** Name such as SIGINT. */
  readonly signal: string
  readonly target: {
    /** Of a process, or of the leader whose group or control group it is. */
    readonly pid: number
    readonly scope: 'leader' | 'group' | 'survivor' | 'cgroup'
    /** Those that were met in the control group when all in it were killed. */
    readonly pids?: readonly number[]
  }
  readonly askedBy: string
  /** gone: there was no such process any more. */
  readonly outcome: 'delivered' | 'gone' | 'refused'
}
