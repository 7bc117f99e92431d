import { mkdir, open, rm, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Clock } from '../ports/clock.port.ts'
import { SignalboxError } from '../protocols/errors.ts'
import type { Cursor } from './output.ts'
import { errnoOf } from './spawn-error.ts'

const DEFAULT_CAP_BYTES = 536_870_912
const COPY_BYTES = 1_048_576
/** After a failed write the log tries again no sooner than this; meanwhile the bytes are lost, and counted. */
const RETRY_MS = 1_000

type Segment = { readonly path: string; readonly from: number; bytes: number }

/**
 * The full log of one terminal. The first half of the cap goes into the file itself; from there on into numbered
 * segments beside it, of which the newest are kept. `finish` appends them to the file, which is then whole, or has one
 * marked gap in its middle. Killed at any moment, the file and its segments hold what was written.
 */
export class LogWriter {
  readonly #path: string
  readonly #clock: Clock
  readonly #headBytes: number
  readonly #tailBytes: number
  readonly #segmentBytes: number
  #head: FileHandle | undefined
  #current: FileHandle | undefined
  #segments: Segment[] = []
  #segmentCount = 0
  /** Bytes handed in so far: the offset of the next. */
  #offset = 0
  #lost = 0
  #lostBy = ''
  #retryAt = 0
  #gap = false

  private constructor(path: string, capBytes: number, clock: Clock) {
    this.#path = path
    this.#clock = clock
    this.#headBytes = Math.ceil(capBytes / 2)
    this.#tailBytes = capBytes - this.#headBytes
    this.#segmentBytes = Math.max(1_024, Math.ceil(this.#tailBytes / 8))
  }

  /**
   * Makes the directories (0700) and the file (0600); an existing file is added to.
   * @throws ERR_LOG_FAILED unless the disk is full: then the log begins with a gap
   */
  static async open(log: { readonly path: string; readonly capBytes?: number }, clock: Clock): Promise<LogWriter> {
    const writer = new LogWriter(log.path, log.capBytes ?? DEFAULT_CAP_BYTES, clock)
    try {
      await mkdir(dirname(log.path), { recursive: true, mode: 0o700 })
      writer.#head = await open(log.path, 'a', 0o600)
    } catch (cause) {
      const errno = errnoOf(cause)
      if (errno !== 'ENOSPC' && errno !== 'EDQUOT') {
        throw new SignalboxError('ERR_LOG_FAILED', `Cannot open the log ${log.path}: ${errno}.`, {
          context: { path: log.path, errno },
          cause,
        })
      }
    }
    return writer
  }

  /** Writes what the cursor gives, until it ends. Never rejects. */
  async run(cursor: Cursor): Promise<void> {
    while (!cursor.done) {
      const chunk = cursor.peek()
      if (chunk === null) {
        await cursor.wait()
      } else if ('gap' in chunk) {
        this.#lose(chunk.gap.to - chunk.gap.from, 'overrun')
      } else {
        await this.#append(chunk.bytes)
        cursor.advance(chunk.bytes.length)
      }
    }
    cursor.close()
  }

  /** Closes the log. @returns whether bytes are missing in it. */
  async finish(): Promise<boolean> {
    if (this.#lost > 0) await this.#attempt(async () => await this.#writeLossMark(await this.#target()))
    await this.#attempt(() => this.#assemble())
    for (const handle of [this.#current, this.#head]) await this.#attempt(async () => await handle?.close())
    return this.#gap
  }

  /** Gives up before anything was logged: the spawn failed. Leaves no empty file. */
  async discard(): Promise<void> {
    const empty = (await this.#head?.stat())?.size === 0
    await this.#head?.close()
    if (empty) await rm(this.#path, { force: true })
  }

  async #append(bytes: Uint8Array): Promise<void> {
    for (let done = 0; done < bytes.length;) {
      const part = bytes.subarray(done, done + Math.min(bytes.length - done, this.#room()))
      done += part.length
      if (this.#lost > 0 && this.#clock.monotonic() < this.#retryAt) this.#lose(part.length, this.#lostBy)
      else await this.#write(part)
    }
  }

  async #write(part: Uint8Array): Promise<void> {
    let written = 0
    try {
      const file = await this.#target()
      if (this.#lost > 0) await this.#writeLossMark(file)
      while (written < part.length) written += (await file.write(part, written)).bytesWritten
      this.#count(part.length)
    } catch (error) {
      this.#count(written)
      this.#lose(part.length - written, errnoOf(error))
      this.#retryAt = this.#clock.monotonic() + RETRY_MS
    }
  }

  #lose(count: number, errno: string): void {
    this.#lost += count
    this.#lostBy = errno
    this.#gap = true
    this.#offset += count
  }

  #count(written: number): void {
    this.#offset += written
    const segment = this.#segments.at(-1)
    if (segment !== undefined && this.#current !== undefined) segment.bytes += written
  }

  async #writeLossMark(file: FileHandle): Promise<void> {
    await file.appendFile(`\n[signalbox: ${this.#lost} bytes are missing here: ${this.#lostBy}]\n`)
    this.#lost = 0
  }

  /** Bytes until the next border of the head or of a segment. */
  #room(): number {
    if (this.#offset < this.#headBytes) return this.#headBytes - this.#offset
    return this.#segmentBytes - ((this.#offset - this.#headBytes) % this.#segmentBytes)
  }

  /** The file for the byte at the present offset. */
  async #target(): Promise<FileHandle> {
    if (this.#offset < this.#headBytes) {
      this.#head ??= await open(this.#path, 'a', 0o600)
      return this.#head
    }
    const wanted = Math.floor((this.#offset - this.#headBytes) / this.#segmentBytes) + 1
    if (this.#current !== undefined && this.#segmentCount === wanted) return this.#current
    await this.#current?.close()
    this.#current = undefined
    const path = `${this.#path}.part-${String(wanted).padStart(6, '0')}`
    this.#current = await open(path, 'a', 0o600)
    this.#segmentCount = wanted
    this.#segments.push({ path, from: this.#offset, bytes: 0 })
    await this.#dropOldSegments()
    return this.#current
  }

  async #dropOldSegments(): Promise<void> {
    let kept = this.#segments.reduce((sum, segment) => sum + segment.bytes, 0)
    for (let oldest = this.#segments[0]; oldest !== undefined && this.#segments.length > 1; oldest = this.#segments[0]) {
      kept -= oldest.bytes
      if (kept < this.#tailBytes) return
      this.#segments.shift()
      this.#gap = true
      await rm(oldest.path, { force: true })
    }
  }

  /** Appends the segments to the file, each removed once it is there. */
  async #assemble(): Promise<void> {
    const first = this.#segments[0]
    if (first === undefined) return
    await this.#current?.close()
    this.#current = undefined
    this.#head ??= await open(this.#path, 'a', 0o600)
    const kept = this.#segments.reduce((sum, segment) => sum + segment.bytes, 0)
    let skip = Math.max(0, kept - this.#tailBytes)
    const resumesAt = first.from + skip
    if (resumesAt > this.#headBytes) {
      this.#gap = true
      const left = resumesAt - this.#headBytes
      await this.#head.appendFile(
        `\n[signalbox: ${left} bytes are left out here (${this.#headBytes} to ${resumesAt}): the log is over its cap]\n`,
      )
    }
    for (const segment of this.#segments) {
      const from = Math.min(skip, segment.bytes)
      skip -= from
      await copyInto(this.#head, segment.path, from)
      await rm(segment.path, { force: true })
    }
  }

  async #attempt(step: () => Promise<void>): Promise<void> {
    try {
      await step()
    } catch {
      this.#gap = true // what could be written is there
    }
  }
}

async function copyInto(target: FileHandle, path: string, from: number): Promise<void> {
  const source = await open(path, 'r')
  try {
    const buffer = Buffer.allocUnsafe(COPY_BYTES)
    for (let position = from; ;) {
      const { bytesRead } = await source.read(buffer, 0, COPY_BYTES, position)
      if (bytesRead === 0) return
      position += bytesRead
      await target.appendFile(buffer.subarray(0, bytesRead))
    }
  } finally {
    await source.close()
  }
}
