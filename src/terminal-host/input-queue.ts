import type { Clock, Timer } from '../ports/clock.port.ts'
import type { InputReceipt } from '../ports/terminal-host.port.ts'
import type { TerminalLine } from '../ports/terminal-lines.port.ts'
import { isSignalboxError, SignalboxError } from '../protocols/errors.ts'
import { InputReceipts, type Remembered } from './input-receipts.ts'

/** The most input that waits for a program that does not read: bytes, and writes. */
const QUEUE_BYTES = 1_048_576
const QUEUE_WRITES = 16_384
const FIRST_DELAY_MS = 1
const LAST_DELAY_MS = 100

type Entry = {
  readonly bytes: Uint8Array
  /** How many of them are with the kernel. */
  applied: number
  /** Its receipt, where it has a key. */
  readonly remembered: Remembered | undefined
  readonly written: () => void
  readonly failed: (error: unknown) => void
}

export type InputOptions = {
  /** Names the write: it is applied once, however often it comes. */
  readonly key?: string | undefined
  /** What is written for these bytes. @defaultValue the bytes */
  readonly as?: Uint8Array | undefined
}

/**
 * Input on its way to a terminal: each write whole, in the order in which they came, whoever they came from; once. With a
 * growing pause while the line takes nothing: node-pty's own writer spins there, and wrote into reused descriptors.
 */
export class InputQueue {
  readonly #ptyId: string
  readonly #clock: Clock
  readonly #receipts: InputReceipts
  /** Null once closed. */
  #line: Pick<TerminalLine, 'write'> | null
  /** A write is under way in another process. */
  #writing = false
  #entries: Entry[] = []
  /** Of all entries, what is not with the kernel. */
  #bytes = 0
  /** Bytes that are with the kernel, of all writes ever. */
  #offset = 0
  #delayMs = FIRST_DELAY_MS
  #timer: Timer | undefined

  constructor(ptyId: string, line: Pick<TerminalLine, 'write'>, clock: Clock) {
    this.#ptyId = ptyId
    this.#line = line
    this.#clock = clock
    this.#receipts = new InputReceipts(ptyId)
  }

  /** Bytes taken so far, but for those that were dropped. */
  get takenBytes(): number {
    return this.#offset + this.#bytes
  }

  /** Of these, what waits. */
  get queuedBytes(): number {
    return this.#bytes
  }

  /** What became of the write with this key. */
  receipt(key: string): InputReceipt {
    return this.#receipts.of(key)
  }

  /** Takes the bytes without a copy: do not change them until the promise settles. @throws as Pty.write */
  // oxlint-disable-next-line typescript/promise-function-async -- what is thrown is a rejection; a write again is the same promise
  write(bytes: Uint8Array, { key, as = bytes }: InputOptions = {}): Promise<void> {
    let earlier: Remembered | undefined
    try {
      earlier = key === undefined ? undefined : this.#receipts.find(key, bytes)
    } catch (error) {
      return Promise.reject(error as Error)
    }
    if (earlier !== undefined) return earlier.done
    if (this.#line === null) return Promise.reject(this.#ended())
    if (this.#bytes + as.length > QUEUE_BYTES || this.#entries.length >= QUEUE_WRITES) return Promise.reject(this.#full(as))
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const remembered = key === undefined ? undefined : this.#receipts.add(key, bytes, promise)
    if (remembered !== undefined) promise.catch(() => {}) // who asks again is told; the first may be gone
    this.#entries.push({ bytes: as, applied: 0, remembered, written: resolve, failed: reject })
    this.#bytes += as.length
    if (this.#timer === undefined && !this.#writing) this.#flush()
    return promise
  }

  /** Drops what waits; the line is never written to again. What it is writing in this moment ends as it ends. Idempotent. */
  close(): void {
    this.#line = null
    this.#timer?.cancel()
    this.#timer = undefined
    const dropped = this.#entries.slice(this.#writing ? 1 : 0)
    this.#entries = []
    this.#bytes = 0
    for (const entry of dropped) this.#drop(entry, this.#ended(entry))
  }

  #drop(entry: Entry, error: unknown): void {
    // Only the first can be there in part.
    this.#settle(entry, { state: 'dropped', appliedBytes: entry.applied, offset: entry.applied > 0 ? this.#offset : null })
    entry.failed(error)
  }

  #apply(entry: Entry): void {
    this.#settle(entry, { state: 'applied', appliedBytes: entry.bytes.length, offset: this.#offset })
    entry.written()
  }

  #flush(): void {
    this.#timer = undefined
    for (let entry = this.#entries[0]; entry !== undefined; entry = this.#entries[0]) {
      if (!this.#writeOne(entry)) return
      this.#entries.shift()
      this.#apply(entry)
    }
  }

  /** @returns whether the entry is with the kernel as a whole. */
  #writeOne(entry: Entry): boolean {
    while (entry.applied < entry.bytes.length) {
      let count: number | Promise<number>
      try {
        count = this.#line?.write(entry.applied === 0 ? entry.bytes : entry.bytes.subarray(entry.applied)) ?? 0
      } catch {
        this.close() // EIO: the terminal is gone; its exit follows
        return false
      }
      if (typeof count !== 'number') {
        this.#writing = true
        count.then(
          (taken) => this.#written(entry, taken),
          (error: unknown) => this.#refused(entry, error),
        )
        return false
      }
      if (!this.#took(entry, count)) return false
    }
    return true
  }

  #written(entry: Entry, count: number): void {
    this.#writing = false
    if (this.#line !== null) {
      if (this.#took(entry, count)) this.#flush()
      return
    }
    entry.applied += count
    this.#offset += count
    if (entry.applied === entry.bytes.length) this.#apply(entry)
    else this.#drop(entry, this.#ended(entry))
  }

  /** How much of it arrived is not known: it is not repeated, and what follows goes on. */
  #refused(entry: Entry, error: unknown): void {
    this.#writing = false
    if (this.#line === null) {
      this.#drop(entry, this.#ended(entry))
      return
    }
    if (isSignalboxError(error, 'ERR_PTY_ENDED')) {
      this.close()
      return
    }
    this.#entries.shift()
    this.#bytes -= entry.bytes.length - entry.applied
    this.#drop(entry, error)
    this.#flush()
  }

  /** @returns whether it took anything; else it is asked again later. */
  #took(entry: Entry, count: number): boolean {
    if (count === 0) {
      this.#timer = this.#clock.setTimer(this.#delayMs, () => this.#flush())
      this.#delayMs = Math.min(LAST_DELAY_MS, this.#delayMs * 2)
      return false
    }
    this.#delayMs = FIRST_DELAY_MS
    this.#bytes -= count
    this.#offset += count
    entry.applied += count
    if (entry.remembered !== undefined) {
      entry.remembered.receipt = { state: 'queued', appliedBytes: entry.applied, offset: this.#offset }
    }
    return true
  }

  #settle({ remembered }: Entry, receipt: InputReceipt): void {
    if (remembered !== undefined) this.#receipts.settle(remembered, receipt)
  }

  #full(bytes: Uint8Array): SignalboxError {
    return new SignalboxError('ERR_PTY_INPUT_FULL', `The input queue of ${this.#ptyId} is full: its program does not read.`, {
      context: {
        ptyId: this.#ptyId,
        queuedBytes: this.#bytes,
        queuedWrites: this.#entries.length,
        refusedBytes: bytes.length,
        limitBytes: QUEUE_BYTES,
      },
    })
  }

  #ended(entry?: Entry): SignalboxError {
    const appliedBytes = entry?.applied ?? 0
    const part = appliedBytes === 0 ? '' : `, after ${appliedBytes} of ${entry?.bytes.length} bytes of this input`
    return new SignalboxError('ERR_PTY_ENDED', `The process of ${this.#ptyId} has ended${part}: it takes no input.`, {
      context: { ptyId: this.#ptyId, appliedBytes },
    })
  }
}
