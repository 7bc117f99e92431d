import { rm } from 'node:fs/promises'
import { basename, dirname, isAbsolute, join } from 'node:path'
import type { Worktree, WorktreeSpec, WorkspaceInfo } from '../../ports/worktrees.port.ts'
import { SignalboxError, isSignalboxError, type ErrorContext } from '../../protocols/errors.ts'
import { exists, makeDirectories, realPathOf, removeEmpty } from './files.ts'
import { CHECKOUT_TIMEOUT_MS, orWhenGitRefuses, type Git } from './git-command.ts'
import { named, toSignalboxError } from './git-failure.ts'
import { includedFiles } from './included-files.ts'
import { lacksSpace } from './disk-space.ts'
import { checkCopies, copyIntoLane } from './lane-copies.ts'
import { forgetMade, noteMade } from './lanes-directory.ts'
import { delay, interrupted, retryLocked } from './repository-queue.ts'
import { adminEntries, adminEntryOf } from './worktree-admin.ts'
import type { WorktreeContext } from './worktree-context.ts'
import { checkBranchName, createBranch, deleteBranch, tipOf } from './worktree-branches.ts'

/** What was made so far, newest first: undone in this order when the rest fails. */
type Undo = { readonly what: string; readonly run: () => Promise<void> }

const pathExists = (path: string, why: string): SignalboxError =>
  new SignalboxError('ERR_WORKTREE_PATH_EXISTS', `${path} ${why}; remove it if it holds nothing of value`, { context: { path } })

/** @returns the full object id of the commit that `base` names. @throws ERR_WORKTREE_BASE_NOT_FOUND */
export const resolveBase = async (git: Git, workspace: WorkspaceInfo, base: string): Promise<string> => {
  const missing = (): SignalboxError =>
    new SignalboxError(
      'ERR_WORKTREE_BASE_NOT_FOUND',
      `the base ${JSON.stringify(base)} names no commit; \`git branch -a\` lists branches`,
      {
        context: { base },
      },
    )
  // A base of a plan is untrusted text: never an option, never two arguments.
  if (base === '' || base.startsWith('-') || base.includes('\0')) throw missing()
  const answer = await orWhenGitRefuses(git(workspace.root, ['rev-parse', '--verify', '--end-of-options', `${base}^{commit}`]), null)
  if (answer === null) throw missing()
  return answer.trim()
}

/** Takes the directory: `mkdir` succeeds for one caller only, so whatever is in it afterwards was made by this call. */
const takeDirectory = async (context: WorktreeContext, path: string, undo: Undo[]): Promise<void> => {
  const { commonDir } = context.workspace
  const parent = dirname(path)
  if (await makeDirectories(parent)) {
    undo.unshift({ what: parent, run: () => forgetMade(commonDir, parent) })
    await noteMade(commonDir, parent)
  }
  if (!(await makeDirectories(path))) throw pathExists(path, 'exists already')
  undo.unshift({ what: path, run: () => rm(path, { recursive: true, force: true }) })
}

/** Removes the directory, again until every process that git started for the check-out has let go of it. */
const clearDirectory = async (context: WorktreeContext, path: string, closed: Promise<void>): Promise<void> => {
  let open = true
  void closed.then(() => (open = false))
  for (let attempt = 1; attempt <= 200; attempt += 1) {
    await rm(path, { recursive: true, force: true, maxRetries: 5 }).catch(() => undefined)
    await Promise.resolve()
    if (!open && !(await exists(path))) return
    await Promise.race([closed, delay(context.clock, 50)])
  }
  await rm(path, { recursive: true, force: true })
}

/** Removes what git noted about exactly this worktree, also where it was ended before it wrote whose entry that is. */
const clearAdminEntry = async (commonDir: string, path: string): Promise<void> => {
  const begun = join(commonDir, 'worktrees', basename(path))
  if ((await exists(begun)) && !(await exists(join(begun, 'gitdir')))) await rm(begun, { recursive: true, force: true })
  for (const entry of await adminEntries(commonDir)) {
    if (entry.path === path) await rm(entry.dir, { recursive: true, force: true })
  }
  await removeEmpty(`${commonDir}/worktrees`)
}

/** Undoes what was made. @returns what could not be undone. */
const rollBack = async (undo: readonly Undo[]): Promise<readonly string[]> => {
  const left: string[] = []
  for (const { what, run } of undo) {
    await run().catch(() => left.push(what))
  }
  return left
}

const checkOut = async (context: WorktreeContext, spec: WorktreeSpec & Worktree, undo: Undo[], signal?: AbortSignal): Promise<void> => {
  const { git, workspace } = context
  let closed: Promise<void> = Promise.resolve()
  undo.unshift({ what: `git's entry of ${spec.path}`, run: () => clearAdminEntry(workspace.commonDir, spec.path) })
  undo.unshift({ what: spec.path, run: () => clearDirectory(context, spec.path, closed) })
  const mark = context.checkOuts?.mark()
  if (mark !== undefined)
    undo.unshift({ what: `processes of the check-out of ${spec.path}`, run: async () => context.checkOuts?.end(mark) })
  await git(workspace.root, ['worktree', 'add', '--', spec.path, spec.branch], {
    signal,
    timeoutMs: CHECKOUT_TIMEOUT_MS,
    ...(mark !== undefined && { environment: { SIGNALBOX_MARK: mark } }),
    onOutputClosed: (promise) => {
      closed = promise
    },
  })
}

const makeWorktree = async (context: WorktreeContext, spec: WorktreeSpec & Worktree, undo: Undo[], signal?: AbortSignal): Promise<void> => {
  const { git, workspace } = context
  const { path, branch, baseCommit } = spec
  const stop = (): void => {
    if (signal?.aborted) throw interrupted(`adding the worktree ${path}`, signal)
  }
  stop()
  if (await adminEntryOf(workspace.commonDir, path)) throw pathExists(path, 'is missing but still registered as a worktree')
  await takeDirectory(context, path, undo)
  await retryLocked(context, () => createBranch(git, workspace.commonDir, branch, baseCommit), signal)
  undo.unshift({ what: `branch ${branch}`, run: () => dropBranch(context, branch, baseCommit) })
  stop()
  await retryLocked(context, () => checkOut(context, spec, undo, signal), signal)
  const entry = await adminEntryOf(workspace.commonDir, path)
  if (entry === undefined) throw new SignalboxError('ERR_GIT_FAILED', `git added ${path} but does not know it`, { context: { path } })
  await copyIntoLane({ root: workspace.root, worktree: path, adminDir: entry.dir }, spec.copy, signal)
  stop()
}

/** A hook may have committed: then the branch is more than what this call made, and stays. */
const dropBranch = async (context: WorktreeContext, branch: string, commit: string): Promise<void> => {
  const { git, workspace } = context
  const tip = await tipOf(git, workspace.commonDir, branch)
  if (tip !== null) await retryLocked(context, () => deleteBranch(git, workspace.commonDir, branch, commit))
}

const diskFull = (doing: string, context: ErrorContext, cause: unknown): SignalboxError =>
  new SignalboxError('ERR_DISK_FULL', `${doing}: the files do not fit on the disk; free space there`, { context, cause })

/** Adds a worktree. The caller holds the repository's turn. For errors see the port. */
export const addWorktree = async (context: WorktreeContext, spec: WorktreeSpec, signal?: AbortSignal): Promise<Worktree> => {
  const { git, workspace } = context
  const doing = `adding the worktree ${spec.path}`
  if (!isAbsolute(spec.path) || spec.path.includes('\0')) throw new SignalboxError('ERR_USAGE', `${doing}: the path must be absolute`)
  if (signal?.aborted) throw interrupted(doing, signal)
  const [baseCommit] = await Promise.all([resolveBase(git, workspace, spec.base), checkBranchName(git, workspace.commonDir, spec.branch)])
  const copy = [...new Set([...spec.copy, ...(await named(doing, () => includedFiles(git, workspace.root)))])]
  await checkCopies(workspace.root, copy)
  const path = await realPathOf(spec.path)
  const undo: Undo[] = []
  try {
    await makeWorktree(context, { ...spec, copy, path, baseCommit }, undo, signal)
    return { path, branch: spec.branch, baseCommit }
  } catch (error) {
    const left = await rollBack(undo)
    if (signal?.aborted && !isSignalboxError(error)) throw interrupted(doing, signal)
    const details = { path, branch: spec.branch, base: spec.base, ...(left.length > 0 && { left }) }
    if (await lacksSpace(git, workspace, error, dirname(path), baseCommit)) throw diskFull(doing, details, error)
    throw toSignalboxError(error, doing, details)
  }
}
