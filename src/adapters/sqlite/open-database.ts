import { existsSync, renameSync, statSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import type { Clock } from '../../ports/clock.port.ts'
import type { WorkspaceId } from '../../protocols/ids.ts'
import { SignalboxError } from '../../protocols/errors.ts'
import { withGate } from './gate.ts'
import { assertKnownVersion, isMigrationNeeded, migrate } from './migrations.ts'
import { createPrivately, fileIdentity } from './private-file.ts'
import { retryBusy } from './retry-busy.ts'
import { isDamage } from './sqlite-errors.ts'
import { addWorkspace, type Statements, statements, workspaceKey } from './statements.ts'

/** How long SQLite itself waits for a lock, in ms: it blocks the event loop, so only about one write of another process. */
const BUSY_TIMEOUT_MS = 2

/** The smallest page of an SQLite file. Source: https://www.sqlite.org/fileformat.html, 1.3.2 */
const SMALLEST_BYTES = 512

export type StoreLocation = { readonly path: string; readonly workspaceId: WorkspaceId; readonly clock: Clock }

export type OpenDatabase = Statements & {
  /** Where a damaged file was put, or null. */
  readonly putAside: string | null
  /** Runs `work` in one transaction: all of it or nothing. */
  transaction<T>(work: () => T): T
  /** @returns whether the path no longer leads to this file, because another process put it aside or somebody removed it. */
  isMoved(): boolean
  /** Idempotent. */
  close(): void
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

/** The key of the workspace. Writes only where the file or the workspace is new, so that opening does not wait for writers. */
const prepareFile = (db: DatabaseSync, { path, workspaceId }: StoreLocation): number => {
  const known = isMigrationNeeded(db) ? undefined : workspaceKey(db, workspaceId)
  return (
    known ??
    transaction(db, () => {
      migrate(db, path)
      return addWorkspace(db, workspaceId)
    })
  )
}

/** Renames a damaged file with its -wal and -shm, so that somebody may still rescue what is in it. @returns its new path */
const putAside = ({ path, clock }: StoreLocation): string => {
  const stamp = new Date(clock.now()).toISOString().replaceAll(/[-:.]/g, '')
  let target = `${path}.damaged-${stamp}`
  for (let n = 2; existsSync(target); n += 1) target = `${path}.damaged-${stamp}-${n}`
  // The main file last: a death in between leaves a damaged file, which the next start puts aside.
  for (const suffix of ['-wal', '-shm', '']) if (existsSync(path + suffix)) renameSync(path + suffix, target + suffix)
  return target
}

/** A file that ends before its header cannot be a database, yet SQLite would take it for a new one. */
const isStump = (path: string): boolean => {
  const { size } = statSync(path)
  return size > 0 && size < SMALLEST_BYTES
}

/** @returns null where the file was damaged and has been put aside. */
const tryOpen = (location: StoreLocation, setAside: () => void): Omit<OpenDatabase, 'putAside'> | null => {
  const { path, workspaceId } = location
  createPrivately(path)
  const identity = fileIdentity(path)
  const db = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS })
  const close = (): void => {
    if (db.isOpen) db.close()
  }
  let opened = false
  // Renamed before it is closed: SQLite would write the WAL into the damaged file and delete it.
  const giveUp = (): null => {
    setAside()
    return null
  }
  try {
    if (isStump(path)) return giveUp()
    // The version first: a newer file is refused, not judged.
    assertKnownVersion(db, path)
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL')
    if (!isWhole(db)) return giveUp()
    const made = statements(db, prepareFile(db, location), workspaceId)
    opened = true
    return { ...made, transaction: (work) => transaction(db, work), isMoved: () => fileIdentity(path) !== identity, close }
  } catch (error) {
    if (isDamage(error)) return giveUp()
    throw error
  } finally {
    if (!opened) close()
  }
}

/**
 * Opens the file, makes or migrates it, checks it, and puts a damaged one aside.
 * @throws ERR_STORE_FAILED, ERR_STORE_TOO_NEW, ERR_DISK_FULL
 */
export const openDatabase = (location: StoreLocation): Promise<OpenDatabase> =>
  withGate(location.path, location.clock, () => {
    let aside: string | null = null
    const setAside = (): void => void (aside = putAside(location))
    return retryBusy(location.clock, location.path, () => {
      const opened = tryOpen(location, setAside) ?? tryOpen(location, setAside)
      if (opened !== null) return { ...opened, putAside: aside }
      throw new SignalboxError('ERR_STORE_FAILED', `${location.path}: a new store cannot be read back; check the disk`, {
        context: { path: location.path, putAside: aside },
      })
    })
  })
