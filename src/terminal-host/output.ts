import type { OutputChunk, ReadOptions } from '../ports/terminal-host.port.ts'
import { SignalboxError } from '../protocols/errors.ts'
import type { Reader } from './pressure-gauge.ts'
import { PasteMode } from './paste-mode.ts'
import { Ring, type RingOptions } from './ring.ts'
import type { Block } from './ring-memory.ts'

/** How far a lossless reader may fall behind before the child is slowed. Smaller than the ring. */
const WINDOW_BYTES = 262_144

export type CursorOptions = Pick<ReadOptions, 'from' | 'tail' | 'mode'> & {
  /** Whether the bytes that it gives stay right for ever, at the price of memory that is not used again. @defaultValue false */
  readonly keep?: boolean
}

/** A place in the output. */
export interface Cursor {
  /**
   * The chunk at this place without going on, or null at the end of what is there. A gap is passed by being told. The
   * bytes are right until the next call of `peek`, `advance` or `close`: later their memory is used again.
   */
  peek(): OutputChunk | null
  /** Goes on by what was handled, which gives the credit back. */
  advance(bytes: number): void
  /** Bytes from this place to the end. */
  readonly available: number
  /** Resolves when there is more than at the time of the call, or the output or this cursor has ended. */
  wait(): Promise<void>
  /** True when nothing more will come. */
  readonly done: boolean
  /** Gives the credit back for good. Idempotent. */
  close(): void
}

type Waiter = {
  position: number
  readonly lossless: boolean
  readonly onMore: (() => void) | undefined
  wake: (() => void) | undefined
  closed: boolean
  /** What it looks at, and no ring may write to meanwhile. */
  leased: Block | undefined
}

/** @throws ERR_PTY_INVALID_ARGUMENT for an offset that is not a whole number ≥ 0 */
export function checkReading({ from, tail }: ReadOptions): void {
  for (const [name, value] of Object.entries({ from, tail })) {
    if (value === undefined || (Number.isSafeInteger(value) && value >= 0)) continue
    throw new SignalboxError('ERR_PTY_INVALID_ARGUMENT', `Cannot read output: ${name} is ${value}, not a whole number from 0.`)
  }
}

/** Is told how output comes and how it is taken. */
export type Gauge = {
  behind(fill: number, behindBytes: number, reader: Reader): void
  dropped(bytes: number, unreadBytes: number): void
}

/** The output of one terminal: the ring, its readers, and whether the slowest of them has credit left. */
export class Output {
  readonly #ring: Ring
  readonly #windowBytes: number
  readonly #readers = new Set<Waiter>()
  /** Called with true when the child must wait, with false when it may go on. */
  readonly #onFlow: (paused: boolean) => void
  readonly #pasteMode = new PasteMode()
  /** Up to where it was told of the output: it is told late, when a block is given up or somebody asks. */
  #pasteModeAt = 0
  /** Set once it is known. */
  gauge: Gauge | null = null
  #lossless = 0
  #paused = false
  #ended = false
  #released = false

  constructor(ringBytes: number, onFlow: (paused: boolean) => void, memory?: RingOptions['memory'], onGiveUp?: RingOptions['onGiveUp']) {
    const keepFrom = (): number => (this.#lossless === 0 ? Infinity : this.#slowest())
    const givenUp: RingOptions['onGiveUp'] = (bytes, from) => {
      this.#feedPasteMode(bytes, from)
      onGiveUp?.(bytes, from)
      this.gauge?.dropped(bytes.length, this.#unreadOf(from, bytes.length))
    }
    this.#ring = new Ring(ringBytes, { keepFrom, onGiveUp: givenUp, ...(memory !== undefined && { memory }) })
    this.#windowBytes = Math.min(WINDOW_BYTES, ringBytes / 2)
    this.#onFlow = onFlow
  }

  /** Offset of the oldest byte held. */
  get start(): number {
    return this.#ring.start
  }

  /** Offset after the newest byte. */
  get end(): number {
    return this.#ring.end
  }

  get paused(): boolean {
    return this.#paused
  }

  append(bytes: Uint8Array): void {
    if (this.#ended) return
    this.#ring.append(bytes)
    for (const reader of this.#readers) wake(reader)
    this.#updateFlow()
    this.#measure()
  }

  /** How full the ring is, 0 to 1. */
  get fill(): number {
    return (this.#ring.end - this.#ring.start) / this.#ring.capBytes
  }

  /** No more will come: readers end when they have read what there is. */
  finish(): void {
    this.#ended = true
    for (const reader of this.#readers) wake(reader)
  }

  /** Nobody will begin to read any more: gives the memory back when the last reader is done. Idempotent. */
  release(): void {
    this.#released = true
    if (this.#readers.size === 0) this.#ring.clear()
  }

  /** Whether the program has switched bracketed paste on, as of its last output. */
  isPasteBracketed(): boolean {
    for (let block = this.#ring.lease(this.#pasteModeAt); block !== undefined; block = this.#ring.lease(this.#pasteModeAt)) {
      const from = this.#pasteModeAt
      this.#feedPasteMode(this.#ring.viewIn(block, from), from)
      this.#ring.unlease(block)
      if (this.#pasteModeAt === from) break
    }
    return this.#pasteMode.isOn
  }

  tail(bytes: number): Uint8Array<ArrayBuffer> {
    return this.#ring.tail(bytes)
  }

  /** A copy of what is held from `from` to `to`, perhaps shorter: at least one byte where there is one. */
  copy(from: number, to: number): Uint8Array<ArrayBuffer> {
    return this.#ring.copy(from, to)
  }

  /** @param onMore is called when there is more, and at the end: must be quick, and must not throw */
  cursor(options: CursorOptions = {}, onMore?: () => void): Cursor {
    const ring = this.#ring
    const from = options.from ?? (options.tail === undefined ? ring.start : Math.max(ring.start, ring.end - options.tail))
    const lossless = options.mode === 'lossless'
    const reader: Waiter = { position: from, lossless, onMore, wake: undefined, closed: false, leased: undefined }
    const keep = options.keep === true
    this.#readers.add(reader)
    if (reader.lossless) this.#lossless += 1
    this.#updateFlow()
    const hasMore = (): boolean => ring.end > reader.position
    const finished = (): boolean => reader.closed || (this.#ended && !hasMore())
    return {
      peek: () => {
        this.#unlease(reader)
        if (reader.closed) return null
        if (reader.position < ring.start) {
          const gap = { from: reader.position, to: ring.start }
          reader.position = ring.start
          return { gap }
        }
        if (!hasMore()) return null
        const offset = reader.position
        if (keep) return { offset, bytes: ring.view(offset) }
        const block = ring.lease(offset) as Block
        reader.leased = block
        return { offset, bytes: ring.viewIn(block, offset) }
      },
      get available() {
        return Math.max(0, ring.end - reader.position)
      },
      advance: (bytes) => {
        this.#unlease(reader)
        reader.position += bytes
        if (!reader.lossless) return
        ring.settle()
        this.#updateFlow()
      },
      wait: () =>
        new Promise((resolve) => {
          if (hasMore() || finished()) resolve()
          else reader.wake = resolve
        }),
      get done() {
        return finished()
      },
      close: () => {
        if (reader.closed) return
        reader.closed = true
        this.#unlease(reader)
        this.#readers.delete(reader)
        if (reader.lossless) {
          this.#lossless -= 1
          ring.settle()
        }
        wake(reader)
        this.#updateFlow()
        if (this.#released && this.#readers.size === 0) this.#ring.clear()
      },
    }
  }

  #unlease(reader: Waiter): void {
    if (reader.leased === undefined) return
    this.#ring.unlease(reader.leased)
    reader.leased = undefined
  }

  /**
   * Reads from a place on, to the end of the output or until `signal` aborts. The place is taken, and credit begins,
   * when the iteration begins; a chunk counts as read when the next one is asked for.
   * @throws ERR_PTY_INVALID_ARGUMENT for an offset that is not a whole number ≥ 0
   */
  read(options: ReadOptions = {}): AsyncIterable<OutputChunk> {
    checkReading(options)
    return { [Symbol.asyncIterator]: () => this.#iterate(options) }
  }

  #iterate(options: ReadOptions): AsyncIterator<OutputChunk> {
    const { signal } = options
    const cursor = this.cursor({ ...options, keep: options.borrow !== true })
    let unread = 0
    const end = (): IteratorResult<OutputChunk> => {
      signal?.removeEventListener('abort', cursor.close)
      cursor.close()
      return { done: true, value: undefined }
    }
    if (signal?.aborted === true) cursor.close()
    signal?.addEventListener('abort', cursor.close, { once: true })
    return {
      next: async () => {
        if (unread > 0) cursor.advance(unread)
        unread = 0
        for (;;) {
          const chunk = cursor.peek()
          if (chunk !== null) {
            if ('bytes' in chunk) unread = chunk.bytes.length
            return { done: false, value: chunk }
          }
          if (cursor.done) return end()
          await cursor.wait()
        }
      },
      return: () => Promise.resolve(end()),
    }
  }

  readonly #feedPasteMode = (bytes: Uint8Array, from: number): void => {
    const known = Math.max(0, this.#pasteModeAt - from)
    if (known >= bytes.length) return
    this.#pasteMode.feed(bytes.subarray(known))
    this.#pasteModeAt = from + bytes.length
  }

  /** Who is the farthest behind, of what he is allowed to be. */
  #measure(): void {
    const { gauge } = this
    if (gauge === null) return
    const { start, end, capBytes } = this.#ring
    if (this.#readers.size === 0) {
      gauge.behind((end - start) / capBytes, end - start, 'nobody')
      return
    }
    let fill = 0
    let behindBytes = 0
    let who: Reader = 'lossy'
    for (const { position, lossless } of this.#readers) {
      const behind = Math.max(0, end - position)
      const share = behind / (lossless ? this.#windowBytes : capBytes)
      if (share <= fill) continue
      fill = share
      behindBytes = behind
      who = lossless ? 'lossless' : 'lossy'
    }
    gauge.behind(fill, behindBytes, who)
  }

  /** How much of what is given up the slowest of those who read now had not read. */
  #unreadOf(from: number, length: number): number {
    let unread = 0
    for (const { position } of this.#readers) unread = Math.max(unread, Math.min(length, from + length - position))
    return unread
  }

  #slowest(): number {
    let slowest = Infinity
    for (const reader of this.#readers) if (reader.lossless) slowest = Math.min(slowest, reader.position)
    return slowest
  }

  #updateFlow(): void {
    const behind = this.#lossless === 0 ? 0 : this.#ring.end - this.#slowest()
    const paused = this.#paused ? behind > this.#windowBytes / 2 : behind >= this.#windowBytes
    if (paused === this.#paused) return
    this.#paused = paused
    this.#onFlow(paused)
  }
}

function wake(reader: Waiter): void {
  const resolve = reader.wake
  reader.wake = undefined
  resolve?.()
  reader.onMore?.()
}
