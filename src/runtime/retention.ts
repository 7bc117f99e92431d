import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { EventStore } from '../ports/event-store.port.ts'

/** How long runs, their events and logs are kept. */
export const RETENTION_MS: number = 14 * 24 * 60 * 60 * 1_000

/** Forgets runs that ended more than 14 days ago, with their logs. @returns their ids */
export const forgetOldRuns = async (store: EventStore, logs: string, now: number): Promise<readonly string[]> => {
  const forgotten = await store.forgetRunsBefore(now - RETENTION_MS)
  for (const runId of forgotten) await rm(join(logs, runId), { recursive: true, force: true })
  return forgotten
}
