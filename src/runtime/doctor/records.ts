import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { systemClock } from '../../adapters/system/system-clock.adapter.ts'
import type { DoctorFinding } from '../../protocols/doctor.ts'
import type { LaneRecord, RunRecord } from '../../protocols/records.ts'
import type { RunSummary } from '../../protocols/summary.ts'
import { recordsOf } from '../inspection.ts'
import { RETENTION_MS } from '../retention.ts'
import { goesOn, type Scene } from './leftovers.ts'

const interrupted = (run: RunRecord, lanes: readonly LaneRecord[]): RunSummary => ({
  type: 'summary',
  runId: run.id,
  ok: false,
  outcome: 'interrupted',
  durationMs: Math.max(0, systemClock.now() - run.startedAt),
  lanes: lanes.map(({ summary }) => summary).filter((summary) => summary !== null),
})

/** Runs whose process died are closed as interrupted; they are never resumed silently. */
export const closeRuns = async (scene: Scene): Promise<readonly DoctorFinding[]> => {
  const dead = [...scene.runs.values()].filter((run) => run.endedAt === null && !goesOn(scene, run))
  const lanes = await recordsOf<LaneRecord>(scene.store, 'lane')
  const found: DoctorFinding[] = []
  for (const run of dead) {
    const own = lanes.filter(({ runId }) => runId === run.id)
    const why = `its process ${run.owner.pid} died`
    const finding = { kind: 'record', what: `run ${run.id}`, why } as const
    if (!scene.fix) found.push({ ...finding, action: 'would-remove' })
    else if (own.some(({ endedAt }) => endedAt === null))
      found.push({ ...finding, why: `${why}, and a lane of it could not be cleaned`, action: 'left' })
    else {
      const summary = interrupted(run, own)
      const at = systemClock.now()
      const event = { type: 'run.ended', at, runId: run.id, payload: { summary, by: 'doctor' } }
      const record: RunRecord = { ...run, endedAt: at, outcome: 'interrupted', summary }
      await scene.store.commit({ events: [event], records: [{ kind: 'run', id: run.id, value: record }] })
      found.push({ ...finding, why: `${why}; it is recorded as interrupted now`, action: 'removed' })
    }
  }
  return found
}

/** Files that dead orchestrators left, and logs of runs that no record names once they are old. */
export const sweepFiles = async (scene: Scene, staleOwners: readonly string[]): Promise<readonly DoctorFinding[]> => {
  const found: DoctorFinding[] = []
  for (const path of staleOwners) {
    if (scene.fix) await rm(path, { force: true })
    found.push({ kind: 'record', what: path, why: 'its process died', action: scene.fix ? 'removed' : 'would-remove' })
  }
  const { logs } = scene.env.paths
  for (const name of await readdir(logs).catch(() => [])) {
    if (scene.runs.has(name)) continue
    const path = join(logs, name)
    const old = systemClock.now() - (await stat(path)).mtimeMs > RETENTION_MS
    if (old && scene.fix) await rm(path, { recursive: true, force: true })
    const action = old ? (scene.fix ? 'removed' : 'would-remove') : 'left'
    found.push({
      kind: 'log',
      what: path,
      why: old ? 'no record names its run, and it is older than 14 days' : 'no record names its run; it goes when it is 14 days old',
      action,
    })
  }
  return found
}
