import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ProcessIdentity, ProcessTable } from '../ports/process-table.port.ts'
import { SignalboxError } from '../protocols/errors.ts'
import type { ProcessKey } from '../protocols/process-key.ts'

/** The processes that run lanes of a workspace, found without the database, so that doctor works when that is damaged. */
export type Owner = ProcessKey & { readonly startedAt: number }

const fileName = ({ pid, startTime }: ProcessKey): string => `${pid}-${startTime}.json`

/** @returns the identity of this process. @throws ERR_PTY_UNSUPPORTED where the platform cannot tell */
export const ownIdentity = (table: ProcessTable): ProcessIdentity => {
  const identity = table.identify(process.pid)
  if (identity === null) throw new SignalboxError('ERR_PTY_UNSUPPORTED', 'the identity of this process cannot be read; is /proc mounted?')
  return identity
}

/**
 * Says that this process runs lanes. It is the first that a runtime writes into its state directory.
 * @returns takes it back. @throws ERR_DISK_FULL, ERR_STORE_FAILED
 */
export const registerOwner = async (directory: string, owner: Owner): Promise<() => Promise<void>> => {
  const path = join(directory, fileName(owner))
  const temporary = `${path}.${owner.startedAt}.tmp`
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 })
    await writeFile(temporary, `${JSON.stringify(owner)}\n`, { mode: 0o600 })
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined)
    throw notWritable(directory, error)
  }
  return () => rm(path, { force: true }).catch(() => undefined)
}

const notWritable = (directory: string, cause: unknown): SignalboxError => {
  const errno = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown'
  const context = { directory, errno }
  return errno === 'ENOSPC' || errno === 'EDQUOT'
    ? new SignalboxError('ERR_DISK_FULL', `the disk of the state directory ${directory} is full; free space there`, { context, cause })
    : new SignalboxError(
        'ERR_STORE_FAILED',
        `the state directory ${directory} cannot be written (${errno}); check its permissions and mount`,
        {
          context,
          cause,
        },
      )
}

const parse = (text: string): Owner | null => {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null) return null
    const { pid, startTime, bootId, startedAt } = value as Record<string, unknown>
    const valid = typeof pid === 'number' && typeof startTime === 'string' && typeof bootId === 'string' && typeof startedAt === 'number'
    return valid ? { pid, startTime, bootId, startedAt } : null
  } catch {
    return null
  }
}

const NAME = /^(\d+)-([^.]+)\.json/u

/** A file that cannot be understood is being written as long as the process that its name tells lives. */
const isBeingWritten = (name: string, table: ProcessTable): boolean => {
  const [, pid, startTime] = NAME.exec(name) ?? []
  return pid !== undefined && table.identify(Number(pid))?.startTime === startTime
}

const absent =
  <T>(instead: T) =>
  (error: unknown): T => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return instead
    throw error
  }

/**
 * @returns the living owners, and the files that dead ones left. Throws when that cannot be told: an owner that is
 *   overlooked would have its lanes taken for abandoned.
 */
export const readOwners = async (
  directory: string,
  table: ProcessTable,
): Promise<{ living: readonly Owner[]; stale: readonly string[] }> => {
  const living: Owner[] = []
  const stale: string[] = []
  for (const name of await readdir(directory).catch(absent([]))) {
    const path = join(directory, name)
    const text = await readFile(path, 'utf8').catch(absent(null))
    const owner = text === null ? null : parse(text)
    if (owner !== null && table.isAlive(owner)) living.push(owner)
    else if (text !== null && !isBeingWritten(name, table)) stale.push(path)
  }
  return { living, stale }
}
