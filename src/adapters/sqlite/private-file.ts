import { chmodSync, closeSync, mkdirSync, openSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { SignalboxError } from '../../protocols/errors.ts'

/**
 * Makes the file empty if it is not there, and readable by its owner only; SQLite gives -wal and -shm the same mode.
 *
 * An existing file is never opened here: closing a descriptor drops every lock that this process holds on the file,
 * also those of another connection, and a third process would then delete the WAL that is in use.
 * Source: https://www.sqlite.org/howtocorrupt.html, 2.2
 */
export const createPrivately = (path: string): void => {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const stat = statSync(path, { throwIfNoEntry: false })
  if (stat === undefined) {
    try {
      closeSync(openSync(path, 'ax', 0o600))
    } catch (error) {
      // Another process made it in this moment, in the same way.
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
    return
  }
  if (!stat.isFile())
    throw new SignalboxError('ERR_STORE_FAILED', `${path}: not a file; choose another state directory`, { context: { path } })
  if ((stat.mode & 0o777) !== 0o600) chmodSync(path, 0o600)
}

/** @returns what tells one file from another, or null where none is. */
export const fileIdentity = (path: string): string | null => {
  const stat = statSync(path, { throwIfNoEntry: false })
  return stat === undefined ? null : `${stat.dev}:${stat.ino}`
}
