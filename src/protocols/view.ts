import type { LaneId, RunId } from './ids.ts'
import type { Intensity } from './plan.ts'
import type { LaneState, PtyState } from './states.ts'
import type { CommandSummary, Outcome } from './summary.ts'

/** A command of a run as people look at it. Times in ms since the epoch. */
export type CommandView = {
  readonly name: string
  /** backoff: its supervisor waits before the next attempt. */
  readonly state: PtyState | 'waiting' | 'backoff'
  readonly startedAt: number | null
  readonly endedAt: number | null
  readonly attempts: number
  /** Restarts within the window of its intensity, as its supervisor last counted them. */
  readonly restarts: number
  readonly allowed: Intensity
  /** Last line of output, without control sequences. */
  readonly lastLine: string
  readonly outcome: CommandSummary['outcome'] | null
  readonly exitCode: number | null
  readonly signal: string | null
}

/** A lane of a run as people look at it. Times in ms since the epoch. */
export type LaneView = {
  readonly name: string
  readonly id: LaneId
  readonly state: LaneState | 'waiting' | 'skipped'
  readonly outcome: Outcome | null
  readonly startedAt: number | null
  readonly endedAt: number | null
  /** Lanes that must succeed first and have not ended yet. */
  readonly waitingFor: readonly string[]
  readonly commands: readonly CommandView[]
}

/** A run at one moment, made for redrawing. Times in ms since the epoch. */
export type RunView = { readonly runId: RunId; readonly startedAt: number; readonly lanes: readonly LaneView[] }
