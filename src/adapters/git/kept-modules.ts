import { rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { exists, makeDirectories, removeEmpty } from './files.ts'
import type { AdminEntry } from './worktree-admin.ts'

const directoryOf = (commonDir: string, id: string): string => join(commonDir, 'signalbox', 'recovery', id)
const keptOf = (commonDir: string, id: string): string => join(directoryOf(commonDir, id), 'modules')
const usedOf = ({ dir }: AdminEntry): string => join(dir, 'modules')

/** Refuses where there is something else. */
const move = async (from: string, to: string): Promise<void> => {
  if (!(await exists(from))) return
  await makeDirectories(dirname(to))
  await rename(from, to)
}

/** Moves the repositories of a worktree's submodules to where they are kept while the lane is removed. */
export const keepModules = (commonDir: string, id: string, entry: AdminEntry): Promise<void> => move(usedOf(entry), keptOf(commonDir, id))

/** Moves them back. */
export const bringModules = (commonDir: string, id: string, entry: AdminEntry): Promise<void> => move(keptOf(commonDir, id), usedOf(entry))

/** Forgets those that are kept. */
export const dropModules = async (commonDir: string, id: string): Promise<void> => {
  const own = directoryOf(commonDir, id)
  await rm(own, { recursive: true, force: true })
  await removeEmpty(dirname(own))
}
