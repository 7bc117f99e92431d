import { constants } from 'node:fs'
import { open, readdir, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { SavedLane } from '../../ports/recovery.port.ts'
import { SignalboxError } from '../../protocols/errors.ts'
import { REMOVING_MARK } from './half-removed.ts'
import { bytesOf, feed, type GitStream, type StreamGit } from './git-stream.ts'
import { type BytePath, type FileMode, parentsOf, readWhole, shown, under, type WorkTree } from './work-tree-files.ts'

export const RECOVERY_REFS = 'refs/signalbox/recovery/'
/** Of a worktree whose content is saved and that is being removed: which commit has it. */
export const SAVED_MARK = 'signalbox-saved'
/** Of a worktree that is being brought back. */
export const RESTORING_MARK = 'signalbox-restoring'
/** Of one that was: from which commit. */
export const RESTORED_MARK = 'signalbox-restored'
/** Written to learn what time it is on the file system. */
export const LOOK_MARK = 'signalbox-look'

/** Permissions of files, which a tree does not hold. */
export type Permissions = {
  /** What most files of a mode have. */
  readonly usual: Readonly<Record<string, number>>
  readonly others: Readonly<Record<BytePath, number>>
}

/** As git's modes. */
export const DIRECTORY = '040000'

export const permissionsOf = (tree: WorkTree): Permissions => {
  const counts = new Map<string, Map<number, number>>()
  const all: readonly { path: BytePath; mode: string; permissions: number }[] = [
    ...[...tree.files].map(([path, { mode, permissions }]) => ({ path, mode, permissions })),
    ...[...tree.directories].map(([path, permissions]) => ({ path, mode: DIRECTORY, permissions })),
  ]
  for (const { mode, permissions } of all) {
    const ofMode = counts.get(mode) ?? new Map<number, number>()
    counts.set(mode, ofMode.set(permissions, (ofMode.get(permissions) ?? 0) + 1))
  }
  const usual = Object.fromEntries(
    [...counts].map(([mode, ofMode]) => [mode, [...ofMode].toSorted(([, one], [, two]) => two - one)[0]?.[0] ?? 0]),
  )
  const others = all.filter(({ mode, permissions }) => mode !== '120000' && permissions !== usual[mode])
  return { usual, others: Object.fromEntries(others.map(({ path, permissions }) => [path, permissions])) }
}

/** What no tree can hold. Paths one character a byte. */
export type SavedNote = SavedLane & {
  readonly version: 1
  /** Where HEAD was; null on a branch without commits. */
  readonly head: string | null
  /** Of the branch; null where it was gone. */
  readonly tip: string | null
  readonly branchConfig: readonly (readonly [key: string, value: string])[]
  readonly stashes: readonly { readonly commit: string; readonly message: string }[]
  readonly permissions: Permissions
  /** Directories that hold nothing. */
  readonly empty: readonly BytePath[]
  readonly modules: WorkTree['modules']
}

/** What git keeps of a worktree that belongs to its place, not to the work in it. */
const OF_THE_PLACE = new Set([
  'gitdir',
  'commondir',
  'locked',
  'modules',
  SAVED_MARK,
  RESTORING_MARK,
  RESTORED_MARK,
  REMOVING_MARK,
  LOOK_MARK,
])

const isOfThePlace = (path: string): boolean => OF_THE_PLACE.has(path) || path.endsWith('.lock')

/** Files that git keeps of a worktree: its index, HEAD, reflog, an operation in progress. */
export const adminFiles = async (adminDir: string, inside = ''): Promise<readonly string[]> => {
  const entries = await readdir(join(adminDir, inside), { withFileTypes: true })
  const found = await Promise.all(
    entries.map(async (entry) => {
      const path = inside === '' ? entry.name : `${inside}/${entry.name}`
      if (isOfThePlace(path)) return []
      if (entry.isDirectory()) return adminFiles(adminDir, path)
      return entry.isFile() ? [path] : []
    }),
  )
  return found.flat()
}

/** The same but the index, which who only looks may write: HEAD, reflog, an operation in progress. */
export const historyFiles = async (adminDir: string): Promise<readonly string[]> =>
  (await adminFiles(adminDir)).filter((file) => file !== 'index' && !file.startsWith('sharedindex.'))

/** As fast-import reads it: source git-fast-import(1), "C-style quoting". */
const quoted = (path: BytePath): string =>
  `"${path.replaceAll(/["\\]|[^ -~]/gu, (char) => `\\${char.charCodeAt(0).toString(8).padStart(3, '0')}`)}"`

const sendBytes = async (stream: GitStream, path: BytePath, mode: string, bytes: Buffer): Promise<void> => {
  await feed(stream, `M ${mode} inline ${quoted(path)}\ndata ${bytes.length}\n`)
  await feed(stream, bytes)
  await feed(stream, '\n')
}

const sendFile = async (stream: GitStream, path: BytePath, mode: string, place: Buffer): Promise<void> => {
  await using file = await open(place, constants.O_RDONLY | constants.O_NOFOLLOW)
  const { size } = await file.stat()
  await feed(stream, `M ${mode} inline ${quoted(path)}\ndata ${size}\n`)
  // The buffer is used again: what is sent must be a copy where the command does not take it at once.
  await readWhole(file, size, place.toString(), (bytes) => feed(stream, Buffer.from(bytes)))
  await feed(stream, '\n')
}

export type SavedCommit = {
  readonly ref: string
  readonly note: SavedNote
  /** Kept with it, as parents. */
  readonly commits: readonly string[]
  /** Kept with it, though nothing of it names them. */
  readonly trees: readonly string[]
  readonly blobs: readonly string[]
  readonly tree: WorkTree
  /** The file with the reflog of the branch, or null. */
  readonly reflog: string | null
  /** Of the worktree. */
  readonly path: string
  readonly adminDir: string
}

/**
 * Writes a commit whose tree has `worktree/` (every file as it is), `index/STAGE/` (what is staged otherwise), `git/` (what git
 * keeps of the worktree) and `lane.json`, and the ref that holds it, last: where the ref is, all of it is.
 */
export const writeSavedCommit = async (streamGit: StreamGit, commonDir: string, saved: SavedCommit): Promise<string> => {
  const { ref, note, commits, tree, path, adminDir } = saved
  const stream = streamGit(commonDir, ['-c', 'core.fsync=all', 'fast-import', '--quiet', '--force', '--done'])
  try {
    const [first, ...others] = commits
    const text = `lane ${note.name}, saved when it was removed\n`
    await feed(
      stream,
      [
        'feature done',
        `commit ${ref}`,
        `committer signalbox <signalbox@localhost> ${Math.floor(note.savedAt / 1_000)} +0000`,
        `data ${Buffer.byteLength(text)}\n`,
      ].join('\n'),
    )
    await feed(stream, Buffer.from(`${text}\n`))
    if (first !== undefined) await feed(stream, [`from ${first}`, ...others.map((other) => `merge ${other}`), ''].join('\n'))
    await feed(stream, 'deleteall\n')
    for (const [file, { mode, oid, isStored }] of tree.files) {
      const target = `worktree/${file}`
      if (isStored) await feed(stream, `M ${mode} ${oid} ${quoted(target)}\n`)
      else if (mode === '120000') await sendBytes(stream, target, mode, await readlink(under(path, file), { encoding: 'buffer' }))
      else await sendFile(stream, target, mode, under(path, file))
    }
    // What HEAD has is kept with it; in a partial clone it may not even be here.
    const committed = new Map(
      note.head === null ? [] : (await treeEntries(streamGit, commonDir, note.head)).map((entry) => [entry.path, entry.oid]),
    )
    for (const { path: file, mode, oid, stage } of tree.index) {
      if (mode === '160000' || mode === DIRECTORY || committed.get(file) === oid) continue
      if (stage === '0' && tree.files.get(file)?.oid === oid) continue
      await feed(stream, `M ${mode} ${oid} ${quoted(`index/${stage}/${file}`)}\n`)
    }
    for (const file of await adminFiles(adminDir))
      await sendFile(stream, `git/${Buffer.from(file).toString('latin1')}`, '100644', Buffer.from(join(adminDir, file)))
    for (const oid of saved.trees) await feed(stream, `M ${DIRECTORY} ${oid} ${quoted(`trees/${oid}`)}\n`)
    for (const oid of saved.blobs) await feed(stream, `M 100644 ${oid} ${quoted(`blobs/${oid}`)}\n`)
    if (saved.reflog !== null) await sendFile(stream, REFLOG, '100644', Buffer.from(saved.reflog))
    await sendBytes(stream, 'lane.json', '100644', Buffer.from(JSON.stringify(note)))
    await feed(stream, '\ndone\n')
    stream.stdin.end()
    await stream.ended
  } catch (error) {
    stream.kill()
    throw error
  }
  return (await bytesOf(streamGit(commonDir, ['rev-parse', '--verify', ref]))).trim()
}

/** Where the reflog of the branch is in the tree. */
export const REFLOG = 'reflog'

export type SavedEntry = { readonly path: BytePath; readonly mode: FileMode; readonly oid: string }

/** `<mode> <type> <object>\t<path>`. @param skip bytes of the path that are left away */
const rowsOf = (text: string, skip: number): readonly SavedEntry[] =>
  text
    .split('\0')
    .filter(Boolean)
    .map((row) => {
      const [mode = '', , oid = ''] = row.slice(0, row.indexOf('\t')).split(' ')
      return { path: row.slice(row.indexOf('\t') + 1 + skip), mode: mode as FileMode, oid }
    })

const treeEntries = async (streamGit: StreamGit, commonDir: string, commit: string): Promise<readonly SavedEntry[]> =>
  rowsOf(await bytesOf(streamGit(commonDir, ['ls-tree', '-r', '-z', '--full-tree', commit])), 0)

/** A ref can be written by anybody: a path never leads out of its directory, nor into a repository. @throws ERR_SAVED_NOT_FOUND */
export const checkInside = (path: BytePath): void => {
  if (path.split('/').every((part) => part !== '' && part !== '.' && part !== '..' && part.toLowerCase() !== '.git')) return
  throw new SignalboxError('ERR_SAVED_NOT_FOUND', `what is saved was not written by signalbox: it holds the path ${shown(path)}`)
}

/** What a part of a saved tree holds, such as `worktree`; empty where it has none. @throws ERR_SAVED_NOT_FOUND for paths that lead elsewhere */
export const savedEntries = async (
  streamGit: StreamGit,
  commonDir: string,
  commit: string,
  part: string,
): Promise<readonly SavedEntry[]> => {
  const text = await bytesOf(streamGit(commonDir, ['ls-tree', '-r', '-z', '--full-tree', commit, '--', `${part}/`]))
  const entries = rowsOf(text, part.length + 1)
  const links = new Set(entries.filter(({ mode }) => mode === '120000').map(({ path }) => path))
  for (const { path } of entries) {
    checkInside(path)
    // A tree that git made has no path that goes through a link.
    if (parentsOf(path).some((parent) => links.has(parent))) checkInside('..')
  }
  return entries
}
