import { laneActor } from '../actors/lane.actor.ts'
import { laneName, laneTreeName, terminalsName } from '../actors/names.ts'
import type { LaneArgs } from '../actors/services.ts'
import { type SupervisorSpec, worker } from '../kernel/child-spec.ts'

/** A lane's actor runs nothing itself, so it stops as fast as its last record is written. */
const LANE_SHUTDOWN_MS = 15_000

/**
 * A lane: its state machine first, then the terminals that depend on it. Temporary in `lanes`: one that cannot be kept up
 * fails its lane alone.
 */
export const laneTree = (args: LaneArgs): SupervisorSpec => ({
  type: 'supervisor',
  name: laneTreeName(args.laneId),
  strategy: 'rest_for_one',
  restart: 'temporary',
  intensity: { restarts: 3, withinMs: 60_000 },
  children: [
    worker(laneName(args.laneId), laneActor, args, { restart: 'permanent', shutdown: LANE_SHUTDOWN_MS }),
    { type: 'supervisor', name: terminalsName(args.laneId), strategy: 'dynamic' },
  ],
})
