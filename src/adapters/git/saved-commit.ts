import { constants } from 'node:fs'
import { open, readdir, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { SavedLane } from '../../ports/recovery.port.ts'
import { bytesOf, feed, type GitStream, type StreamGit } from './git-stream.ts'
import { type BytePath, type FileMode, readWhole, under, type WorkTree } from './work-tree-files.ts'

export const RECOVERY_REFS = 'refs/signalbox/recovery/'
/** Of a worktree whose content is saved and that is being removed: which commit has it. */
export const SAVED_MARK = 'signalbox-saved'
/** Of a worktree that is being brought back. */
export const RESTORING_MARK = 'signalbox-restoring'
/** Of one that was: from which commit. */
export const RESTORED_MARK = 'signalbox-restored'

/** Permissions of files, which a tree does not hold. */
export type Permissions = {
  /** What most files of a mode have. */
  readonly usual: Readonly<Record<string, number>>
  readonly others: Readonly<Record<BytePath, number>>
}

export const permissionsOf = ({ files }: WorkTree): Permissions => {
  const counts = new Map<string, Map<number, number>>()
  for (const { mode, permissions } of files.values()) {
    const ofMode = counts.get(mode) ?? new Map<number, number>()
    counts.set(mode, ofMode.set(permissions, (ofMode.get(permissions) ?? 0) + 1))
  }
  const usual = Object.fromEntries(
    [...counts].map(([mode, ofMode]) => [mode, [...ofMode].toSorted(([, one], [, two]) => two - one)[0]?.[0] ?? 0]),
  )
  const others = [...files].filter(([, { mode, permissions }]) => mode !== '120000' && permissions !== usual[mode])
  return { usual, others: Object.fromEntries(others.map(([file, { permissions }]) => [file, permissions])) }
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
  readonly directories: readonly BytePath[]
  readonly modules: WorkTree['modules']
}

/** What git keeps of a worktree that belongs to its place, not to the work in it. */
const OF_THE_PLACE = new Set(['gitdir', 'commondir', 'locked', 'modules', SAVED_MARK, RESTORING_MARK, RESTORED_MARK, 'signalbox-removing'])

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
  /** Commits that are kept with it. */
  readonly parents: readonly string[]
  readonly tree: WorkTree
  /** Of the worktree. */
  readonly path: string
  readonly adminDir: string
}

/**
 * Writes a commit whose tree has `worktree/` (every file as it is), `index/STAGE/` (what is staged otherwise), `git/` (what git
 * keeps of the worktree) and `lane.json`, and the ref that holds it, last: where the ref is, all of it is.
 */
export const writeSavedCommit = async (streamGit: StreamGit, commonDir: string, saved: SavedCommit): Promise<string> => {
  const { ref, note, parents, tree, path, adminDir } = saved
  const stream = streamGit(commonDir, ['-c', 'core.fsync=all', 'fast-import', '--quiet', '--force', '--done'])
  try {
    const [first, ...others] = parents
    const text = `lane ${note.name}, saved when it was removed\n`
    await feed(
      stream,
      [
        'feature done',
        // The index names it for files that are only meant to be added.
        'blob\ndata 0\n',
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
    for (const { path: file, mode, oid, stage } of tree.index) {
      if (mode === '160000' || mode === '040000' || (stage === '0' && tree.files.get(file)?.oid === oid)) continue
      await feed(stream, `M ${mode} ${oid} ${quoted(`index/${stage}/${file}`)}\n`)
    }
    for (const file of await adminFiles(adminDir))
      await sendFile(stream, `git/${Buffer.from(file).toString('latin1')}`, '100644', Buffer.from(join(adminDir, file)))
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

export type SavedEntry = { readonly path: BytePath; readonly mode: FileMode; readonly oid: string }

/** What a part of a saved tree holds, such as `worktree`; empty where it has none. */
export const savedEntries = async (
  streamGit: StreamGit,
  commonDir: string,
  commit: string,
  part: string,
): Promise<readonly SavedEntry[]> => {
  const text = await bytesOf(streamGit(commonDir, ['ls-tree', '-r', '-z', '--full-tree', commit, '--', `${part}/`]))
  return text
    .split('\0')
    .filter(Boolean)
    .map((row): SavedEntry => {
      const [mode = '', , oid = ''] = row.slice(0, row.indexOf('\t')).split(' ')
      return { path: row.slice(row.indexOf('\t') + 2 + part.length), mode: mode as FileMode, oid }
    })
}
