import type { Clock, Timer } from '../ports/clock.port.ts'
import type { TerminalLine } from '../ports/terminal-lines.port.ts'
import { SignalboxError } from '../protocols/errors.ts'

/** The most input that waits for a program that does not read. */
const QUEUE_BYTES = 1_048_576
const FIRST_DELAY_MS = 1
const LAST_DELAY_MS = 50

type Entry = { bytes: Uint8Array; readonly written: () => void; readonly failed: (error: unknown) => void }

/**
 * Input on its way to a terminal: in order, whole, once, with a growing pause while the line takes nothing: node-pty's
 * own writer spins there, and wrote into reused descriptors.
 */
export class InputQueue {
  readonly #ptyId: string
  readonly #clock: Clock
  /** Null once closed. */
  #line: Pick<TerminalLine, 'write'> | null
  /** A write is under way in another process. */
  #writing = false
  #entries: Entry[] = []
  #bytes = 0
  #taken = 0
  #delayMs = FIRST_DELAY_MS
  #timer: Timer | undefined

  constructor(ptyId: string, line: Pick<TerminalLine, 'write'>, clock: Clock) {
    this.#ptyId = ptyId
    this.#line = line
    this.#clock = clock
  }

  /** Bytes taken so far. */
  get takenBytes(): number {
    return this.#taken
  }

  /** Of these, what waits. */
  get queuedBytes(): number {
    return this.#bytes
  }

  /** Takes the bytes without a copy: do not change them until the promise settles. @throws as Pty.write */
  write(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#line === null) {
        reject(this.#ended())
        return
      }
      if (this.#bytes + bytes.length > QUEUE_BYTES) {
        reject(
          new SignalboxError('ERR_PTY_INPUT_FULL', `The input queue of ${this.#ptyId} is full: its program does not read.`, {
            context: { ptyId: this.#ptyId, queuedBytes: this.#bytes, refusedBytes: bytes.length, limitBytes: QUEUE_BYTES },
          }),
        )
        return
      }
      this.#entries.push({ bytes, written: resolve, failed: reject })
      this.#bytes += bytes.length
      this.#taken += bytes.length
      if (this.#timer === undefined && !this.#writing) this.#flush()
    })
  }

  /** Drops what waits; the line is never written to again. What it is writing in this moment ends as it ends. Idempotent. */
  close(): void {
    this.#line = null
    this.#timer?.cancel()
    this.#timer = undefined
    const dropped = this.#entries.slice(this.#writing ? 1 : 0)
    this.#entries = []
    this.#bytes = 0
    for (const entry of dropped) entry.failed(this.#ended())
  }

  #flush(): void {
    this.#timer = undefined
    for (let entry = this.#entries[0]; entry !== undefined; entry = this.#entries[0]) {
      if (!this.#writeOne(entry)) return
      this.#entries.shift()
      entry.written()
    }
  }

  /** @returns whether the entry is with the kernel as a whole. */
  #writeOne(entry: Entry): boolean {
    while (entry.bytes.length > 0) {
      let count: number | Promise<number>
      try {
        count = this.#line?.write(entry.bytes) ?? 0
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
    } else if (count === entry.bytes.length) entry.written()
    else entry.failed(this.#ended())
  }

  /** How much of it arrived is not known: it is not repeated, and what follows goes on. */
  #refused(entry: Entry, error: unknown): void {
    this.#writing = false
    if (this.#line === null) {
      entry.failed(this.#ended())
      return
    }
    this.#entries.shift()
    this.#bytes -= entry.bytes.length
    entry.failed(error)
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
    entry.bytes = entry.bytes.subarray(count)
    return true
  }

  #ended(): SignalboxError {
    return new SignalboxError('ERR_PTY_ENDED', `The process of ${this.#ptyId} has ended: it takes no input.`, {
      context: { ptyId: this.#ptyId },
    })
  }
}
