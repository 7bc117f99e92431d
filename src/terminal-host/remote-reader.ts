import type { OutputChunk } from '../ports/terminal-host.port.ts'
import { READ_WINDOW_BYTES } from './wire.ts'

/** How much is used before the host is told. */
const TOLD_BYTES = READ_WINDOW_BYTES / 4

export type ReaderLink = {
  /** Asks the host for output from `from` on; null: from where the reader wanted to begin. */
  readonly open: (from: number | null) => void
  readonly used: (bytes: number) => void
  readonly close: () => void
  /** The reader was told of the end, or wants no more. May be called more than once. */
  readonly over: () => void
}

/** One reading of a PTY in another process, which goes on where it was when the connection is made anew. */
export class RemoteReader implements AsyncIterator<OutputChunk> {
  readonly #link: ReaderLink
  #queue: OutputChunk[] = []
  #waiting: ((result: IteratorResult<OutputChunk>) => void) | null = null
  #failed: ((error: unknown) => void) | null = null
  #error: unknown = null
  /** The offset after the last byte that came; null before any. */
  #position: number | null = null
  /** Of the chunk that was given last: it counts as used when the next one is asked for. */
  #unread = 0
  #usedBytes = 0
  #toldBytes = 0
  #isOver = false

  constructor(link: ReaderLink) {
    this.#link = link
    link.open(null)
  }

  /** Takes the bytes without a copy. */
  output(offset: number, bytes: Uint8Array): void {
    this.#position = offset + bytes.length
    this.#give({ offset, bytes })
  }

  gap(from: number, to: number): void {
    this.#position = to
    this.#give({ gap: { from, to } })
  }

  /** The output has ended, or nobody holds it any more. */
  end(error: unknown = null): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#error = error
    if (this.#waiting === null) return
    this.#link.over()
    if (error === null) this.#waiting({ done: true, value: undefined })
    else this.#failed?.(error)
    this.#waiting = null
  }

  /** The connection is a new one. */
  reopen(): void {
    if (this.#isOver) return
    this.#usedBytes = 0
    this.#toldBytes = 0
    this.#link.open(this.#position)
  }

  next(): Promise<IteratorResult<OutputChunk>> {
    if (this.#unread > 0) this.#use(this.#unread)
    this.#unread = 0
    const chunk = this.#queue.shift()
    if (chunk !== undefined) {
      if ('bytes' in chunk) this.#unread = chunk.bytes.length
      return Promise.resolve({ done: false, value: chunk })
    }
    if (this.#isOver) {
      this.#link.over()
      return this.#error === null ? Promise.resolve({ done: true, value: undefined }) : Promise.reject(this.#error)
    }
    return new Promise((resolve, reject) => {
      this.#waiting = resolve
      this.#failed = reject
    })
  }

  return(): Promise<IteratorResult<OutputChunk>> {
    this.stop()
    return Promise.resolve({ done: true, value: undefined })
  }

  /** The reader wants no more. */
  stop(): void {
    this.#queue = []
    if (!this.#isOver) this.#link.close()
    this.#link.over()
    this.end()
  }

  #give(chunk: OutputChunk): void {
    if (this.#isOver) return
    if (this.#waiting === null) {
      this.#queue.push(chunk)
      return
    }
    if ('bytes' in chunk) this.#unread = chunk.bytes.length
    this.#waiting({ done: false, value: chunk })
    this.#waiting = null
  }

  #use(bytes: number): void {
    this.#usedBytes += bytes
    if (this.#usedBytes - this.#toldBytes < TOLD_BYTES) return
    this.#toldBytes = this.#usedBytes
    this.#link.used(this.#usedBytes)
  }
}
