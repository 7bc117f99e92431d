import { type JournalArgs, journalActor } from '../actors/journal.actor.ts'
import { JOURNAL, LANES, runName, RUNS, runTreeName } from '../actors/names.ts'
import { type RunArgs, runActor } from '../actors/run.actor.ts'
import { type SupervisorSpec, worker } from '../kernel/child-spec.ts'

type Recover = NonNullable<SupervisorSpec['recover']>

/** Everything, in the order of start; it stops in reverse: runs, lanes, then what records them. @param recover what `lanes` and `runs` begin with */
export const rootTree = (journal: JournalArgs, recover: { readonly lanes: Recover; readonly runs: Recover }): SupervisorSpec => ({
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
      children: [worker(JOURNAL.name, journalActor, journal, { shutdown: 30_000 })],
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
