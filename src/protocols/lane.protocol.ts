import type { Exit } from './exit.ts'
import type { WorktreeRecord } from './records.ts'

export type CleaningReport = {
  /** The worktree is still there. */
  readonly kept: boolean
  readonly branchDeleted: boolean
  readonly commits: number
  readonly uncommitted: readonly string[]
  /** All that it held can be brought back. */
  readonly saved?: boolean
  /** Why something stays, for people; null when nothing does. */
  readonly reason: string | null
}

export type LaneProtocol = {
  /** Ends the lane's commands in reverse order, then cleans up. Idempotent. */
  'lane.stop': { message: { by: string } }
  $provisioned: { message: { worktree: WorktreeRecord } }
  $provisionFailed: { message: { error: unknown } }
  $terminalStarted: { message: { command: string } }
  $terminalStartFailed: { message: { command: string; error: unknown } }
  /** The terminal's supervisor ended: its command is over. */
  $terminalExited: { message: { command: string; exit: Exit } }
  $terminalsStopped: { message: object }
  /** Its terminals could not be stopped, because their supervisor is being restarted. */
  $stopTerminals: { message: { error: unknown } }
  $retryStop: { message: object }
  /** The commands whose terminals run, after their supervisor or this actor was restarted. */
  $rejoined: { message: { running: readonly string[] } }
  $rejoinFailed: { message: object }
  $rejoin: { message: object }
  $cleaned: { message: CleaningReport }
  $cleanFailed: { message: { error: unknown } }
  $retryCleaning: { message: object }
}
