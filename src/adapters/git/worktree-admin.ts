import { readFile, readdir } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { exists, orAbsent, realPathOf } from './files.ts'

/** What git keeps of a linked worktree: `<common directory>/worktrees/<name>`. */
export type AdminEntry = {
  /** Absolute. */
  readonly dir: string
  /** The worktree that it describes, absolute. */
  readonly path: string
  /** Why it is locked (may be empty), or null. */
  readonly locked: string | null
}

const readText = (path: string): Promise<string | null> => orAbsent(readFile(path, 'utf8'), null)
/** Every entry that can be read, from the files themselves: `git worktree list` leaves damaged ones out. */
export const adminEntries = async (commonDir: string): Promise<readonly AdminEntry[]> => {
  const root = join(commonDir, 'worktrees')
  const names = await orAbsent(readdir(root), [])
  const entries = await Promise.all(
    names.map(async (name): Promise<AdminEntry | null> => {
      const dir = join(root, name)
      const gitdir = await readText(join(dir, 'gitdir'))
      if (!gitdir?.trim()) return null
      const locked = await readText(join(dir, 'locked'))
      // Relative since git 2.48 with worktree.useRelativePaths.
      return { dir, path: dirname(resolve(dir, gitdir.replace(/\n$/, ''))), locked: locked === null ? null : locked.trim() }
    }),
  )
  return entries.filter((entry) => entry !== null)
}

/** @returns the entry that describes the worktree at `path` (real), or undefined. */
export const adminEntryOf = async (commonDir: string, path: string): Promise<AdminEntry | undefined> =>
  (await adminEntries(commonDir)).find((entry) => entry.path === path)

/** @returns whether the `.git` file in `path` points at `entry`: without it, git in there would find another repository. */
export const pointsAt = async (path: string, entry: AdminEntry): Promise<boolean> => {
  const text = await readText(join(path, '.git'))
  const target = /^gitdir: (.+)\n?$/s.exec(text ?? '')?.[1]?.replace(/\n$/, '')
  if (target === undefined) return false
  return (await realPathOf(resolve(path, target))) === (await realPathOf(entry.dir))
}

const OPERATIONS: readonly (readonly [file: string, name: string])[] = [
  ['MERGE_HEAD', 'merge'],
  ['rebase-merge', 'rebase'],
  ['rebase-apply', 'rebase'],
  ['CHERRY_PICK_HEAD', 'cherry-pick'],
  ['REVERT_HEAD', 'revert'],
  ['sequencer', 'cherry-pick'],
  ['BISECT_LOG', 'bisect'],
]

/** @returns the name of an operation that was begun in the worktree and not ended, or null. */
export const operationIn = async (adminDir: string): Promise<string | null> => {
  const found = await Promise.all(OPERATIONS.map(([file]) => exists(join(adminDir, file))))
  return OPERATIONS[found.indexOf(true)]?.[1] ?? null
}

/** @returns the branch (full ref) that a rebase in the worktree will come back to, or null. */
export const rebasedBranch = async (adminDir: string): Promise<string | null> => {
  const text =
    (await readText(join(adminDir, 'rebase-merge', 'head-name'))) ?? (await readText(join(adminDir, 'rebase-apply', 'head-name')))
  return text?.trim() ?? null
}
