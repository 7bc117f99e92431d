import { access, constants, readdir, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import type { Seen, SeenLock } from './facts.ts'

/** A younger lock is one of a git that does its work. */
const LOCK_LASTS_MS = 200

const inDirectory = async (directory: string, recursive = false): Promise<readonly string[]> =>
  (await readdir(directory, { recursive }).catch(() => [])).filter((name) => name.endsWith('.lock')).map((name) => join(directory, name))

/** Locks of git that last, of the repository and of its worktrees. */
export const gitLocks = async (commonDir: string, now: number): Promise<readonly SeenLock[]> => {
  const worktrees = (await readdir(join(commonDir, 'worktrees')).catch(() => [])).map((name) => join(commonDir, 'worktrees', name))
  const paths = (
    await Promise.all([inDirectory(commonDir), inDirectory(join(commonDir, 'refs'), true), ...worktrees.map((path) => inDirectory(path))])
  ).flat()
  const found: SeenLock[] = []
  for (const path of paths) {
    const since = (await stat(path).catch(() => null))?.mtimeMs
    if (since !== undefined && now - since >= LOCK_LASTS_MS) found.push({ path, since })
  }
  return found
}

/** The disk on which records are kept. */
export const diskOf = async (path: string): Promise<Seen['disk']> => {
  const free = await statfs(path).catch(() => null)
  if (free === null) return null
  const isWritable = await access(path, constants.W_OK).then(
    () => true,
    () => false,
  )
  return { path, freeBytes: free.bavail * free.bsize, isWritable }
}
