import type { ErrorRecord } from './errors.ts'
import type { ExitFinding } from './exit-class.ts'
import type { LaneId, PtyId, RunId, TerminalId } from './ids.ts'
import type { LaneSnapshot } from './lane.machine.ts'
import type { Plan, PlanCommand, PlanLane } from './plan.ts'
import type { TerminalSize } from './own-lane.protocol.ts'
import type { ProcessKey } from './process-key.ts'
import type { PtySnapshot } from './pty.machine.ts'
import type { LaneSummary, Outcome, RunSummary } from './summary.ts'

/** Present state of a run. Kind `run`. */
export type RunRecord = {
  readonly id: RunId
  readonly plan: Plan
  readonly startedAt: number
  readonly endedAt: number | null
  readonly outcome: Outcome | null
  /** The process that runs it. */
  readonly owner: ProcessKey
  readonly lanes: readonly { readonly name: string; readonly id: LaneId }[]
  /** Lanes that ended without a record of their own, because they never began; absent when there are none. */
  readonly unstarted?: readonly LaneSummary[]
  readonly summary: RunSummary | null
}

/** A lane's worktree: planned, then made. */
export type WorktreeRecord = { readonly path: string; readonly branch: string; readonly baseCommit: string }

/** What a lane is made with. */
export type LaneOrigin = Pick<PlanLane, 'base' | 'env' | 'copy'>

/** How a lane of its own is removed. */
export type LaneRemoval = {
  /** All that it holds is saved, to be brought back; else work keeps it from being removed. */
  readonly save: boolean
  /** Ignored files are saved too. */
  readonly ignored: boolean
}

/** Present state of a lane. Kind `lane`. Written before the worktree is made, so that nothing exists without a record. */
export type LaneRecord = {
  readonly id: LaneId
  /** Null: a lane of its own, kept until it is removed. */
  readonly runId: RunId | null
  readonly name: string
  readonly snapshot: LaneSnapshot
  readonly worktree: WorktreeRecord
  /** What it was made with, of a lane of its own: it outlives the process. */
  readonly made?: LaneOrigin
  /** Where its commands run; absent in records of earlier versions. */
  readonly terminals?: readonly { readonly command: string; readonly id: TerminalId }[]
  readonly createdAt: number
  readonly endedAt: number | null
  /** How it is being removed, from when that is decided: who takes it up again goes on so. */
  readonly removal?: LaneRemoval
  /** What it was brought back from: the id of a lane that was removed and saved. */
  readonly restores?: string
  /** It had its worktree; absent before, and in records of earlier versions. */
  readonly stood?: true
  /** How it ends, from when that is decided; absent before, and in records of earlier versions. */
  readonly verdict?: { readonly outcome: Outcome; readonly reason: string | null }
  readonly summary: LaneSummary | null
}

/** A named place in a lane where attempts of one command run. Kind `terminal`. */
export type TerminalRecord = {
  readonly id: TerminalId
  readonly runId: RunId | null
  readonly laneId: LaneId
  readonly command: string
  readonly attempts: number
  readonly lastPtyId: PtyId | null
  /** Of a lane of its own, what it runs and in which size: it may outlive the orchestrator. Absent in records of earlier versions. */
  readonly opened?: { readonly command: PlanCommand; readonly size?: TerminalSize }
}

/** One attempt. Kind `pty`. Written before the process is started. */
export type PtyRecord = {
  readonly id: PtyId
  readonly runId: RunId | null
  readonly laneId: LaneId
  readonly terminalId: TerminalId
  readonly lane: string
  readonly command: string
  readonly attempt: number
  readonly snapshot: PtySnapshot
  readonly mark: string
  readonly log: string
  readonly argv: readonly string[]
  readonly cwd: string
  /** Names only: values may be secrets. */
  readonly envNames: readonly string[]
  /** As it was last seen. Absent in records of earlier versions. */
  readonly size?: TerminalSize
  readonly process: ProcessKey | null
  readonly startedAt: number
  readonly endedAt: number | null
  readonly exit: AttemptResult | null
}

/** How one attempt ended. */
export type AttemptResult = {
  readonly ptyId: PtyId
  readonly attempt: number
  readonly exitCode: number | null
  readonly signal: string | null
  /** It was asked to stop. */
  readonly stopped: boolean
  readonly log: string
  /** It never started. */
  readonly error: ErrorRecord | null
  /** How its failure was told apart; null when it did not fail, absent in records of earlier versions. */
  readonly finding?: ExitFinding | null
  readonly durationMs: number
}
