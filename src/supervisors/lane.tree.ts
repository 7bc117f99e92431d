import { laneActor } from '../actors/lane.actor.ts'
import { recoverTerminals } from '../actors/lane-recovery.ts'
import { laneName, laneTreeName, terminalsName } from '../actors/names.ts'
import type { LaneArgs } from '../actors/services.ts'
import { type SupervisorSpec, worker } from '../kernel/child-spec.ts'

/** A lane's actor runs nothing itself, so it stops as fast as its last record is written. */
const LANE_SHUTDOWN_MS = 15_000

/**
 * A lane: its state machine, and the terminals that it starts. Each finds the other again when that was restarted, so that
 * a crash of one ends no process (ADR 9). Temporary in `lanes`: one that cannot be kept up fails its lane alone.
 */
export const laneTree = (args: LaneArgs): SupervisorSpec => ({
  type: 'supervisor',
  name: laneTreeName(args.laneId),
  strategy: 'one_for_one',
  restart: 'temporary',
  intensity: { restarts: 3, withinMs: 60_000 },
  children: [
    worker(laneName(args.laneId), laneActor, args, { restart: 'permanent', shutdown: LANE_SHUTDOWN_MS }),
    { type: 'supervisor', name: terminalsName(args.laneId), strategy: 'dynamic', recover: (ctx) => recoverTerminals(ctx, args) },
  ],
})
