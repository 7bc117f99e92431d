import { dirname, join } from 'node:path'
import type { RemovalReport, Worktree } from '../../ports/worktrees.port.ts'
import { SignalboxError } from '../../protocols/errors.ts'
import { exists, realPathOf, removeEmpty } from './files.ts'
import { markRemoval, mendHalfRemoved, sweepHalfRemoved, unmarkRemoval } from './half-removed.ts'
import { CHECKOUT_TIMEOUT_MS, GitExit, orWhenGitRefuses } from './git-command.ts'
import { holdCopies } from './lane-copies.ts'
import { forgetMade } from './lanes-directory.ts'
import { retryLocked } from './repository-queue.ts'
import { listWorktrees } from './worktree-list.ts'
import type { WorktreeContext } from './worktree-context.ts'
import { adminEntryOf, pointsAt, type AdminEntry } from './worktree-admin.ts'
import { deleteBranch, deleteHeldBranch, tipOf, userOfBranch } from './worktree-branches.ts'
import { countCommits, inspectWorktree, type Inspection, unpushedSubmodules } from './worktree-work.ts'

const dirty = (path: string, uncommitted: readonly string[], cause?: unknown): SignalboxError =>
  new SignalboxError(
    'ERR_WORKTREE_DIRTY',
    `the worktree ${path} holds work: ${uncommitted.slice(0, 5).join(', ')}${uncommitted.length > 5 ? ' …' : ''}; commit it or move it away`,
    { context: { path, uncommitted }, cause },
  )

export const lockedError = (path: string, reason: string): SignalboxError =>
  new SignalboxError(
    'ERR_WORKTREE_LOCKED',
    `the worktree ${path} is locked${reason && ` (${reason})`}; \`git worktree unlock\` if nobody uses it`,
    {
      context: { path, reason },
    },
  )

/** A git process works in there, or died there: its result is not in `git status` yet. */
export const checkIndexLock = async (context: WorktreeContext, entry: AdminEntry): Promise<void> => {
  const lock = join(entry.dir, 'index.lock')
  await retryLocked(context, async () => {
    if (await exists(lock)) throw new GitExit(['status'], null, '', `Unable to create '${lock}': File exists.`)
  })
}

/** Removes a worktree whose directory is there. @throws ERR_WORKTREE_DIRTY, ERR_WORKTREE_LOCKED, ERR_GIT_LOCKED */
const removePresent = async (context: WorktreeContext, worktree: Worktree, entry: AdminEntry): Promise<void> => {
  const { git, workspace } = context
  const seen = await inspectWorktree(git, workspace.commonDir, worktree)
  if (seen.uncommitted.length > 0) throw dirty(seen.path, seen.uncommitted)
  const putBack = await holdCopies(
    seen.path,
    entry.dir,
    seen.copies.map((copy) => copy.path),
  )
  try {
    const tracked = seen.copies.filter((copy) => copy.tracked).map((copy) => copy.path)
    if (tracked.length > 0) await git(seen.path, ['checkout-index', '--force', '--', ...tracked])
    await markRemoval(entry)
    await letGitRemove(context, worktree, seen)
  } catch (error) {
    if (endedBySignal(error) || !(await exists(entry.dir))) throw error
    await unmarkRemoval(entry)
    await putBack()
    if (error instanceof GitExit && /contains modified or untracked files/.test(error.stderr)) {
      const now = await inspectWorktree(git, workspace.commonDir, worktree)
      throw dirty(seen.path, now.uncommitted, error)
    }
    throw error
  }
}

const endedBySignal = (error: unknown): boolean => error instanceof GitExit && error.exitCode === null

/**
 * Ctrl-C in a terminal ends every process of its foreground group, this git too, half-way through the deletion. Then it
 * is taken up again.
 */
const removeToTheEnd = async (context: WorktreeContext, worktree: Worktree, entry: AdminEntry): Promise<void> => {
  await checkIndexLock(context, entry)
  for (let attempt = 1; ; attempt += 1) {
    try {
      await mendHalfRemoved(context.git, entry)
      return await removePresent(context, worktree, entry)
    } catch (error) {
      if (!endedBySignal(error) || attempt === 3) throw error
      // It may have been at the very end.
      if (!(await exists(entry.path))) return await removeLeftEntry(context, entry)
    }
  }
}

const removeLeftEntry = async (context: WorktreeContext, entry: AdminEntry): Promise<void> => {
  if (await adminEntryOf(context.workspace.commonDir, entry.path)) await removeMissing(context, entry)
}

/**
 * git refuses for modified and untracked files, and deletes ignored ones. It refuses for submodules whatever is in
 * them; only then is --force given, after a second look just before.
 */
const letGitRemove = async (context: WorktreeContext, worktree: Worktree, seen: Inspection): Promise<void> => {
  const { git, workspace } = context
  const remove = (force: readonly string[]): Promise<string> =>
    git(workspace.root, ['worktree', 'remove', ...force, '--', seen.path], { timeoutMs: CHECKOUT_TIMEOUT_MS })
  try {
    await remove([])
  } catch (error) {
    if (!(error instanceof GitExit && seen.submodules && /containing submodules/.test(error.stderr))) throw error
    const now = await inspectWorktree(git, workspace.commonDir, worktree)
    if (now.uncommitted.length > 0) throw dirty(seen.path, now.uncommitted)
    await remove(['--force'])
  }
}

/** The directory is gone: only git's own entry of this one worktree is left, with a HEAD that may hold commits. */
const removeMissing = async (context: WorktreeContext, entry: AdminEntry): Promise<void> => {
  const { git, workspace } = context
  const head = `worktrees/${entry.dir.slice(join(workspace.commonDir, 'worktrees').length + 1)}/HEAD`
  const loose = await orWhenGitRefuses(countCommits(git, workspace.commonDir, [head, '--not', '--branches', '--tags', '--remotes']), 0)
  if (loose > 0) throw dirty(entry.path, [`(detached HEAD: ${loose} commits on no branch)`])
  const unpushed = await unpushedSubmodules(git, entry.dir)
  if (unpushed.length > 0) throw dirty(entry.path, unpushed)
  await git(workspace.root, ['worktree', 'remove', '--', entry.path])
}

const removeDirectory = async (context: WorktreeContext, worktree: Worktree, path: string): Promise<string | null> => {
  const { commonDir } = context.workspace
  const entry = await adminEntryOf(commonDir, path)
  if (entry?.locked !== undefined && entry.locked !== null) throw lockedError(path, entry.locked)
  const present = await exists(path)
  if (present && entry !== undefined) await mendHalfRemoved(context.git, entry)
  if (present && (entry === undefined || !(await pointsAt(path, entry)))) {
    // An empty directory holds nothing, whoever it belongs to.
    if (!(await removeEmpty(path))) return `the directory ${path} is no worktree of this repository any more, so it was left as it is`
    if (entry !== undefined) await removeMissing(context, entry)
    return null
  }
  if (entry === undefined) return null
  if (present) await removeToTheEnd(context, worktree, entry)
  else await removeMissing(context, entry)
  return (await exists(path)) ? `files were written to ${path} while it was being removed` : null
}

/** @returns whether the detached HEAD of another working tree reaches the commit, as in a CI check-out that has no refs. */
const heldByHead = async ({ git, workspace, version }: WorktreeContext, path: string, commit: string): Promise<boolean> => {
  for (const entry of await listWorktrees(git, workspace, version)) {
    if (entry.path === path || entry.branch !== null || entry.head === null) continue
    if ((await orWhenGitRefuses(countCommits(git, workspace.commonDir, [commit, '--not', entry.head]), 1)) === 0) return true
  }
  return false
}

const removeBranch = async (context: WorktreeContext, worktree: Worktree): Promise<string | null> => {
  const { git, workspace } = context
  const { commonDir } = workspace
  const tip = await tipOf(git, commonDir, worktree.branch)
  if (tip === null) return null
  const commits = await countCommits(git, commonDir, [tip, '--not', worktree.baseCommit])
  if (commits > 0) return `the branch ${worktree.branch} has ${commits} commits beyond its base`
  const user = await userOfBranch(git, commonDir, worktree.branch)
  if (user !== null) return `the branch ${worktree.branch} is checked out in ${user}`
  if (await deleteHeldBranch(context, worktree.branch, tip)) return null
  // Its base may have been deleted since, for example because this branch held it too.
  if (!(await heldByHead(context, worktree.path, tip))) return `only the branch ${worktree.branch} holds its base`
  await retryLocked(context, () => deleteBranch(git, commonDir, worktree.branch, tip))
  return null
}

/** Removes a worktree and its branch as far as they hold no work. The caller holds the repository's turn. */
export const removeWorktree = async (context: WorktreeContext, worktree: Worktree): Promise<RemovalReport> => {
  const path = await realPathOf(worktree.path)
  const keptDirectory = await removeDirectory(context, worktree, path)
  await sweepHalfRemoved(context.workspace.commonDir)
  const keptBranch = await removeBranch(context, worktree)
  await forgetMade(context.workspace.commonDir, dirname(path))
  return {
    worktreeRemoved: keptDirectory === null,
    branchDeleted: keptBranch === null,
    kept: [keptDirectory, keptBranch].filter((reason) => reason !== null),
  }
}
