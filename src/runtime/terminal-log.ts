import { open, readdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { SignalboxError } from '../protocols/errors.ts'

/** The end of what a log holds. */
export type LogTail = {
  /** Of the whole log, in bytes. */
  readonly size: number
  /** Offset of the first of `bytes` in the log. */
  readonly from: number
  readonly bytes: Buffer
}

type Part = { readonly path: string; readonly size: number }

const sizeOf = async (path: string): Promise<number> => {
  const file = await open(path)
  try {
    return (await file.stat()).size
  } finally {
    await file.close()
  }
}

/**
 * A log over half of its cap goes on in numbered segments beside it, until its terminal ends (LogWriter): of one whose writer
 * was killed they stay, and hold the newest output.
 */
const partsOf = async (path: string): Promise<readonly Part[]> => {
  const prefix = `${basename(path)}.part-`
  const names = (await readdir(dirname(path))).filter((name) => name.startsWith(prefix)).sort()
  const paths = [path, ...names.map((name) => join(dirname(path), name))]
  return Promise.all(paths.map(async (part) => ({ path: part, size: await sizeOf(part) })))
}

const readAt = async (path: string, from: number, length: number): Promise<Buffer> => {
  const file = await open(path)
  try {
    const buffer = Buffer.allocUnsafe(length)
    let done = 0
    while (done < length) {
      const { bytesRead } = await file.read(buffer, done, length - done, from + done)
      if (bytesRead === 0) break
      done += bytesRead
    }
    return buffer.subarray(0, done)
  } finally {
    await file.close()
  }
}

const readOnce = async (path: string, tailBytes: number): Promise<LogTail> => {
  const parts = await partsOf(path)
  const size = parts.reduce((sum, part) => sum + part.size, 0)
  const from = Math.max(0, size - tailBytes)
  const pieces: Buffer[] = []
  let at = 0
  for (const part of parts) {
    const skip = Math.max(0, from - at)
    if (skip < part.size) pieces.push(await readAt(part.path, skip, part.size - skip))
    at += part.size
  }
  return { size, from, bytes: Buffer.concat(pieces) }
}

/**
 * Reads the end of the log of a terminal, living or not.
 * @param tailBytes at most; at least 1
 * @throws ERR_LOG_FAILED
 */
export const readLogTail = async (path: string, tailBytes: number): Promise<LogTail> => {
  // A segment may be joined to the log, or dropped for its cap, between the look and the reading.
  for (let again = true; ; again = false) {
    try {
      return await readOnce(path, tailBytes)
    } catch (error) {
      if (again) continue
      throw new SignalboxError('ERR_LOG_FAILED', `the log ${path} cannot be read`, { context: { path }, cause: error })
    }
  }
}
