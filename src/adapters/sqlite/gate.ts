import { statSync, truncateSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import type { Clock } from '../../ports/clock.port.ts'
import { createPrivately } from './private-file.ts'
import { retryBusy } from './retry-busy.ts'
import { isBusy, toStoreError } from './sqlite-errors.ts'

/** Two that come at once may each be in the way of the other: then both come again, and one of them is first. */
const TRIES = 4

/** The gate, held. @throws what SQLite throws when another holds it */
const enter = (gate: string): DatabaseSync => {
  createPrivately(gate)
  if (statSync(gate).size > 0) truncateSync(gate)
  const opened = new DatabaseSync(gate, { timeout: 0 })
  try {
    opened.exec('BEGIN EXCLUSIVE')
    return opened
  } catch (error) {
    opened.close()
    throw error
  }
}

/**
 * Holds a gate for as long as this process lives, or until it is let go. The kernel releases it when its holder dies, so
 * it is never stale. At most one call in a process for one path.
 * @returns null when another process holds it. @throws ERR_STORE_FAILED, ERR_DISK_FULL
 */
export const tryGate = (path: string): Disposable | null => {
  const gate = `${path}.gate`
  for (let tries = 1; ; tries += 1) {
    try {
      const db = enter(gate)
      return { [Symbol.dispose]: () => db.close() }
    } catch (error) {
      if (!isBusy(error)) throw toStoreError(error, gate)
      if (tries >= TRIES) return null
    }
  }
}

/**
 * Runs `work` in one process at a time. The gate is a lock of SQLite on an empty file beside the store, which the kernel
 * releases when its holder dies. Without it, of two processes that find a damaged file the second would put the new
 * one aside.
 */
export const withGate = async <T>(path: string, clock: Clock, work: () => Promise<T>): Promise<T> => {
  const gate = `${path}.gate`
  const db = await retryBusy(clock, gate, () => enter(gate))
  try {
    return await work()
  } finally {
    db.close()
  }
}
