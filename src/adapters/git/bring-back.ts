import { constants } from 'node:fs'
import { chmod, mkdir, open, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { dirname, isAbsolute, join, relative } from 'node:path'
import type { Worktree } from '../../ports/worktrees.port.ts'
import { SignalboxError } from '../../protocols/errors.ts'
import { exists, makeDirectories, orAbsent, realPathOf, removeEmpty } from './files.ts'
import { CHECKOUT_TIMEOUT_MS, orWhenGitRefuses } from './git-command.ts'
import { bytesOf, feed, type GitStream } from './git-stream.ts'
import { bringModules, keepModules } from './kept-modules.ts'
import { forgetMade, noteMade } from './lanes-directory.ts'
import type { RecoveryContext } from './recovery-context.ts'
import { interrupted, retryLocked } from './repository-queue.ts'
import {
  checkInside,
  DIRECTORY,
  type Permissions,
  RECOVERY_REFS,
  REFLOG,
  RESTORED_MARK,
  RESTORING_MARK,
  savedEntries,
  type SavedEntry,
  type SavedNote,
} from './saved-commit.ts'
import { allStashes, readNote, refCommit } from './saved-refs.ts'
import { notSaved, PART } from './present-files.ts'
import { type BytePath, parentsOf, pathBytes, shown, under } from './work-tree-files.ts'
import { type AdminEntry, adminEntryOf } from './worktree-admin.ts'
import { createBranch, deleteBranch, tipOf, userOfBranch } from './worktree-branches.ts'

/** What stands in the mark: what is brought back, and whether the branch is the restoration's to remove. */
type Mark = { readonly id: string; readonly commit: string; readonly madeBranch: boolean }

export const markOf = async ({ dir }: AdminEntry): Promise<Mark | null> => {
  const text = await orAbsent(readFile(join(dir, RESTORING_MARK), 'utf8'), null)
  return text === null ? null : (JSON.parse(text) as Mark)
}

/** Whole or not at all. */
const writeMark = async ({ dir }: AdminEntry, mark: Mark): Promise<void> => {
  const target = join(dir, RESTORING_MARK)
  await writeFile(`${target}.lock`, JSON.stringify(mark))
  await rename(`${target}.lock`, target)
}

/** Reads `<object> blob <size>`, the bytes, a line feed, again and again: git cat-file --batch. */
class Blobs {
  readonly #stream: GitStream
  readonly #chunks: AsyncIterator<Buffer, undefined>
  #rest: Buffer = Buffer.alloc(0)

  constructor(stream: GitStream) {
    this.#stream = stream
    this.#chunks = (stream.stdout as AsyncIterable<Buffer, undefined>)[Symbol.asyncIterator]()
  }

  async #more(): Promise<void> {
    const { value, done } = await this.#chunks.next()
    if (done === true) {
      await this.#stream.ended
      throw new SignalboxError('ERR_GIT_FAILED', 'git cat-file ended early')
    }
    this.#rest = this.#rest.length === 0 ? value : Buffer.concat([this.#rest, value])
  }

  /** @param take is given the bytes in pieces */
  async read(oid: string, take: (bytes: Buffer) => Promise<unknown> | void): Promise<void> {
    await feed(this.#stream, `${oid}\n`)
    let end = this.#rest.indexOf(10)
    for (; end < 0; end = this.#rest.indexOf(10)) await this.#more()
    const [, type, size] = this.#rest.subarray(0, end).toString().split(' ')
    if (type !== 'blob') throw new SignalboxError('ERR_GIT_FAILED', `the object ${oid} of what was saved is missing`, { context: { oid } })
    this.#rest = this.#rest.subarray(end + 1)
    for (let left = Number(size); left > 0;) {
      if (this.#rest.length === 0) await this.#more()
      const piece = this.#rest.subarray(0, left)
      await take(piece)
      left -= piece.length
      this.#rest = this.#rest.subarray(piece.length)
    }
    while (this.#rest.length === 0) await this.#more()
    this.#rest = this.#rest.subarray(1)
  }
}

/** Under another name until it is whole, so that a part of a file is known as such. */
const writeBlob = async (blobs: Blobs, { mode, oid }: SavedEntry, place: Buffer, permissions: number): Promise<void> => {
  if (mode === '120000') {
    const target: Buffer[] = []
    await blobs.read(oid, (bytes) => void target.push(Buffer.from(bytes)))
    return symlink(Buffer.concat(target), place)
  }
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL
  const part = Buffer.concat([place, Buffer.from(PART)])
  {
    await using file = await open(part, flags, 0o600)
    await blobs.read(oid, (bytes) => file.writeFile(bytes))
    await file.chmod(permissions)
  }
  await rename(part, place)
}

/** Names of files are anything, also those of what every object has. */
const permissionsFor = ({ usual, others }: Permissions, path: BytePath, mode: string): number =>
  (Object.hasOwn(others, path) ? others[path] : usual[mode]) ?? (mode === DIRECTORY ? 0o755 : 0o644)

/** Permissions of directories, once all is in them; those that lie deepest first. */
const finishDirectories = async (top: string, { empty, permissions }: SavedNote, entries: readonly SavedEntry[]): Promise<void> => {
  const all = new Set<BytePath>(empty)
  for (const path of [...entries.map((entry) => entry.path), ...empty]) for (const parent of parentsOf(path)) all.add(parent)
  for (const path of [...all].toSorted((one, other) => other.length - one.length))
    await chmod(under(top, path), permissionsFor(permissions, path, DIRECTORY))
}

/** Writes saved files, as they are, below `top`. */
const writeEntries = async (
  blobs: Blobs,
  entries: readonly SavedEntry[],
  top: string,
  permissions: Permissions,
  signal?: AbortSignal,
): Promise<void> => {
  const made = new Set<string>()
  for (const entry of entries) {
    if (signal?.aborted) throw interrupted(`bringing back ${top}`, signal)
    const directory = entry.path.slice(0, Math.max(0, entry.path.lastIndexOf('/')))
    if (!made.has(directory)) await mkdir(under(top, directory), { recursive: true })
    made.add(directory)
    await writeBlob(blobs, entry, under(top, entry.path), permissionsFor(permissions, entry.path, entry.mode))
  }
}

/** Lets each submodule find its repository, and the other way round. */
const linkModules = async ({ git }: RecoveryContext, path: string, { dir }: AdminEntry, modules: SavedNote['modules']): Promise<void> => {
  for (const { path: inside, gitDir } of modules) {
    const top = join(path, pathBytes(inside).toString())
    const repository = join(dir, gitDir)
    await mkdir(top, { recursive: true })
    await writeFile(join(top, '.git'), `gitdir: ${relative(top, repository)}\n`)
    await git(repository, ['config', '--file', 'config', 'core.worktree', relative(repository, top)])
  }
}

/** Overwrites what `worktree add` wrote: HEAD, the index, its reflog. */
const writeAdmin = async (blobs: Blobs, entries: readonly SavedEntry[], { dir }: AdminEntry): Promise<void> => {
  for (const { path } of entries) await rm(under(dir, path), { force: true })
  await writeEntries(blobs, entries, dir, { usual: {}, others: {} })
}

/** What is brought back, as it is saved. */
type Saved = {
  readonly commit: string
  readonly note: SavedNote
  /** Of the worktree. */
  readonly files: readonly SavedEntry[]
  /** What git keeps of it. */
  readonly admin: readonly SavedEntry[]
}

const fill = async (context: RecoveryContext, { note, files, admin }: Saved, entry: AdminEntry, signal?: AbortSignal): Promise<void> => {
  const { streamGit, git, workspace } = context
  const { commonDir } = workspace
  const { path } = entry
  await bringModules(commonDir, note.id, entry)
  const stream = streamGit(commonDir, ['cat-file', '--batch'])
  try {
    const blobs = new Blobs(stream)
    await writeEntries(blobs, files, path, note.permissions, signal)
    for (const directory of note.empty) await mkdir(under(path, directory), { recursive: true })
    await linkModules(context, path, entry, note.modules)
    await finishDirectories(path, note, files)
    await writeAdmin(blobs, admin, entry)
    stream.stdin.end()
  } catch (error) {
    stream.kill()
    throw error
  }
  // Times of files are others; that some differ from the index is as it was.
  await orWhenGitRefuses(git(path, ['update-index', '-q', '--refresh']), '')
}

const bringStashes = async ({ git }: RecoveryContext, path: string, { stashes }: SavedNote): Promise<void> => {
  if (stashes.length === 0) return
  const present = new Set((await allStashes(git, path)).map(({ commit }) => commit))
  for (const { commit, message } of stashes.toReversed()) {
    if (!present.has(commit)) await orWhenGitRefuses(git(path, ['stash', 'store', '--quiet', '-m', message, commit]), '')
  }
}

/** @throws ERR_WORKTREE_PATH_EXISTS, ERR_WORKTREE_BRANCH_EXISTS, ERR_WORKTREE_BRANCH_CHECKED_OUT */
const checkFree = async ({ git, workspace }: RecoveryContext, { worktree, tip }: SavedNote): Promise<{ readonly madeBranch: boolean }> => {
  const { path, branch } = worktree
  const { commonDir } = workspace
  const context = { path, branch }
  if ((await exists(path)) || (await adminEntryOf(commonDir, path)) !== undefined)
    throw new SignalboxError('ERR_WORKTREE_PATH_EXISTS', `${path} is taken; move away what is there, or \`git worktree remove\` it`, {
      context,
    })
  const user = await userOfBranch(git, commonDir, branch)
  if (user !== null)
    throw new SignalboxError('ERR_WORKTREE_BRANCH_CHECKED_OUT', `the branch ${branch} is checked out in ${user}`, { context })
  const now = await tipOf(git, commonDir, branch)
  if (now !== null && now !== tip) {
    const text = `there is another branch ${branch} by now, at ${now.slice(0, 12)}; rename it with \`git branch -m\``
    throw new SignalboxError('ERR_WORKTREE_BRANCH_EXISTS', text, { context })
  }
  return { madeBranch: now === null && tip !== null }
}

/** It was added without a check-out, and nothing was written yet. */
const isBare = async (path: string): Promise<boolean> => (await orAbsent(readdir(path), [])).every((name) => name === '.git')

/** What somebody wrote where it was being brought back is not ours. @throws ERR_WORKTREE_PATH_EXISTS */
const checkOurs = async ({ hash }: RecoveryContext, { note, files }: Saved, { path }: AdminEntry): Promise<void> => {
  const modules = note.modules.map((module) => module.path)
  const strange = await notSaved(path, hash, files, modules, new Set())
  if (strange === undefined) return
  const text = `${shown(strange)} was written to ${path} while the lane was being brought back; move it away, then undo again`
  throw new SignalboxError('ERR_WORKTREE_PATH_EXISTS', text, { context: { path } })
}

/** Removes what a restoration made that was not ended: all of it is saved. @throws ERR_WORKTREE_PATH_EXISTS */
const clear = async (context: RecoveryContext, saved: Saved, entry: AdminEntry): Promise<void> => {
  const { git, workspace } = context
  const { commonDir } = workspace
  const { id, worktree, tip } = saved.note
  const mark = await markOf(entry)
  await checkOurs(context, saved, entry)
  await keepModules(commonDir, id, entry)
  await rm(entry.path, { recursive: true, force: true })
  // Whoever dies here is taken up as long as the mark is there.
  for (const name of await readdir(entry.dir))
    if (name !== 'gitdir' && name !== RESTORING_MARK) await rm(join(entry.dir, name), { recursive: true, force: true })
  if (mark?.madeBranch === true && tip !== null && (await tipOf(git, commonDir, worktree.branch)) === tip)
    await retryLocked(context, () => deleteBranch(git, commonDir, worktree.branch, tip))
  await rm(entry.dir, { recursive: true, force: true })
  await removeEmpty(dirname(entry.dir))
  await forgetMade(commonDir, dirname(entry.path))
}

const entryOf = async ({ workspace }: RecoveryContext, { worktree }: SavedNote): Promise<AdminEntry | undefined> =>
  adminEntryOf(workspace.commonDir, await realPathOf(worktree.path))

/** Takes up what a process left that died: whole, begun, or not even marked yet. @returns whether it is whole */
const takeUp = async (context: RecoveryContext, saved: Saved): Promise<boolean> => {
  const { commit, note } = saved
  const entry = await entryOf(context, note)
  if (entry === undefined) {
    // An empty directory is what git makes first.
    await removeEmpty(note.worktree.path)
    return false
  }
  if ((await orAbsent(readFile(join(entry.dir, RESTORED_MARK), 'utf8'), null)) === commit) {
    await rm(join(entry.dir, RESTORING_MARK), { force: true })
    return true
  }
  const mark = await markOf(entry)
  const begun = mark?.id === note.id
  const head = (await orAbsent(readFile(join(entry.dir, 'HEAD'), 'utf8'), '')).trim()
  // Killed right after `worktree add`: nothing is in it yet.
  const unmarked = mark === null && head === note.head && (await isBare(entry.path)) && !(await exists(join(entry.dir, 'index')))
  if (begun || unmarked) await clear(context, saved, entry)
  return false
}

/** As it was, where git keeps it in a file. */
const writeReflog = async ({ streamGit, workspace }: RecoveryContext, commit: string, branch: string): Promise<void> => {
  const log = join(workspace.commonDir, 'logs', 'refs', 'heads', branch)
  const text = await orWhenGitRefuses(bytesOf(streamGit(workspace.commonDir, ['cat-file', 'blob', `${commit}:${REFLOG}`])), null)
  if (text !== null && (await exists(log))) await writeFile(log, text, 'latin1')
}

const make = async (context: RecoveryContext, saved: Saved, signal?: AbortSignal): Promise<void> => {
  const { commit, note } = saved
  const { git, workspace } = context
  const { commonDir, root } = workspace
  const { path, branch } = note.worktree
  const { tip, head } = note
  const { madeBranch } = await checkFree(context, note)
  if (signal?.aborted) throw interrupted(`bringing back ${path}`, signal)
  if (await makeDirectories(dirname(path))) await noteMade(commonDir, dirname(path))
  const add = ['worktree', 'add', '--quiet', '--no-checkout', '--detach', '--', path, head ?? 'HEAD']
  await retryLocked(context, () => git(root, add, { timeoutMs: CHECKOUT_TIMEOUT_MS }))
  const entry = await entryOf(context, note)
  if (entry === undefined) throw new SignalboxError('ERR_GIT_FAILED', `git added ${path} but does not know it`, { context: { path } })
  try {
    await writeMark(entry, { id: note.id, commit, madeBranch })
    if (madeBranch && tip !== null) {
      await retryLocked(context, () => createBranch(git, commonDir, branch, tip))
      await writeReflog(context, commit, branch)
    }
    if (madeBranch) for (const [key, value] of note.branchConfig) await git(commonDir, ['config', '--local', '--add', key, value])
    await fill(context, saved, entry, signal)
    await bringStashes(context, path, note)
    await writeFile(join(entry.dir, RESTORED_MARK), commit)
    await rm(join(entry.dir, RESTORING_MARK))
  } catch (error) {
    await clear(context, saved, entry).catch(() => undefined)
    throw error
  }
}

/** Null: nothing is saved under that id. @throws ERR_SAVED_NOT_FOUND for what signalbox did not write, before anything is made */
const readSaved = async (context: RecoveryContext, id: string): Promise<Saved | null> => {
  const commit = await refCommit(context, id)
  if (commit === null) return null
  const note = await readNote(context, commit, id)
  for (const path of [...note.empty, ...note.modules.flatMap((module) => [module.path, module.gitDir])]) checkInside(path)
  if (!isAbsolute(note.worktree.path)) checkInside('..')
  const entriesOf = (part: string) => savedEntries(context.streamGit, context.workspace.commonDir, commit, part)
  return { commit, note, files: await entriesOf('worktree'), admin: await entriesOf('git') }
}

/** Removes what an interrupted `bringBack` of this lane made, and nothing else. The caller holds the repository's turn. */
export const abandon = async (context: RecoveryContext, id: string): Promise<void> => {
  const saved = await readSaved(context, id)
  if (saved !== null) await takeUp(context, saved)
}

/** Brings back what was saved, or leaves nothing. The caller holds the repository's turn. */
export const bringBack = async (context: RecoveryContext, id: string, signal?: AbortSignal): Promise<Worktree> => {
  const saved = await readSaved(context, id)
  if (saved === null) throw new SignalboxError('ERR_SAVED_NOT_FOUND', `nothing is saved as ${RECOVERY_REFS}${id}`, { context: { id } })
  if (!(await takeUp(context, saved))) await make(context, saved, signal)
  return saved.note.worktree
}
