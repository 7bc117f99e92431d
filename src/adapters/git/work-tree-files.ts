import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, lstat, open, readdir, readFile, readlink } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { SignalboxError } from '../../protocols/errors.ts'
import { orAbsent } from './files.ts'
import { bytesOf, type StreamGit } from './git-stream.ts'

/** A path relative to the top of the worktree, one character a byte: names of files need not be UTF-8. */
export type BytePath = string

/** As git's modes. */
export type FileMode = '100644' | '100755' | '120000'

export type WorkTreeFile = {
  readonly mode: FileMode
  /** What git calls these bytes, without any conversion. */
  readonly oid: string
  /** Permissions as they are. */
  readonly permissions: number
  /** The repository has these bytes: its index names them. */
  readonly isStored: boolean
}

export type IndexEntry = {
  readonly path: BytePath
  /** What git is told about it: S not to be checked out, lower case to be taken for unchanged. */
  readonly tag: string
  readonly mode: string
  readonly oid: string
  readonly stage: string
}

/** All that is in a worktree, ignored files only where they are asked for. */
export type WorkTree = {
  readonly files: ReadonlyMap<BytePath, WorkTreeFile>
  /** All of them, with their permissions. */
  readonly directories: ReadonlyMap<BytePath, number>
  /** Those that hold nothing. */
  readonly empty: readonly BytePath[]
  /** Ignored files that are not to be saved. */
  readonly leftOut: readonly BytePath[]
  /** Of the worktree itself, not of its submodules. */
  readonly index: readonly IndexEntry[]
  /** Submodules that were checked out, and their repositories relative to what git keeps of the worktree. */
  readonly modules: readonly { readonly path: BytePath; readonly gitDir: string }[]
}

export type Reading = {
  readonly streamGit: StreamGit
  /** Top of the worktree, real. */
  readonly path: string
  /** What git keeps of it. */
  readonly adminDir: string
  /** What the repository calls its objects by: sha1, sha256. */
  readonly hash: string
  readonly ignored: boolean
}

export const pathBytes = (path: BytePath): Buffer => Buffer.from(path, 'latin1')

/** @param top text */
export const under = (top: string, path: BytePath): Buffer => Buffer.concat([Buffer.from(top === '' ? '' : `${top}/`), pathBytes(path)])

/** The directories above a path, nearest first, without the top. */
export const parentsOf = (path: BytePath): readonly BytePath[] => {
  const parents: BytePath[] = []
  for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1)) parents.push(path.slice(0, at))
  return parents
}

/** For people. */
export const shown = (path: BytePath): string => JSON.stringify(pathBytes(path).toString())

export const saveRefused = (path: string, why: string, cause?: unknown): SignalboxError =>
  new SignalboxError('ERR_SAVE_REFUSED', `what ${path} holds cannot be saved: ${why}`, {
    context: { path },
    ...(cause !== undefined && { cause }),
  })

const oidOf = (hash: string, bytes: Buffer): string => createHash(hash).update(`blob ${bytes.length}\0`).update(bytes).digest('hex')

const READ_BYTES = 1 << 18

/** Gives the bytes of an open file, which must stay as many as they were. @throws ERR_SAVE_REFUSED */
export const readWhole = async (
  file: FileHandle,
  size: number,
  name: string,
  take: (bytes: Buffer) => Promise<void> | void,
): Promise<void> => {
  const buffer = Buffer.allocUnsafe(Math.min(READ_BYTES, size + 1))
  let left = size
  for (;;) {
    const { bytesRead } = await file.read(buffer, 0, buffer.length)
    if (bytesRead === 0 && left === 0) return
    left -= bytesRead
    if (bytesRead === 0 || left < 0) throw saveRefused(name, 'it is being written to')
    await take(buffer.subarray(0, bytesRead))
  }
}

const hashFile = async (hash: string, path: Buffer): Promise<string> => {
  await using file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW)
  const { size } = await file.stat()
  const digest = createHash(hash).update(`blob ${size}\0`)
  await readWhole(file, size, path.toString(), (bytes) => void digest.update(bytes))
  return digest.digest('hex')
}

/** A file or link as it is, without any conversion; null for what is neither, or is not there. */
export const fileAt = async (hash: string, place: Buffer): Promise<Omit<WorkTreeFile, 'isStored'> | null> => {
  const found = await orAbsent(lstat(place), null)
  if (found === null || (!found.isFile() && !found.isSymbolicLink())) return null
  const mode: FileMode = found.isSymbolicLink() ? '120000' : (found.mode & 0o100) === 0 ? '100644' : '100755'
  const oid = found.isSymbolicLink() ? oidOf(hash, await readlink(place, { encoding: 'buffer' })) : await hashFile(hash, place)
  return { mode, oid, permissions: found.mode & 0o7777 }
}

/** Parses `<tag> <mode> <object> <stage>\t<path>`. */
const indexOf = async (streamGit: StreamGit, cwd: string): Promise<readonly IndexEntry[]> => {
  const text = await bytesOf(streamGit(cwd, ['ls-files', '--stage', '-v', '-z']))
  return text
    .split('\0')
    .filter(Boolean)
    .map((row): IndexEntry => {
      const [tag = '', mode = '', oid = '', stage = ''] = row.slice(0, row.indexOf('\t')).split(' ')
      return { path: row.slice(row.indexOf('\t') + 1), tag, mode, oid, stage }
    })
}

const ignoredIn = async (streamGit: StreamGit, cwd: string): Promise<ReadonlySet<BytePath>> => {
  const text = await bytesOf(streamGit(cwd, ['ls-files', '--others', '--ignored', '--exclude-standard', '-z']))
  return new Set(text.split('\0').filter(Boolean))
}

/** The repository that a submodule's `.git` file names, relative to `adminDir`, or null where it is none of this worktree's. */
const moduleOf = async (directory: string, adminDir: string): Promise<string | null> => {
  const text = await readFile(join(directory, '.git'), 'utf8').catch(() => '')
  const target = /^gitdir: (.+?)\n?$/s.exec(text)?.[1]
  if (target === undefined) return null
  const way = relative(adminDir, resolve(directory, target))
  return way.startsWith('modules/') ? way : null
}

/** Reads a worktree whole: a hash of each file, no conversion. @throws ERR_SAVE_REFUSED for a repository in it that is no submodule, for what cannot be read */
export const readWorkTree = async (reading: Reading): Promise<WorkTree> => {
  const { streamGit, path: top, adminDir, hash } = reading
  const files = new Map<BytePath, WorkTreeFile>()
  const directories = new Map<BytePath, number>()
  const empty: BytePath[] = []
  const leftOut: BytePath[] = []
  const modules: { path: BytePath; gitDir: string }[] = []

  const addFile = async (path: BytePath, stored: ReadonlyMap<BytePath, string>, inside: BytePath): Promise<void> => {
    const place = under(top, path)
    // Sockets, pipes and devices are nothing that git would take for work. What vanished is missed by the second look.
    const file = await fileAt(hash, place)
    if (file !== null) files.set(path, { ...file, isStored: stored.get(inside) === file.oid })
  }

  /** @param at of the repository whose working tree it is, relative to the top; '' or ending in / */
  const readRepository = async (at: BytePath): Promise<readonly IndexEntry[]> => {
    const cwd = at === '' ? top : under(top, at).toString()
    const [entries, ignored] = await Promise.all([
      indexOf(streamGit, cwd),
      reading.ignored ? new Set<BytePath>() : ignoredIn(streamGit, cwd),
    ])
    // What a submodule holds is not in this repository.
    const stored = new Map(at === '' ? entries.filter(({ stage }) => stage === '0').map(({ path, oid }) => [path, oid]) : [])
    const links = new Set(entries.filter(({ mode }) => mode === '160000').map(({ path }) => path))

    const walk = async (inside: BytePath): Promise<void> => {
      const names = await readdir(under(top, at + inside), { withFileTypes: true, encoding: 'buffer' })
      let count = 0
      for (const entry of names) {
        const name = entry.name.toString('latin1')
        const path = inside + name
        if (name === '.git') {
          if (inside !== '') throw nested(at + inside)
          continue
        }
        count += 1
        if (!entry.isDirectory()) {
          if (ignored.has(path)) leftOut.push(at + path)
          else await addFile(at + path, stored, path)
        } else if (ignored.has(`${path}/`)) throw nested(at + path)
        else if (links.has(path) && (await hasGit(at + path))) await readModule(at + path)
        else await walk(`${path}/`)
      }
      if (inside === '' && at === '') return
      const directory = (at + inside).slice(0, -1)
      directories.set(directory, (await lstat(under(top, directory))).mode & 0o7777)
      if (count === 0) empty.push(directory)
    }
    await walk('')
    return entries
  }

  const nested = (path: BytePath): SignalboxError =>
    saveRefused(top, `${shown(path.replace(/\/$/, ''))} is a repository of its own; move it elsewhere, or remove it`)

  const hasGit = async (path: BytePath): Promise<boolean> => (await orAbsent(lstat(under(top, `${path}/.git`)), null)) !== null

  const readModule = async (path: BytePath): Promise<void> => {
    const gitDir = await moduleOf(under(top, path).toString(), adminDir)
    if (gitDir === null) throw nested(path)
    modules.push({ path, gitDir })
    await readRepository(`${path}/`)
  }

  try {
    const index = await readRepository('')
    return { files, directories, empty, leftOut, index, modules }
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'EACCES' || error.code === 'EPERM'))
      throw saveRefused(top, `${error.message}; change its permissions`, error)
    throw error
  }
}

/** Whether two readings found the same: files, their permissions, empty directories, what is staged. */
export const isSameWork = (one: WorkTree, other: WorkTree): boolean =>
  one.files.size === other.files.size &&
  [...one.files].every(([path, { mode, oid, permissions }]) => {
    const file = other.files.get(path)
    return file?.oid === oid && file.mode === mode && file.permissions === permissions
  }) &&
  isDeepStrictEqual([one.directories, one.index, one.modules], [other.directories, other.index, other.modules])
