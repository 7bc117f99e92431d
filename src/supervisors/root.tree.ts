import { type JournalArgs, journalActor } from '../actors/journal.actor.ts'
import { JOURNAL, LANES, runName, RUNS } from '../actors/names.ts'
import { type RunArgs, runActor } from '../actors/run.actor.ts'
import { type SupervisorSpec, worker, type WorkerSpec } from '../kernel/child-spec.ts'

/** Everything, in the order of start; it stops in reverse: runs, lanes, then what records them. */
export const rootTree = (journal: JournalArgs): SupervisorSpec => ({
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
    { type: 'supervisor', name: LANES.name, strategy: 'dynamic' },
    { type: 'supervisor', name: RUNS.name, strategy: 'dynamic', intensity: { restarts: 3, withinMs: 60_000 } },
  ],
})

/** A run's actor reads where it was from the records, so it may be restarted; a run that ended is not. */
export const runWorker = (args: RunArgs): WorkerSpec => worker(runName(args.runId), runActor, args, { restart: 'transient' })
