import { access, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { EventStore, StoredRecord } from '../ports/event-store.port.ts'
import type { Settings } from '../protocols/config.schema.ts'
import type { LaneRecord } from '../protocols/records.ts'

/** How long runs, their events and logs are kept. */
export const retentionMs = ({ history }: Settings): number => history.days * 24 * 60 * 60 * 1_000

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )

/** Lanes whose worktree was kept and still is there, with their runs: without a record doctor would not know why it stays. */
const keptLanes = async (store: EventStore, endedBefore: number): Promise<readonly StoredRecord[]> => {
  const kept: StoredRecord[] = []
  for (const record of await store.records('lane')) {
    const { endedAt, runId, summary } = record.value as LaneRecord
    if (endedAt === null || endedAt >= endedBefore || summary?.worktree == null || !(await isThere(summary.worktree))) continue
    const run = runId === null ? undefined : await store.record('run', runId)
    kept.push(record, ...(run === undefined ? [] : [run]))
  }
  return kept
}

/** Forgets runs, and lanes of their own, that ended before a time, with their logs; of a worktree that was kept it is still known why. @returns their ids */
export const forgetOldRuns = async (store: EventStore, logs: string, endedBefore: number): Promise<readonly string[]> => {
  const kept = await keptLanes(store, endedBefore)
  const forgotten = await store.forgetRunsBefore(endedBefore)
  const again = kept.filter(({ id, value }) => forgotten.includes(id) || forgotten.includes(String(value['runId'])))
  if (again.length > 0) await store.commit({ events: [], records: again })
  for (const id of forgotten) await rm(join(logs, id), { recursive: true, force: true })
  return forgotten
}
