import { readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { exists, orAbsent, removeEmpty } from './files.ts'
import type { Git } from './git-command.ts'
import type { AdminEntry } from './worktree-admin.ts'
import { readStatus } from './worktree-status.ts'

export const REMOVING_MARK = 'signalbox-removing'

/**
 * Notes that the worktree was found without work and that git is about to delete it: when git is killed half-way, the
 * files that it deleted would look like work.
 */
export const markRemoval = (entry: AdminEntry): Promise<void> => writeFile(join(entry.dir, REMOVING_MARK), '')
export const unmarkRemoval = (entry: AdminEntry): Promise<void> => rm(join(entry.dir, REMOVING_MARK), { force: true })

/** @returns whether a removal of the worktree was begun and not ended. */
export const isHalfRemoved = (entry: AdminEntry): Promise<boolean> => exists(join(entry.dir, REMOVING_MARK))

/**
 * Brings back what an interrupted removal deleted, if that is all that is missing, so that it can begin anew with every
 * check. Where anything was written since, nothing is changed.
 */
export const mendHalfRemoved = async (git: Git, entry: AdminEntry): Promise<void> => {
  if (!(await isHalfRemoved(entry))) return
  const gitFile = join(entry.path, '.git')
  if (!(await exists(gitFile))) await writeFile(gitFile, `gitdir: ${entry.dir}\n`, { flag: 'wx' })
  await unmarkRemoval(entry)
  const { entries } = await readStatus(git, entry.path)
  if (entries.length === 0 || entries.some((file) => file.state !== '.D')) return
  const input = entries.map((file) => `${file.path}\0`).join('')
  await git(entry.path, ['checkout-index', '-z', '--stdin'], { input })
}

/** Deletes admin directories that git was killed in while it deleted them: without `gitdir` they describe nothing. */
export const sweepHalfRemoved = async (commonDir: string): Promise<void> => {
  const root = join(commonDir, 'worktrees')
  let swept = false
  for (const name of await orAbsent(readdir(root), [])) {
    const dir = join(root, name)
    if (!(await exists(join(dir, REMOVING_MARK))) || (await exists(join(dir, 'gitdir')))) continue
    await rm(dir, { recursive: true, force: true })
    swept = true
  }
  if (swept) await removeEmpty(root)
}
