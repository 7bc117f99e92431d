import type { Clock } from '../ports/clock.port.ts'
import { pause } from '../ports/clock.port.ts'
import type { ProcessIdentity, ProcessTable } from '../ports/process-table.port.ts'

/** Between SIGTERM and SIGKILL, and after it. */
const GRACE_MS = 2_000
const LOOK_EVERY_MS = 25

type Table = Pick<ProcessTable, 'isAlive' | 'signal'>

/** @returns whether it ended by itself within that time */
export const endsWithin = async (table: Table, found: ProcessIdentity, limitMs: number, clock: Clock): Promise<boolean> => {
  for (let waited = 0; waited < limitMs; waited += LOOK_EVERY_MS) {
    if (!table.isAlive(found)) return true
    await pause(clock, LOOK_EVERY_MS)
  }
  return !table.isAlive(found)
}

/**
 * Ends a process that belongs to nobody any more: SIGTERM, then SIGKILL.
 * @returns what ended it; null: it lives on
 */
export const endProcess = async (table: Table, found: ProcessIdentity, clock: Clock): Promise<'SIGTERM' | 'SIGKILL' | null> => {
  table.signal(found, 'SIGTERM')
  table.signal(found, 'SIGCONT') // a stopped process handles SIGTERM only when it goes on
  if (await endsWithin(table, found, GRACE_MS, clock)) return 'SIGTERM'
  table.signal(found, 'SIGKILL')
  return (await endsWithin(table, found, GRACE_MS, clock)) ? 'SIGKILL' : null
}
