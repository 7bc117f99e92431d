/** A process that outlived the leader of its PTY, and what ended it. */
export type SurvivorRecord = { readonly pid: number; readonly command: string; readonly endedBy: 'SIGTERM' | 'SIGKILL' | 'survived' }

/** How the leader of a PTY ended. */
export type PtyExit = {
  /** Null when a signal ended it. */
  readonly exitCode: number | null
  /** Name such as SIGKILL, or null. */
  readonly signal: string | null
  /** Total bytes that the PTY put out: the offset after the last. */
  readonly outputBytes: number
  /** Processes with the mark that outlived the leader and had to be ended. */
  readonly survivors: readonly SurvivorRecord[]
  /** True when the log has a gap (full disk, or over its cap). */
  readonly logGap: boolean
}

/** The record of one delivery (PTY-8). */
export type SignalRecord = {
  /** ms since the epoch. */
  readonly at: number
  /** Name such as SIGINT. */
  readonly signal: string
  readonly target: { readonly pid: number; readonly scope: 'leader' | 'group' | 'survivor' }
  readonly askedBy: string
  /** gone: there was no such process any more. */
  readonly outcome: 'delivered' | 'gone' | 'refused'
}
