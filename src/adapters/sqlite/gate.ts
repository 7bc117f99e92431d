import { statSync, truncateSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import type { Clock } from '../../ports/clock.port.ts'
import { createPrivately } from './private-file.ts'
import { retryBusy } from './retry-busy.ts'

/**
 * Runs `work` in one process at a time. The gate is a lock of SQLite on an empty file beside the store, which the kernel
 * releases when its holder dies. Without it, of two processes that find a damaged file the second would put the new
 * one aside.
 */
export const withGate = async <T>(path: string, clock: Clock, work: () => Promise<T>): Promise<T> => {
  const gate = `${path}.gate`
  const db = await retryBusy(clock, gate, () => {
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
  })
  try {
    return await work()
  } finally {
    db.close()
  }
}
