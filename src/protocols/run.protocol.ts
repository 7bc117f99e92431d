import type { Exit } from './exit.ts'
import type { LaneId } from './ids.ts'

export type RunProtocol = {
  /** Stops every lane, the last started first; lanes that wait do not start. A second call changes nothing. */
  'run.stop': { message: { by: string } }
  /** Told by a lane whose work and cleaning are over and recorded. */
  'run.lane-ended': { message: { laneId: LaneId } }
  $laneStarted: { message: { laneId: LaneId } }
  $laneStartFailed: { message: { laneId: LaneId; error: unknown } }
  /** The lanes whose trees run, after their supervisor or this actor was restarted. */
  $rejoined: { message: { found: readonly LaneId[] } }
  $rejoinFailed: { message: object }
  $rejoin: { message: object }
  /** The lane's tree ended: stopped by us after its end, or given up by its supervisor. */
  $laneExited: { message: { laneId: LaneId; exit: Exit } }
}
