import type { ControlMethods } from '../../protocols/control/methods.ts'
import type { RunInfo } from '../../protocols/control/views.ts'
import { SignalboxError } from '../../protocols/errors.ts'
import type { RunId } from '../../protocols/ids.ts'
import type { RunRecord } from '../../protocols/records.ts'
import type { Methods, Served } from './method.types.ts'
import { findRun } from './resolve.ts'

const DEFAULT_RUNS = 100

type Names = Extract<keyof ControlMethods, `runs.${string}`>

/** Runs of plans. */
export const runMethods = ({ runtime }: Served): Pick<Methods, Names> => {
  const info = (run: RunRecord): RunInfo => ({
    id: run.id,
    startedAt: run.startedAt,
    endedAt: run.endedAt,
    outcome: run.outcome,
    pid: run.owner.pid,
    isAlive: runtime.isAlive(run.owner),
    lanes: run.lanes,
    summary: run.summary,
  })
  return {
    'runs.start': {
      assign: () => runtime.newId('run'),
      again: async (assigned) => ((await runtime.records.run(assigned as RunId)) === null ? null : { runId: assigned as RunId }),
      async run({ plan, keep, parallel }, { assigned, by }) {
        const { runId } = await runtime.start(plan, {
          by,
          ...(keep !== undefined && { keep }),
          ...(parallel !== undefined && { parallel }),
          ...(assigned !== null && { runId: assigned as RunId }),
        })
        return { runId }
      },
    },
    'runs.list': {
      run: async ({ limit = DEFAULT_RUNS }) => ({ runs: (await runtime.records.runs()).slice(-limit).map(info) }),
    },
    'runs.get': {
      async run({ run: word }) {
        const run = await findRun(runtime.records, word)
        return { run: info(run), view: runtime.handle(run.id)?.view() ?? null }
      },
    },
    'runs.stop': {
      async run({ run: word, kill = false }, { by }) {
        const run = await findRun(runtime.records, word)
        const handle = runtime.handle(run.id)
        if (handle === undefined && run.endedAt === null && runtime.isAlive(run.owner)) {
          const text = `run ${run.id} belongs to process ${run.owner.pid}, which alone can stop it: send it SIGINT`
          throw new SignalboxError('ERR_RUN_NOT_FOUND', text, { context: { runId: run.id, pid: run.owner.pid } })
        }
        if (kill) handle?.kill(by)
        else handle?.stop(by)
        return { runId: run.id }
      },
    },
  }
}
