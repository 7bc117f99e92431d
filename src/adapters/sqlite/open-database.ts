import { chmodSync, closeSync, existsSync, mkdirSync, openSync, renameSync, statSync, truncateSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Clock } from '../../ports/clock.port.ts'
import type { WorkspaceId } from '../../protocols/ids.ts'
import { migrate } from './migrations.ts'
import { retryBusy } from './retry-busy.ts'
import { isDamage } from './sqlite-errors.ts'
import { type Statements, statements, workspaceKey } from './statements.ts'

/** How long SQLite itself waits for a lock, in ms: it blocks the event loop, so only about one write of another process. */
const BUSY_TIMEOUT_MS = 2

export type StoreLocation = { readonly path: string; readonly workspaceId: WorkspaceId; readonly clock: Clock }

export type OpenDatabase = Statements & {
  /** Where a damaged file was put, or null. */
  readonly putAside: string | null
  /** Runs `work` in one transaction: all of it or nothing. */
  transaction<T>(work: () => T): T
  /** @returns whether the path no longer leads to this file, because another process put it aside or somebody removed it. */
  isMoved(): boolean
  close(): void
}

/** @returns what tells one file from another, or null where none is. */
const fileIdentity = (path: string): string | null => {
  const stat = statSync(path, { throwIfNoEntry: false })
  return stat === undefined ? null : `${stat.dev}:${stat.ino}`
}

/** Makes the file empty if it is not there, readable by its owner only; SQLite gives -wal and -shm the same mode. */
const createPrivately = (path: string): void => {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  closeSync(openSync(path, 'a', 0o600))
  if ((statSync(path).mode & 0o777) !== 0o600) chmodSync(path, 0o600)
}

const transaction = <T>(db: DatabaseSync, work: () => T): T => {
  db.exec('BEGIN IMMEDIATE')
  try {
    const result = work()
    db.exec('COMMIT')
    return result
  } catch (error) {
    // After a full disk or an I/O error SQLite may have rolled back by itself.
    if (db.isTransaction) db.exec('ROLLBACK')
    throw error
  }
}

const isWhole = (db: DatabaseSync): boolean => db.prepare('PRAGMA quick_check(1)').get()?.['quick_check'] === 'ok'

/** @returns null where the file is damaged. */
const tryOpen = ({ path, workspaceId }: StoreLocation): Omit<OpenDatabase, 'putAside'> | null => {
  createPrivately(path)
  const identity = fileIdentity(path)
  const db = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS })
  try {
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL')
    // The version first: a newer file is refused, not judged.
    const key = transaction(db, () => {
      migrate(db, path)
      return workspaceKey(db, workspaceId)
    })
    if (!isWhole(db)) return (db.close(), null)
    return {
      ...statements(db, key, workspaceId),
      transaction: (work) => transaction(db, work),
      isMoved: () => fileIdentity(path) !== identity,
      close: () => db.close(),
    }
  } catch (error) {
    db.close()
    if (isDamage(error)) return null
    throw error
  }
}

/** Renames a damaged file with its -wal and -shm, so that somebody may still rescue what is in it. */
const putAside = (path: string, clock: Clock): string => {
  const stamp = new Date(clock.now()).toISOString().replaceAll(/[-:.]/g, '')
  let target = `${path}.damaged-${stamp}`
  for (let n = 2; existsSync(target); n += 1) target = `${path}.damaged-${stamp}-${n}`
  // The main file last: a death in between leaves a damaged file, which the next start puts aside.
  for (const suffix of ['-wal', '-shm', '']) if (existsSync(path + suffix)) renameSync(path + suffix, target + suffix)
  return target
}

/**
 * Holds the gate while `work` runs: a lock of SQLite on an empty file beside the store, which the kernel releases when
 * its holder dies. Without it, of two processes that find a damaged file the second would put the new one aside.
 */
const withGate = async <T>({ path, clock }: StoreLocation, work: () => Promise<T>): Promise<T> => {
  const gate = `${path}.gate`
  const db = await retryBusy(clock, gate, () => {
    createPrivately(gate)
    if (statSync(gate).size > 0) truncateSync(gate)
    const opened = new DatabaseSync(gate, { timeout: BUSY_TIMEOUT_MS })
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

/**
 * Opens the file, makes or migrates it, checks it, and puts a damaged one aside.
 * @throws ERR_STORE_FAILED, ERR_STORE_TOO_NEW, ERR_DISK_FULL
 */
export const openDatabase = (location: StoreLocation): Promise<OpenDatabase> =>
  withGate(location, () => {
    let aside: string | null = null
    return retryBusy(location.clock, location.path, () => {
      const opened = tryOpen(location)
      if (opened !== null) return { ...opened, putAside: aside }
      aside = putAside(location.path, location.clock)
      const fresh = tryOpen(location)
      if (fresh === null) throw new Error('a new store cannot be read back')
      return { ...fresh, putAside: aside }
    })
  })
