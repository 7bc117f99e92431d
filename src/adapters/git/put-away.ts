import { lstat, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { SaveSpec } from '../../ports/recovery.port.ts'
import type { RemovalReport } from '../../ports/worktrees.port.ts'
import { exists, makeDirectories, orAbsent, realPathOf, removeEmpty } from './files.ts'
import { CHECKOUT_TIMEOUT_MS, orWhenGitRefuses } from './git-command.ts'
import { sweepHalfRemoved } from './half-removed.ts'
import { forgetMade } from './lanes-directory.ts'
import { retryLocked } from './repository-queue.ts'
import { permissionsOf, RECOVERY_REFS, SAVED_MARK, type SavedNote, writeSavedCommit } from './saved-commit.ts'
import type { RecoveryContext } from './recovery-context.ts'
import { historyOf, keptCommits, refCommit, stashesOn } from './saved-refs.ts'
import { isSameWork, readWorkTree, saveRefused, type WorkTree } from './work-tree-files.ts'
import { type AdminEntry, adminEntryOf, pointsAt } from './worktree-admin.ts'
import { branchConfig, deleteBranch, forgetBranchConfig, tipOf, userOfBranch } from './worktree-branches.ts'
import { checkIndexLock, lockedError } from './worktree-remove.ts'
import { countCommits, inspectWorktree, notFound } from './worktree-work.ts'

/** Where the repositories of its submodules are kept while a lane is removed. */
export const keptModules = (commonDir: string, id: string): string => join(commonDir, 'signalbox', 'recovery', id, 'modules')

/** Looks again this often when something changes while it is saved. */
const SAVES = 3

type Place = { readonly path: string; readonly entry: AdminEntry }

/** The worktree, whole and free. @throws ERR_WORKTREE_NOT_FOUND, ERR_WORKTREE_LOCKED, ERR_GIT_LOCKED */
const placeOf = async (context: RecoveryContext, { worktree }: SaveSpec): Promise<Place> => {
  const path = await realPathOf(worktree.path)
  const entry = await adminEntryOf(context.workspace.commonDir, path)
  if (!(await exists(path))) throw notFound(path, 'is gone')
  if (entry === undefined || !(await pointsAt(path, entry))) throw notFound(path, 'is no worktree of this repository any more')
  if (entry.locked !== null) throw lockedError(path, entry.locked)
  await checkIndexLock(context, entry)
  return { path, entry }
}

const readPlace = ({ streamGit, hash }: RecoveryContext, { path, entry }: Place, { ignored }: SaveSpec): Promise<WorkTree> =>
  readWorkTree({ streamGit, hash, path, adminDir: entry.dir, ignored })

/** @throws ERR_SAVE_REFUSED, and as placeOf */
export const checkSavable = async (context: RecoveryContext, spec: SaveSpec): Promise<void> => {
  await readPlace(context, await placeOf(context, spec), spec)
}

const noteOf = async (context: RecoveryContext, spec: SaveSpec, { path }: Place, tree: WorkTree): Promise<SavedNote> => {
  const { git, clock, workspace } = context
  const { id, name, worktree, origin } = spec
  const head = (await orWhenGitRefuses(git(path, ['rev-parse', '--verify', '--quiet', 'HEAD^{commit}']), '')).trim() || null
  const tip = await tipOf(git, workspace.commonDir, worktree.branch)
  // On a branch without commits git cannot say.
  const work = await orWhenGitRefuses(inspectWorktree(git, workspace.commonDir, worktree), null)
  return {
    version: 1,
    id,
    name,
    savedAt: clock.now(),
    worktree,
    origin,
    commits: work?.commits ?? 0,
    uncommitted: work?.uncommitted ?? [],
    head,
    tip,
    branchConfig: await branchConfig(git, workspace.commonDir, worktree.branch),
    stashes: await stashesOn(git, path, worktree.branch),
    permissions: permissionsOf(tree),
    directories: tree.directories,
    modules: tree.modules,
  }
}

/** Saves it until nothing changed while it was saved. @returns the commit */
const save = async (context: RecoveryContext, spec: SaveSpec, place: Place): Promise<string> => {
  const { streamGit, workspace } = context
  let tree = await readPlace(context, place, spec)
  let history = await historyOf(place.entry)
  for (let attempt = 1; ; attempt += 1) {
    const note = await noteOf(context, spec, place, tree)
    const parents = await keptCommits(context, place, note)
    const { path, entry } = place
    const ref = `${RECOVERY_REFS}${spec.id}`
    const commit = await retryLocked(context, () =>
      writeSavedCommit(streamGit, workspace.commonDir, { ref, note, parents, tree, path, adminDir: entry.dir }),
    )
    const now = await readPlace(context, place, spec)
    const historyNow = await historyOf(entry)
    if (historyNow === history && isSameWork(now, tree)) return commit
    if (attempt === SAVES) throw saveRefused(path, 'its files change while they are saved; end what works there')
    tree = now
    history = historyNow
  }
}

/** Files that were written after `since`, ms. */
const writtenSince = async (directory: string, since: number): Promise<readonly string[]> => {
  const entries = await orAbsent(readdir(directory, { withFileTypes: true, recursive: true }), [])
  const found = await Promise.all(
    entries.map(async (entry) => {
      const path = join(entry.parentPath, entry.name)
      const { ctimeMs } = (await orAbsent(lstat(path), null)) ?? { ctimeMs: 0 }
      return !entry.isDirectory() && entry.name !== '.git' && ctimeMs > since ? [path] : []
    }),
  )
  return found.flat()
}

/** The mark that all of it is saved, by which a removal that was interrupted is known. */
const marked = async ({ dir }: AdminEntry, commit: string | null): Promise<boolean> => {
  const mark = join(dir, SAVED_MARK)
  return commit !== null && (await orAbsent(readFile(mark, 'utf8'), '')) === commit
}

const moveModules = async (from: string, to: string): Promise<void> => {
  if (!(await exists(from))) return
  await makeDirectories(dirname(to))
  await rename(from, to)
}

/** Removes a worktree that is saved, also one that is half removed. @returns why something stayed */
const removeSaved = async (context: RecoveryContext, spec: SaveSpec, { path, entry }: Place): Promise<string | null> => {
  const { git, workspace } = context
  await moveModules(join(entry.dir, 'modules'), keptModules(workspace.commonDir, spec.id))
  const gitFile = join(path, '.git')
  if ((await exists(path)) && !(await exists(gitFile))) await writeFile(gitFile, `gitdir: ${entry.dir}\n`, { flag: 'wx' })
  await git(workspace.root, ['worktree', 'remove', '--force', '--', path], { timeoutMs: CHECKOUT_TIMEOUT_MS })
  return (await exists(path)) ? `files were written to ${path} while it was being removed` : null
}

const removeDirectory = async (context: RecoveryContext, spec: SaveSpec): Promise<string | null> => {
  const { commonDir } = context.workspace
  const path = await realPathOf(spec.worktree.path)
  const entry = await adminEntryOf(commonDir, path)
  const before = await refCommit(context, spec.id)
  // What is saved, and has no directory any more, is gone; only what git keeps of it may be left.
  if (before !== null && !(await exists(path))) return entry === undefined ? null : removeSaved(context, spec, { path, entry })
  if (entry !== undefined && (await marked(entry, before))) {
    const since = (await stat(join(entry.dir, SAVED_MARK))).ctimeMs
    const [written] = await writtenSince(path, since)
    if (written !== undefined) throw saveRefused(path, `${written} was written after all had been saved; move it away`)
    return removeSaved(context, spec, { path, entry })
  }
  const place = await placeOf(context, spec)
  const commit = await save(context, spec, place)
  await writeFile(join(place.entry.dir, SAVED_MARK), commit)
  return removeSaved(context, spec, place)
}

const removeBranch = async (context: RecoveryContext, { id, worktree }: SaveSpec): Promise<string | null> => {
  const { git, workspace } = context
  const { commonDir } = workspace
  const tip = await tipOf(git, commonDir, worktree.branch)
  if (tip === null) {
    // Its section may be left, of a removal that was interrupted.
    await forgetBranchConfig(git, commonDir, worktree.branch)
    return null
  }
  const user = await userOfBranch(git, commonDir, worktree.branch)
  if (user !== null) return `the branch ${worktree.branch} is checked out in ${user}`
  const beyond = await countCommits(git, commonDir, [tip, '--not', `${RECOVERY_REFS}${id}`])
  if (beyond > 0) return `the branch ${worktree.branch} has ${beyond} commits that came after it had been saved`
  await retryLocked(context, () => deleteBranch(git, commonDir, worktree.branch, tip))
  return null
}

/** Saves all, looks again, then removes. The caller holds the repository's turn. */
export const putAway = async (context: RecoveryContext, spec: SaveSpec): Promise<RemovalReport> => {
  const { commonDir } = context.workspace
  const keptDirectory = await removeDirectory(context, spec)
  await sweepHalfRemoved(commonDir)
  const keptBranch = await removeBranch(context, spec)
  await forgetMade(commonDir, dirname(await realPathOf(spec.worktree.path)))
  return {
    worktreeRemoved: keptDirectory === null,
    branchDeleted: keptBranch === null,
    kept: [keptDirectory, keptBranch].filter((reason) => reason !== null),
  }
}

/** Forgets the repositories of submodules that were kept. */
export const dropModules = async (commonDir: string, id: string): Promise<void> => {
  const own = dirname(keptModules(commonDir, id))
  await rm(own, { recursive: true, force: true })
  await removeEmpty(dirname(own))
}
