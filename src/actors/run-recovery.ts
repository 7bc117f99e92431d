import type { ChildSpec } from '../kernel/child-spec.ts'
import type { RunId } from '../protocols/ids.ts'
import type { LaneRecord, RunRecord } from '../protocols/records.ts'
import { readRecord } from './journal.ts'
import type { Services } from './services.ts'

type Reader = Parameters<typeof readRecord>[0]

/** The lanes of these runs that have begun and not ended. */
export const recoverLanes = async (ctx: Reader, services: Services, runIds: readonly RunId[]): Promise<readonly ChildSpec[]> => {
  const specs: ChildSpec[] = []
  for (const runId of runIds) {
    const run = await readRecord<RunRecord>(ctx, 'run', runId)
    for (const { id, name } of run?.lanes ?? []) {
      const record = await readRecord<LaneRecord>(ctx, 'lane', id)
      const lane = run?.plan.lanes.find((one) => one.name === name)
      if (run === null || record === null || record.summary !== null || lane === undefined) continue
      specs.push(services.trees.lane({ services, runId, laneId: id, lane, keep: run.plan.keep }))
    }
  }
  return specs
}

/** Those of these runs that have begun and not ended. */
export const recoverRuns = async (
  ctx: Reader,
  runIds: readonly RunId[],
  treeOf: (run: RunRecord) => ChildSpec,
): Promise<readonly ChildSpec[]> => {
  const runs = await Promise.all(runIds.map((runId) => readRecord<RunRecord>(ctx, 'run', runId)))
  return runs.filter((run) => run !== null && run.endedAt === null).map((run) => treeOf(run as RunRecord))
}
