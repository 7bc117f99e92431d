import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Worktree, WorktreeWork } from '../../ports/worktrees.port.ts'
import { SignalboxError } from '../../protocols/errors.ts'
import { exists, orAbsent, realPathOf } from './files.ts'
import { orWhenGitRefuses, type Git } from './git-command.ts'
import { hiddenChanges } from './hidden-changes.ts'
import { unchangedCopies } from './lane-copies.ts'
import { readStatus, type Status } from './worktree-status.ts'
import { adminEntries, operationIn, pointsAt, type AdminEntry } from './worktree-admin.ts'

const LISTED = 1_000

/** What a look at a worktree found: enough to remove it, too. */
export type Inspection = WorktreeWork & {
  readonly entry: AdminEntry
  /** Real path of the worktree. */
  readonly path: string
  /** Copies that git would take for work; `tracked` where the base has a file of that name. */
  readonly copies: readonly { readonly path: string; readonly tracked: boolean }[]
  /** It has submodules, which make `git worktree remove` refuse. */
  readonly submodules: boolean
}

export const notFound = (path: string, why: string): SignalboxError =>
  new SignalboxError('ERR_WORKTREE_NOT_FOUND', `the worktree ${path} ${why}; run \`signalbox doctor\``, { context: { path } })

/** Commits that only this HEAD, or this submodule's repository, reaches; they would be lost with it. */
export const countCommits = async (git: Git, cwd: string, args: readonly string[]): Promise<number> =>
  Number((await git(cwd, ['rev-list', '--count', ...args])).trim())

/** Git directories of the submodules that were initialised in a worktree, nested ones included. */
const moduleDirectories = async (modules: string): Promise<readonly string[]> => {
  const names = await orAbsent(readdir(modules), [])
  const found = await Promise.all(
    names.map(async (name): Promise<readonly string[]> => {
      const directory = join(modules, name)
      if (!(await orAbsent(stat(directory), null))?.isDirectory()) return []
      // A submodule's name may hold slashes, so a directory without HEAD is a part of a name.
      if (!(await exists(join(directory, 'HEAD')))) return moduleDirectories(directory)
      return [directory, ...(await moduleDirectories(join(directory, 'modules')))]
    }),
  )
  return found.flat()
}

/** The object store of a worktree's submodule goes with the worktree: commits that no remote has count as work. */
export const unpushedSubmodules = async (git: Git, adminDir: string): Promise<readonly string[]> => {
  const modules = join(adminDir, 'modules')
  const lines: string[] = []
  for (const directory of await moduleDirectories(modules)) {
    const commits = await orWhenGitRefuses(countCommits(git, directory, ['--all', 'HEAD', '--not', '--remotes']), 1)
    if (commits > 0) lines.push(`(submodule ${directory.slice(modules.length + 1)}: ${commits} commits that no remote has)`)
  }
  return lines
}

/** Work that `git status` does not show: an operation under way, commits that no ref holds, unpushed submodules. */
const hiddenWork = async (git: Git, path: string, entry: AdminEntry, status: Status): Promise<readonly string[]> => {
  const operation = await operationIn(entry.dir)
  const loose = status.branch === null ? await countCommits(git, path, ['HEAD', '--not', '--branches', '--tags', '--remotes']) : 0
  return [
    ...(operation === null ? [] : [`(${operation} in progress)`]),
    ...(loose === 0 ? [] : [`(detached HEAD: ${loose} commits on no branch)`]),
    ...(await unpushedSubmodules(git, entry.dir)),
  ]
}

const branchExists = (git: Git, commonDir: string, branch: string): Promise<boolean> =>
  git(commonDir, ['rev-parse', '--verify', '--quiet', `refs/heads/${branch}`]).then(Boolean, () => false)

/** @throws ERR_WORKTREE_NOT_FOUND, GitExit */
export const inspectWorktree = async (git: Git, commonDir: string, worktree: Worktree): Promise<Inspection> => {
  const path = await realPathOf(worktree.path)
  if (!(await exists(path))) throw notFound(path, 'is gone')
  const entries = await adminEntries(commonDir)
  const entry = entries.find((candidate) => candidate.path === path)
  if (entry === undefined || !(await pointsAt(path, entry))) throw notFound(path, 'is no worktree of this repository any more')

  const status = await readStatus(git, path)
  const tips = (await branchExists(git, commonDir, worktree.branch)) ? ['HEAD', `refs/heads/${worktree.branch}`] : ['HEAD']
  const [commits, hidden, marked, unchanged, gitlinks] = await Promise.all([
    countCommits(git, path, [...tips, '--not', worktree.baseCommit]),
    hiddenWork(git, path, entry, status),
    hiddenChanges(git, path),
    unchangedCopies(path, entry.dir),
    exists(join(path, '.gitmodules')).then(async (present) => present || (await exists(join(entry.dir, 'modules')))),
  ])
  const copies = status.entries.filter(({ path: file, state }) => (state === '?' || state === '.M') && unchanged.has(file))
  const nested = entries.filter((other) => other.path.startsWith(`${path}/`)).map((other) => `(worktree ${other.path})`)
  const work = status.entries.filter((file) => !copies.includes(file))
  return {
    commits,
    uncommitted: [...hidden, ...nested, ...work.map((file) => file.path), ...marked].slice(0, LISTED),
    head: status.head,
    entry,
    path,
    copies: copies.map((file) => ({ path: file.path, tracked: file.state === '.M' })),
    submodules: gitlinks,
  }
}
