import { accessSync, constants, statfsSync } from 'node:fs'
import { dirname } from 'node:path'
import { SignalboxError, isSignalboxError } from '../../protocols/errors.ts'

// Primary result codes. Source: https://www.sqlite.org/rescode.html
const ERROR = 1
const BUSY = 5
const LOCKED = 6
const READONLY = 8
const IOERR = 10
const CORRUPT = 11
const FULL = 13
const CANTOPEN = 14
const NOTADB = 26

/** Less than this free, and an I/O error is taken for a full disk: SQLite grows its -shm by 32 KB at a time. */
const NEARLY_FULL_BYTES = 64 * 1024

/** @returns the primary result code of an error of node:sqlite, or undefined. */
const sqliteCode = (error: unknown): number | undefined => {
  const code = (error as { errcode?: unknown } | null | undefined)?.errcode
  return typeof code === 'number' ? code & 0xff : undefined
}

/** @returns whether another connection held a lock, so that the same call may succeed in a moment. */
export const isBusy = (error: unknown): boolean => [BUSY, LOCKED].includes(sqliteCode(error) ?? 0)

/** @returns whether the file is no readable database, or not one that its version number promises. */
export const isDamage = (error: unknown): boolean => [ERROR, CORRUPT, NOTADB].includes(sqliteCode(error) ?? 0)

const isNearlyFull = (path: string): boolean => {
  try {
    const { bavail, bsize } = statfsSync(dirname(path))
    return bavail * bsize < NEARLY_FULL_BYTES
  } catch {
    return false
  }
}

/** SQLite says only "unable to open" where it cannot make its -shm file. */
const isReadOnly = (path: string): boolean => {
  try {
    accessSync(dirname(path), constants.W_OK)
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EROFS'
  }
}

/** Gives an error of node:sqlite or of the file system its code of the catalogue. A SignalboxError stays as it is. */
export const toStoreError = (error: unknown, path: string): SignalboxError => {
  if (isSignalboxError(error)) return error
  const code = sqliteCode(error)
  const errno = (error as NodeJS.ErrnoException | null)?.code
  const options = { context: { path, ...(code !== undefined && { sqlite: (error as { errcode: number }).errcode }) }, cause: error }
  const said = error instanceof Error ? error.message : String(error)
  // On a full disk the -shm file cannot grow, which SQLite reports as an I/O error and not as SQLITE_FULL.
  if (code === FULL || errno === 'ENOSPC' || errno === 'EDQUOT' || (code === IOERR && isNearlyFull(path))) {
    return new SignalboxError('ERR_DISK_FULL', `${path}: the disk is full; free space, then retry`, options)
  }
  if (code === READONLY || errno === 'EROFS' || (code === CANTOPEN && isReadOnly(path))) {
    return new SignalboxError('ERR_STORE_FAILED', `${path}: the store is read-only; check the mount and the permissions`, options)
  }
  if (errno === 'EACCES' || errno === 'EPERM' || code === CANTOPEN) {
    const text = `${path}: the store cannot be opened (${said}); check the permissions of the file and its directory`
    return new SignalboxError('ERR_STORE_FAILED', text, options)
  }
  if (code === CORRUPT || code === NOTADB) {
    const text = `${path}: the store is damaged (${said}); the next start puts it aside`
    return new SignalboxError('ERR_STORE_FAILED', text, options)
  }
  return new SignalboxError('ERR_STORE_FAILED', `${path}: the store failed: ${said}`, options)
}

/** The error of a lock that was not given in time. Retrying each call of a group would multiply the wait: hence `busy`. */
export const busyError = (path: string, waitedMs: number, cause: unknown): SignalboxError =>
  new SignalboxError('ERR_STORE_FAILED', `${path}: another process has held the lock of the store for ${waitedMs} ms; end it, then retry`, {
    context: { path, busy: true, waitedMs },
    cause,
  })
