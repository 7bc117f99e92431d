import { normalize } from 'node:path'
import { SignalboxError, isSignalboxError, type ErrorCode, type ErrorContext } from '../../protocols/errors.ts'
import { GitExit } from './git-command.ts'

const DISK_FULL = /no space left on device|out of diskspace|disk quota exceeded|ENOSPC|EDQUOT/i
const READ_ONLY = /read-only file system|permission denied|EROFS|EACCES|EPERM|insufficient permission/i
/** The file is named by both "Unable to create 'F.lock': File exists" and "could not lock config file F: File exists". */
const LOCK_FILE = /unable to create '(.+?\.lock)': file exists|could not lock config file (.+?): file exists/i

/** @returns the lock file that another git process holds, or null when the failure is of another kind. */
export const lockFileOf = (error: unknown): string | null => {
  if (!(error instanceof GitExit)) return null
  const match = LOCK_FILE.exec(error.stderr)
  return match ? normalize(match[1] ?? `${match[2]}.lock`) : null
}

/** @returns whether the same command may succeed in a moment: a lock, or the empty `worktrees` directory that another git just removed. */
export const isPassing = (error: unknown): boolean =>
  lockFileOf(error) !== null || (error instanceof GitExit && /could not create .*director.*worktrees.*: No such file/.test(error.stderr))

const textOf = (error: unknown): string =>
  error instanceof GitExit
    ? `${error.stderr}\n${error.stdout}`.trim() || error.message
    : error instanceof Error
      ? error.message
      : String(error)

const classify = (error: unknown): ErrorCode => {
  const text = textOf(error)
  if (lockFileOf(error) !== null) return 'ERR_GIT_LOCKED'
  if (DISK_FULL.test(text)) return 'ERR_DISK_FULL'
  if (READ_ONLY.test(text)) return 'ERR_WORKSPACE_READ_ONLY'
  return 'ERR_GIT_FAILED'
}

const MESSAGES: Partial<Record<ErrorCode, string>> = {
  ERR_GIT_LOCKED: 'another git process holds a lock; wait for it, or remove the file if no git runs',
  ERR_DISK_FULL: 'the disk is full; free space there',
  ERR_WORKSPACE_READ_ONLY: 'it cannot be written to; check permissions and mount',
}

/**
 * Gives a failure of git or of the file system its code in the catalogue.
 * @param doing what was tried and on which thing, such as `adding the worktree /a/b`
 */
export const toSignalboxError = (error: unknown, doing: string, context: ErrorContext = {}): SignalboxError => {
  if (isSignalboxError(error)) return error
  const code = classify(error)
  const lock = lockFileOf(error)
  const output = textOf(error).trim()
  const message = MESSAGES[code] ?? 'git failed'
  return new SignalboxError(code, `${doing}: ${message}${lock ? `: ${lock}` : `: ${output.split('\n').slice(-5).join('; ')}`}`, {
    context: {
      ...context,
      ...(lock && { lock }),
      ...(error instanceof GitExit && { command: ['git', ...error.args], exitCode: error.exitCode }),
      output: output.slice(0, 10_000),
    },
    cause: error,
  })
}

/** Does it, and gives what fails its code in the catalogue. @param doing as toSignalboxError */
export const named = async <T>(doing: string, job: () => Promise<T>): Promise<T> => {
  try {
    return await job()
  } catch (error) {
    throw toSignalboxError(error, doing)
  }
}
