import { laneName, laneTreeName, terminalsName } from '../actors/names.ts'
import { ownLaneActor } from '../actors/own-lane.actor.ts'
import { recoverOwnTerminals } from '../actors/own-lane-recovery.ts'
import type { OwnLaneArgs } from '../actors/services.ts'
import { type SupervisorSpec, worker } from '../kernel/child-spec.ts'

/** A lane's actor runs nothing itself, so it stops as fast as its last record is written. */
const LANE_SHUTDOWN_MS = 15_000

/**
 * A lane of its own. Each of its actor and its terminals finds the other again when that was restarted, so that a crash of
 * one ends no process (ADR 9). The tree ends by itself when the lane was removed. Temporary in `lanes`: one that cannot be kept up ends alone.
 */
export const ownLaneTree = (args: OwnLaneArgs): SupervisorSpec => ({
  type: 'supervisor',
  name: laneTreeName(args.laneId),
  strategy: 'one_for_one',
  restart: 'temporary',
  intensity: { restarts: 3, withinMs: 60_000 },
  autoShutdown: 'any_significant',
  children: [
    worker(laneName(args.laneId), ownLaneActor, args, { restart: 'transient', significant: true, shutdown: LANE_SHUTDOWN_MS }),
    { type: 'supervisor', name: terminalsName(args.laneId), strategy: 'dynamic', recover: (ctx) => recoverOwnTerminals(ctx, args) },
  ],
})
