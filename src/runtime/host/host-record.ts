import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ProcessTable } from '../../ports/process-table.port.ts'
import type { ProcessKey } from '../../protocols/process-key.ts'

/** What a terminal host says of itself, in the repository: found whatever XDG_… says elsewhere. */
export type HostRecord = ProcessKey & {
  readonly socket: string
  readonly startedAt: number
  /** Of signalbox. */
  readonly version: string
  readonly log: string
}

export const hostRecordPath = (commonDir: string): string => join(commonDir, 'signalbox', 'terminal-host.json')

/** What a terminal host locks for as long as it lives. */
export const hostLockOf = (commonDir: string): string => join(commonDir, 'signalbox', 'terminal-host')

/** Whole at any moment. */
export const writeHostRecord = (commonDir: string, record: HostRecord): void => {
  const path = hostRecordPath(commonDir)
  const draft = `${path}.${record.pid}`
  writeFileSync(draft, `${JSON.stringify(record)}\n`, { mode: 0o600 })
  renameSync(draft, path)
}

export const removeHostRecord = (commonDir: string): void => rmSync(hostRecordPath(commonDir), { force: true })

const read = (commonDir: string): HostRecord | null => {
  try {
    const record = JSON.parse(readFileSync(hostRecordPath(commonDir), 'utf8')) as Partial<HostRecord> | null
    if (typeof record?.pid !== 'number' || typeof record.startTime !== 'string' || typeof record.socket !== 'string') return null
    return record as HostRecord
  } catch {
    return null // none, or what no host has written
  }
}

/** @returns the host that runs. It is its identity that counts: a pid may long be another's. */
export const readHostRecord = (commonDir: string, table: Pick<ProcessTable, 'isAlive'>): HostRecord | null => {
  const record = read(commonDir)
  return record !== null && table.isAlive(record) ? record : null
}

/** Removes the record and the socket of one that was killed. For who holds the lock: a host that starts has it. */
export const removeDeadHost = (commonDir: string, table: Pick<ProcessTable, 'isAlive'>): void => {
  const record = read(commonDir)
  if (record === null || table.isAlive(record)) return
  rmSync(record.socket, { force: true })
  removeHostRecord(commonDir)
}
