import type { LaneId, RunId } from './ids.ts'

/** failed: a command failed, or the lane could not be set up; skipped: a lane before it failed; interrupted: somebody stopped the run. */
export type Outcome = 'succeeded' | 'failed' | 'skipped' | 'interrupted'

/** How a command ended. */
export type CommandSummary = {
  readonly name: string
  /** stopped: a permanent command that ran until its lane ended. */
  readonly outcome: Outcome | 'stopped'
  /** Of the last attempt; null when a signal ended it or it never ran. */
  readonly exitCode: number | null
  readonly signal: string | null
  /** How often it was started. */
  readonly attempts: number
  /** Full log of the last attempt; null when it never ran. */
  readonly log: string | null
  /** Why it failed, in words; null when it did not. */
  readonly reason: string | null
}

/** How a lane ended. */
export type LaneSummary = {
  readonly name: string
  readonly id: LaneId
  readonly outcome: Outcome
  readonly durationMs: number
  /** Null when no branch was made or it was removed because it held no commits. */
  readonly branch: string | null
  /** On its branch beyond the commit that it began at. */
  readonly commits: number
  /** Files with changes that are not committed. */
  readonly uncommitted: readonly string[]
  /** Where the worktree still is, or null when it was removed. */
  readonly worktree: string | null
  /** All that it held is saved: `signalbox lane undo` brings it back. Absent where nothing was saved. */
  readonly saved?: true
  /** Why the worktree stays, or why the lane failed; null otherwise. */
  readonly reason: string | null
  readonly commands: readonly CommandSummary[]
}

/** The last line of `signalbox run --json`. */
export type RunSummary = {
  readonly type: 'summary'
  readonly runId: RunId
  readonly ok: boolean
  readonly outcome: Outcome
  readonly durationMs: number
  readonly lanes: readonly LaneSummary[]
}
