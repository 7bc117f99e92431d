import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { lstat, readdir, readFile, readlink, rm, rmdir, stat, unlink, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { promisify } from 'node:util'
import { gitEnvironment } from '../../adapters/git/git-command.ts'
import { exists, realPathOf } from '../../adapters/git/files.ts'
import { type AdminEntry, adminEntries, adminEntryOf } from '../../adapters/git/worktree-admin.ts'
import type { WorktreeRecord } from '../../protocols/records.ts'
import { gitIsDone } from './git-processes.ts'
import { isSlug, type Scene } from './scene.ts'

/** What `git worktree add` writes into `locked` until the check-out is complete. Source: builtin/worktree.c, add_worktree */
const UNFINISHED = 'initializing'

/** @returns git's entry of a worktree whose check-out was cut short, or undefined. */
export const unfinishedEntry = async (scene: Scene, path: string): Promise<AdminEntry | undefined> => {
  const entry = await adminEntryOf(scene.env.worktrees.workspace.commonDir, await realPathOf(path))
  return entry?.locked === UNFINISHED ? entry : undefined
}

const run = promisify(execFile)
const MOST_BYTES = 1 << 30

/** @returns what a check-out writes for a file of a commit, byte for byte, or null when git cannot tell. */
const checkedOut = (root: string, commit: string, name: string): Promise<Buffer | null> =>
  run('git', ['cat-file', '--filters', `${commit}:${name}`], {
    cwd: root,
    env: gitEnvironment(process.env),
    encoding: 'buffer',
    maxBuffer: MOST_BYTES,
  }).then(
    ({ stdout }) => stdout,
    () => null,
  )

type BaseFile = { readonly mode: string; readonly id: string }

const filesOf = async ({ git, env }: Scene, commit: string): Promise<ReadonlyMap<string, BaseFile>> => {
  const text = await git(env.worktrees.workspace.commonDir, ['ls-tree', '-r', '-z', '--end-of-options', commit])
  const rows = text.split('\0').filter(Boolean)
  return new Map(
    rows.map((row) => {
      const [mode = '', , id = ''] = row.slice(0, row.indexOf('\t')).split(' ')
      return [row.slice(row.indexOf('\t') + 1), { mode, id }]
    }),
  )
}

const blobId = (bytes: Buffer): string => createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex')

/** @returns whether the file holds the beginning of what the base has there, or all of it: then nothing goes with it. */
const isOfBase = async ({ git, env }: Scene, path: string, name: string, commit: string, file: BaseFile): Promise<boolean> => {
  const found = await lstat(path)
  if (found.isSymbolicLink()) {
    return (
      file.mode === '120000' && (await git(env.worktrees.workspace.commonDir, ['cat-file', 'blob', file.id])) === (await readlink(path))
    )
  }
  if (!found.isFile()) return false
  const bytes = await readFile(path)
  if (bytes.length === 0 || blobId(bytes) === file.id) return true
  const whole = await checkedOut(env.worktrees.workspace.root, commit, name)
  return whole !== null && whole.subarray(0, bytes.length).equals(bytes)
}

/**
 * Removes a worktree whose check-out was cut short by `kill -9` of git: no command ever ran in it. Every file must be
 * one of the base, whole or in part; with one that is not, everything stays.
 * @returns why it stays, or null when it is gone
 */
export const discardUnfinished = async (scene: Scene, worktree: WorktreeRecord, entry: AdminEntry): Promise<string | null> => {
  const base = await filesOf(scene, worktree.baseCommit)
  const found = (await readdir(entry.path, { recursive: true, withFileTypes: true }).catch(() => [])).map((item) => ({
    path: join(item.parentPath, item.name),
    isDirectory: item.isDirectory(),
  }))
  const files = found.filter(({ path, isDirectory }) => !isDirectory && path !== join(entry.path, '.git'))
  for (const { path } of files) {
    const name = relative(entry.path, path)
    const file = base.get(name)
    if (file === undefined || !(await isOfBase(scene, path, name, worktree.baseCommit, file)))
      return `its check-out was cut short, and ${name} is not what the base has there`
  }
  for (const { path } of files) await unlink(path)
  const directories = found.filter(({ isDirectory }) => isDirectory).map(({ path }) => path)
  // The deepest first; one that somebody put a file into meanwhile stays, and so does the worktree.
  for (const path of directories.sort((a, b) => b.length - a.length)) await rmdir(path)
  await rm(join(entry.path, '.git'), { force: true })
  if (await exists(entry.path)) await rmdir(entry.path)
  await rm(entry.dir, { recursive: true, force: true })
  return null
}

/** What git keeps of a worktree that it had only begun to add: a lock in a directory named as ours, and nothing else. */
export const emptyEntries = async ({ env }: Scene): Promise<readonly string[]> => {
  const { commonDir } = env.worktrees.workspace
  const root = join(commonDir, 'worktrees')
  const readable = new Set((await adminEntries(commonDir)).map(({ dir }) => dir))
  const found: string[] = []
  for (const name of await readdir(root).catch(() => [])) {
    const dir = join(root, name)
    if (!isSlug(name) || readable.has(dir)) continue
    const inside = await readdir(dir).catch(() => ['unreadable'])
    if (inside.every((file) => file === 'locked' || file === 'gitdir')) found.push(dir)
  }
  return found
}

/** Entries of ours that stop every git from looking at the worktrees: `kill -9` of git came before it filled `commondir`. */
export const brokenEntries = async ({ env }: Scene): Promise<readonly string[]> => {
  const root = join(env.worktrees.workspace.commonDir, 'worktrees')
  const names = (await readdir(root).catch(() => [])).filter(isSlug)
  const sizes = await Promise.all(names.map((name) => stat(join(root, name, 'commondir')).catch(() => null)))
  return names.filter((_name, index) => sizes[index]?.size === 0).map((name) => join(root, name))
}

/** Fills in what git did not come to write; then the entry is one of an unfinished check-out like others. */
export const repairEntry = async (dir: string): Promise<void> => {
  const gitdir = await readFile(join(dir, 'gitdir'), 'utf8').catch(() => '')
  if (await gitIsDone(dirname(gitdir.trim() || join(dir, '.git')))) await writeFile(join(dir, 'commondir'), '../..\n')
}
