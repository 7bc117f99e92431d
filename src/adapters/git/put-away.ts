import { open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import type { SaveSpec } from '../../ports/recovery.port.ts'
import type { RemovalReport } from '../../ports/worktrees.port.ts'
import { exists, orAbsent, realPathOf } from './files.ts'
import { CHECKOUT_TIMEOUT_MS, orWhenGitRefuses } from './git-command.ts'
import { sweepHalfRemoved } from './half-removed.ts'
import { keepModules } from './kept-modules.ts'
import { forgetMade } from './lanes-directory.ts'
import { retryLocked } from './repository-queue.ts'
import {
  LOOK_MARK,
  permissionsOf,
  RECOVERY_REFS,
  RESTORING_MARK,
  SAVED_MARK,
  savedEntries,
  type SavedNote,
  writeSavedCommit,
} from './saved-commit.ts'
import type { RecoveryContext } from './recovery-context.ts'
import { keptObjects, readNote, refCommit, stashesOn } from './saved-refs.ts'
import { adminState, notSaved, writtenSince } from './present-files.ts'
import { type BytePath, isSameWork, pathBytes, readWorkTree, saveRefused, shown, type WorkTree } from './work-tree-files.ts'
import { adminEntries, type AdminEntry, adminEntryOf, pointsAt } from './worktree-admin.ts'
import { branchConfig, deleteBranch, forgetBranchConfig, tipOf, userOfBranch } from './worktree-branches.ts'
import { checkIndexLock, lockedError } from './worktree-remove.ts'
import { countCommits, inspectWorktree, notFound } from './worktree-work.ts'

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
  if (await exists(join(entry.dir, RESTORING_MARK))) throw saveRefused(path, 'it is being brought back')
  const inside = (await adminEntries(context.workspace.commonDir)).find((other) => other.path.startsWith(`${path}/`))
  if (inside !== undefined) throw saveRefused(path, `${inside.path} is another worktree; remove that one first`)
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
    empty: tree.empty,
    modules: tree.modules,
  }
}

/** What time it is on the file system of `directory`. ms */
const instant = async (directory: string): Promise<number> => {
  const file = join(directory, LOOK_MARK)
  await writeFile(file, '')
  const { ctimeMs } = await stat(file)
  await rm(file)
  return ctimeMs
}

type Saved = { readonly commit: string; readonly leftOut: readonly BytePath[] }

/** Writes all to the ref, and reads all again. @returns null: something changed since it was read first */
const saveOnce = async (context: RecoveryContext, spec: SaveSpec, place: Place): Promise<Saved | null> => {
  const { streamGit, hash, workspace } = context
  const { path, entry } = place
  const tree = await readPlace(context, place, spec)
  const admin = await adminState(entry.dir, hash)
  const note = await noteOf(context, spec, place, tree)
  const log = join(workspace.commonDir, 'logs', 'refs', 'heads', spec.worktree.branch)
  const reflog = (await exists(log)) ? log : null
  const before = await refCommit(context, spec.id)
  // What an attempt before this one saved is kept, too.
  const kept = await keptObjects(context, place, note)
  const commits = [...kept.commits, ...(before === null ? [] : [before])]
  const ref = `${RECOVERY_REFS}${spec.id}`
  const commit = await writeSavedCommit(streamGit, workspace.commonDir, {
    ref,
    note,
    ...kept,
    commits,
    tree,
    reflog,
    path,
    adminDir: entry.dir,
  })
  const since = await instant(entry.dir)
  const now = await readPlace(context, place, spec)
  if (!isSameWork(now, tree) || !isDeepStrictEqual(admin, await adminState(entry.dir, hash))) return null
  // What was written behind the back of the second look.
  const modules = now.modules.map((module) => module.path)
  if ((await writtenSince(path, since, modules, new Set(now.leftOut))) !== undefined) return null
  return { commit, leftOut: now.leftOut }
}

/** Saves it until nothing changed while it was saved. */
const save = async (context: RecoveryContext, spec: SaveSpec, place: Place): Promise<Saved> => {
  const { git, workspace } = context
  for (let attempt = 1; attempt <= SAVES; attempt += 1) {
    const saved = await retryLocked(context, () => saveOnce(context, spec, place))
    if (saved !== null) return saved
  }
  await git(workspace.commonDir, ['update-ref', '-d', `${RECOVERY_REFS}${spec.id}`])
  throw saveRefused(place.path, 'its files change while they are saved; end what works there')
}

/** Written to the disk before anything is removed on the strength of it. */
const mark = async ({ dir }: AdminEntry, saved: Saved): Promise<void> => {
  const target = join(dir, SAVED_MARK)
  await using file = await open(`${target}.lock`, 'w')
  await file.writeFile(JSON.stringify(saved))
  await file.sync()
  await rename(`${target}.lock`, target)
}

/** What the mark says: all of it is saved, and its removal was begun. Null: it was not. */
export const savedMark = async ({ dir }: Pick<AdminEntry, 'dir'>): Promise<Saved | null> => {
  const text = await orAbsent(readFile(join(dir, SAVED_MARK), 'utf8'), null)
  return text === null ? null : (JSON.parse(text) as Saved)
}

/** Of a removal that was interrupted: that nothing came since. @throws ERR_SAVE_REFUSED */
const checkNothingNew = async (context: RecoveryContext, { path, entry }: Place, { commit, leftOut }: Saved, id: string): Promise<void> => {
  const { streamGit, hash, workspace } = context
  const entriesOf = (part: string) => savedEntries(streamGit, workspace.commonDir, commit, part)
  const modules = (await readNote(context, commit, id)).modules.map((module) => module.path)
  const strange = await notSaved(path, hash, await entriesOf('worktree'), modules, new Set(leftOut))
  if (strange !== undefined) throw saveRefused(path, `${shown(strange)} was written after all had been saved; move it away`)
  const known = new Map((await entriesOf('git')).map((saved) => [pathBytes(saved.path).toString(), saved.oid]))
  const changed = [...(await adminState(entry.dir, hash))].find(([file, oid]) => known.get(file) !== oid)
  if (changed !== undefined)
    throw saveRefused(path, `git was used there after all had been saved (its ${changed[0]} is another); \`git -C ${path} log\` shows`)
}

/** Removes a worktree that is saved, also one that is half removed. @returns why something stayed */
const removeSaved = async (context: RecoveryContext, spec: SaveSpec, { path, entry }: Place): Promise<string | null> => {
  const { git, workspace } = context
  await keepModules(workspace.commonDir, spec.id, entry)
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
  // It was removed, as far as git could.
  if (entry === undefined && before !== null) return (await exists(path)) ? `all is saved, but git could not remove all of ${path}` : null
  const begun = entry === undefined ? null : await savedMark(entry)
  if (entry !== undefined && begun !== null && before !== null) {
    if (entry.locked !== null) throw lockedError(path, entry.locked)
    await checkNothingNew(context, { path, entry }, begun, spec.id)
    return removeSaved(context, spec, { path, entry })
  }
  const place = await placeOf(context, spec)
  await mark(place.entry, await save(context, spec, place))
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
