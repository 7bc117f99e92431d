import { execFile, execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { ErrorRecord } from '../../../src/protocols/errors.ts'
import type { Job } from './worker.ts'

const run = promisify(execFile)
const WORKER = fileURLToPath(new URL('./worker.ts', import.meta.url))

export type Answer = { readonly value?: unknown; readonly error?: ErrorRecord }

const isAnswers = (value: unknown): value is readonly Answer[] => Array.isArray(value)
const parse = (text: string): readonly Answer[] => {
  const value: unknown = JSON.parse(text)
  if (!isAnswers(value)) throw new Error(`no answers: ${text}`)
  return value
}

/** Runs jobs in another process. */
export const inProcess = async (jobs: readonly Job[]): Promise<readonly Answer[]> =>
  parse((await run(process.execPath, [WORKER, JSON.stringify(jobs)])).stdout)

const canUnshare = (): boolean => {
  try {
    execFileSync('unshare', ['-m', '--propagation', 'private', 'sh', '-c', 'mount -t tmpfs none /mnt'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
/** Why mounts cannot be made in a private namespace, or null: needs root and `unshare`. */
export const NO_MOUNTS: string | null = canUnshare() ? null : 'needs root and unshare -m to mount'

/**
 * Runs jobs in another process after `mounts`, a shell script, has changed what it sees.
 * @param places become $1, $2 … of the script
 */
export const inMounts = async (mounts: string, places: readonly string[], jobs: readonly Job[]): Promise<readonly Answer[]> => {
  const script = `set -e\n${mounts}\nexec "$NODE" "$WORKER" "$JOBS"`
  const { stdout } = await run('unshare', ['-m', '--propagation', 'private', 'sh', '-c', script, 'sh', ...places], {
    env: { ...process.env, NODE: process.execPath, WORKER, JOBS: JSON.stringify(jobs) },
  })
  return parse(stdout)
}
