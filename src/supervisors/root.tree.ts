import { type BusArgs, busActor } from '../actors/bus.actor.ts'
import { type JournalArgs, journalActor } from '../actors/journal.actor.ts'
import { BUS, JOURNAL, LANES, runName, RUNS, runTreeName } from '../actors/names.ts'
import { type RunArgs, runActor } from '../actors/run.actor.ts'
import { type SupervisorSpec, worker } from '../kernel/child-spec.ts'

type Recover = NonNullable<SupervisorSpec['recover']>
type RootParts = {
  readonly journal: JournalArgs
  readonly bus: BusArgs
  /** What `lanes` and `runs` begin with. */
  readonly recover: { readonly lanes: Recover; readonly runs: Recover }
}

/** Everything, in the order of start; it stops in reverse: runs, lanes, then what records them. */
export const rootTree = ({ journal, bus, recover }: RootParts): SupervisorSpec => ({
  type: 'supervisor',
  name: 'root',
  strategy: 'one_for_one',
  intensity: { restarts: 3, withinMs: 60_000 },
  children: [
    {
      type: 'supervisor',
      name: 'infrastructure',
      strategy: 'rest_for_one',
      intensity: { restarts: 3, withinMs: 60_000 },
      // A bus reads what it has not published from the journal, so it is restarted with it.
      children: [worker(JOURNAL.name, journalActor, journal, { shutdown: 30_000 }), worker(BUS.name, busActor, bus)],
    },
    { type: 'supervisor', name: LANES.name, strategy: 'dynamic', recover: recover.lanes },
    { type: 'supervisor', name: RUNS.name, strategy: 'dynamic', recover: recover.runs },
  ],
})

/**
 * A run's actor reads where it was from the records, so it may be restarted; a run that ended is not. Temporary in `runs`:
 * one that cannot be kept up fails alone.
 */
export const runTree = (args: RunArgs): SupervisorSpec => ({
  type: 'supervisor',
  name: runTreeName(args.runId),
  strategy: 'one_for_one',
  restart: 'temporary',
  intensity: { restarts: 3, withinMs: 60_000 },
  autoShutdown: 'any_significant',
  children: [worker(runName(args.runId), runActor, args, { restart: 'transient', significant: true })],
})
