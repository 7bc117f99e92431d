import type { Exit } from './exit.ts'
import type { TerminalId } from './ids.ts'
import type { CleaningReport } from './lane.protocol.ts'
import type { PlanCommand } from './plan.ts'
import type { LaneRecord, LaneRemoval, WorktreeRecord } from './records.ts'
import type { LaneSummary } from './summary.ts'

/** Columns and rows, 1 to 10,000 each. */
export type TerminalSize = { readonly cols: number; readonly rows: number }

export type OwnLaneProtocol = {
  /** Asks for the worktree, and is answered when it is there. @throws what kept it from being made, once nothing is left of it */
  'lane.ready': { message: object; reply: LaneRecord }
  /**
   * Starts a command; one whose name has ended before starts in the same terminal.
   * @throws ERR_LANE_NOT_READY, ERR_TERMINAL_EXISTS, or what kept the command from starting
   */
  'lane.spawn': { message: { command: PlanCommand; by: string; size?: TerminalSize }; reply: { terminalId: TerminalId } }
  /**
   * Ends what runs in it and removes the worktree; commits stay on its branch, or all is saved.
   * @throws ERR_WORKTREE_DIRTY, ERR_SAVE_REFUSED: then nothing was ended
   */
  'lane.remove': { message: { by: string; how: LaneRemoval }; reply: LaneSummary }
  $provisioned: { message: { worktree: WorktreeRecord } }
  $provisionFailed: { message: { error: unknown } }
  $terminalStarted: { message: { command: string } }
  $terminalStartFailed: { message: { command: string; error: unknown } }
  /** The terminal's supervisor ended: its command is over. */
  $terminalExited: { message: { command: string; exit: Exit } }
  /** Which terminals run, after this actor or their supervisor was restarted. */
  $rejoined: { message: { names: readonly string[]; running: readonly string[] } }
  $rejoinFailed: { message: { names: readonly string[] } }
  $rejoin: { message: object }
  /** Whether work would be lost is known; null: none. */
  $looked: { message: { by: string; how: LaneRemoval; error: unknown } }
  $terminalsStopped: { message: object }
  $stopTerminals: { message: { error: unknown } }
  $retryStop: { message: object }
  $cleaned: { message: CleaningReport }
  $cleanFailed: { message: { error: unknown } }
  $retryCleaning: { message: object }
}
