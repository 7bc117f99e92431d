import { createHash } from 'node:crypto'
import { constants, createReadStream } from 'node:fs'
import { chmod, copyFile, lstat, mkdir, readFile, realpath, rename, stat, unlink, writeFile } from 'node:fs/promises'
import { dirname, isAbsolute, join, normalize, sep } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { codeOf, makeDirectories } from './files.ts'
import { SignalboxError, type ErrorContext } from '../../protocols/errors.ts'

/** A file that `copy` brought into a worktree, as it was then. */
export type LaneCopy = { readonly path: string; readonly sha256: string }

const RECORD = 'signalbox-copies.json'
const HELD = 'signalbox-held'

const refuse = (file: string, why: string, context: ErrorContext = {}, cause?: unknown): SignalboxError =>
  new SignalboxError('ERR_LANE_COPY_FAILED', `cannot copy ${JSON.stringify(file)} into the lane: ${why}`, {
    context: { file, ...context },
    ...(cause === undefined ? {} : { cause }),
  })

const hashOf = async (path: string): Promise<string> => {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}

/** @returns the file's path relative to the top, and where it really lies. @throws ERR_LANE_COPY_FAILED */
const checkSource = async (root: string, file: string): Promise<{ relative: string; source: string }> => {
  const relative = normalize(file)
  const parts = relative.split(sep)
  if (file === '' || file.includes('\0') || isAbsolute(file) || parts.includes('..'))
    throw refuse(file, 'it must lie inside the repository')
  if (parts[0]?.toLowerCase() === '.git') throw refuse(file, 'it belongs to git')
  const source = await realpath(join(root, relative)).catch((error: unknown) => {
    throw refuse(file, 'it does not exist in the main working tree', { root }, error)
  })
  if (!source.startsWith(root.endsWith(sep) ? root : root + sep)) throw refuse(file, 'it is a link that leads out of the repository')
  if (!(await stat(source)).isFile()) throw refuse(file, 'it is not a file')
  return { relative, source }
}

/** Makes the directories above `relative`, never through a symbolic link that the base commit may hold. */
const makeParents = async (worktree: string, file: string, relative: string): Promise<void> => {
  let directory = worktree
  for (const part of relative.split(sep).slice(0, -1)) {
    directory = join(directory, part)
    const found = await lstat(directory).catch(() => null)
    if (found === null) await mkdir(directory)
    else if (!found.isDirectory()) throw refuse(file, `${directory} is not a directory in the lane`)
  }
}

const copyOne = async (root: string, worktree: string, file: string): Promise<LaneCopy> => {
  const { relative, source } = await checkSource(root, file)
  await makeParents(worktree, file, relative)
  const target = join(worktree, relative)
  const present = await lstat(target).catch(() => null)
  if (present !== null && !present.isFile()) throw refuse(file, 'the lane has something else of that name')
  await copyFile(source, target, constants.COPYFILE_FICLONE)
  await chmod(target, (await stat(source)).mode & 0o7777)
  return { path: relative, sha256: await hashOf(target) }
}

/** All are checked before the first is copied. @throws ERR_LANE_COPY_FAILED */
export const checkCopies = async (root: string, files: readonly string[]): Promise<void> => {
  for (const file of files) await checkSource(root, file)
}

/** Copies files from the main working tree and notes in the worktree's admin directory what they were. */
export const copyIntoLane = async (
  where: { readonly root: string; readonly worktree: string; readonly adminDir: string },
  files: readonly string[],
  signal?: AbortSignal,
): Promise<void> => {
  const note = (copies: readonly LaneCopy[]): Promise<void> => writeFile(join(where.adminDir, RECORD), JSON.stringify(copies))
  if (files.length === 0) return
  // Noted before, so that a crash in the middle does not turn copies into work.
  const meant: LaneCopy[] = []
  for (const file of files) meant.push(await expected(where.root, file))
  await note(meant)
  const copies: LaneCopy[] = []
  for (const file of files) {
    if (signal?.aborted) return
    copies.push(await copyOne(where.root, where.worktree, file))
  }
  await note(copies)
}

const expected = async (root: string, file: string): Promise<LaneCopy> => {
  const { relative, source } = await checkSource(root, file)
  return { path: relative, sha256: await hashOf(source) }
}

const isCopy = (value: unknown): value is LaneCopy =>
  typeof value === 'object' && value !== null && 'path' in value && 'sha256' in value && typeof value.path === 'string'

/** @returns the copies of a worktree that are still as they were; none when the note is missing or damaged. */
export const unchangedCopies = async (worktree: string, adminDir: string): Promise<ReadonlySet<string>> => {
  const text = await readFile(join(adminDir, RECORD), 'utf8').catch(() => '[]')
  let copies: unknown
  try {
    copies = JSON.parse(text)
  } catch {
    return new Set()
  }
  const unchanged = new Set<string>()
  for (const copy of Array.isArray(copies) ? copies.filter(isCopy) : []) {
    const target = join(worktree, copy.path)
    const isFile = await lstat(target).then(
      (found) => found.isFile(),
      () => false,
    )
    if (isFile && (await hashOf(target).catch(() => '')) === copy.sha256) unchanged.add(copy.path)
  }
  return unchanged
}

const move = async (from: string, to: string): Promise<void> => {
  await makeDirectories(dirname(to))
  await rename(from, to).catch(async (error: unknown) => {
    if (codeOf(error) !== 'EXDEV') throw error
    await copyFile(from, to)
    await unlink(from)
  })
}

/**
 * Moves copies out of the worktree into its admin directory, so that git's own check finds nothing of them.
 * @returns how to put them back, if git refuses the removal after all.
 */
export const holdCopies = async (worktree: string, adminDir: string, paths: readonly string[]): Promise<() => Promise<void>> => {
  const held: string[] = []
  const putBack = async (): Promise<void> => {
    for (const path of held) await move(join(adminDir, HELD, path), join(worktree, path))
  }
  try {
    for (const path of paths) {
      await move(join(worktree, path), join(adminDir, HELD, path))
      held.push(path)
    }
  } catch (error) {
    await putBack()
    throw error
  }
  return putBack
}
