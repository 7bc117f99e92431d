import type { OutputChunk } from '../ports/terminal-host.port.ts'
import { copyOf } from '../protocols/copy-of.ts'
import { OUTPUT_FRAME_BYTES, READ_WINDOW_BYTES } from './wire.ts'

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

type Chunk =
  | Extract<OutputChunk, { readonly gap: unknown }>
  | { readonly offset: number; readonly bytes: Uint8Array; readonly memory: Uint8Array | null }

/** One reading of a PTY in another process, which goes on where it was when the connection is made anew. */
export class RemoteReader implements AsyncIterator<OutputChunk> {
  readonly #link: ReaderLink
  readonly #borrows: boolean
  /** Memory of bytes that were handled, for those that come. */
  readonly #free: Uint8Array[] = []
  /** The memory of the chunk that was given last. */
  #lent: Uint8Array | null = null
  #queue: Chunk[] = []
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

  /** @param borrows whether its bytes are of use until the next are asked for, and no longer */
  constructor(link: ReaderLink, borrows: boolean) {
    this.#link = link
    this.#borrows = borrows
    link.open(null)
  }

  /** The bytes are the caller's. */
  output(offset: number, bytes: Uint8Array): void {
    this.#position = offset + bytes.length
    if (this.#isOver) return
    if (!this.#borrows || bytes.length > OUTPUT_FRAME_BYTES) return this.#give({ offset, bytes: copyOf(bytes), memory: null })
    const memory = this.#free.pop() ?? new Uint8Array(Buffer.allocUnsafeSlow(OUTPUT_FRAME_BYTES).buffer)
    memory.set(bytes)
    this.#give({ offset, bytes: memory.subarray(0, bytes.length), memory })
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
    if (this.#lent !== null) this.#free.push(this.#lent)
    this.#lent = null
    const chunk = this.#queue.shift()
    if (chunk !== undefined) return Promise.resolve({ done: false, value: this.#lend(chunk) })
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

  #give(chunk: Chunk): void {
    if (this.#isOver) return
    if (this.#waiting === null) {
      this.#queue.push(chunk)
      return
    }
    this.#waiting({ done: false, value: this.#lend(chunk) })
    this.#waiting = null
  }

  #lend(chunk: Chunk): OutputChunk {
    if ('gap' in chunk) return chunk
    const { offset, bytes, memory } = chunk
    this.#unread = bytes.length
    this.#lent = memory
    return { offset, bytes }
  }

  #use(bytes: number): void {
    this.#usedBytes += bytes
    if (this.#usedBytes - this.#toldBytes < TOLD_BYTES) return
    this.#toldBytes = this.#usedBytes
    this.#link.used(this.#usedBytes)
  }
}
