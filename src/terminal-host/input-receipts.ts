import { crc32 } from 'node:zlib'
import type { InputReceipt } from '../ports/terminal-host.port.ts'
import { SignalboxError } from '../protocols/errors.ts'

/** Keys remembered of one terminal, of writes that are over; those that wait are remembered in any case. */
const MOST_KEYS = 1_024
const MAX_KEY_CHARS = 128

/** One write under a key. */
export type Remembered = {
  readonly key: string
  readonly size: number
  readonly sum: number
  /** Settles as the write does. */
  readonly done: Promise<void>
  receipt: InputReceipt
}

const UNKNOWN: InputReceipt = { state: 'unknown', appliedBytes: 0, offset: null }

/** What became of writes that have a key, so that one that is sent again is not written again. */
export class InputReceipts {
  readonly #ptyId: string
  readonly #entries = new Map<string, Remembered>()
  /** Keys of writes that are over, oldest first. */
  #over: string[] = []

  constructor(ptyId: string) {
    this.#ptyId = ptyId
  }

  of(key: string): InputReceipt {
    return this.#entries.get(key)?.receipt ?? UNKNOWN
  }

  /**
   * @returns the write that came under this key before, if any
   * @throws ERR_PTY_INVALID_ARGUMENT for a key that is none, or that stands for other bytes
   */
  find(key: string, bytes: Uint8Array): Remembered | undefined {
    if (key.length === 0 || key.length > MAX_KEY_CHARS) {
      throw this.#refused(`a key has 1 to ${MAX_KEY_CHARS} characters, this one ${key.length}`, key)
    }
    const entry = this.#entries.get(key)
    if (entry !== undefined && (entry.size !== bytes.length || entry.sum !== crc32(bytes))) {
      throw this.#refused('its key was given to other input before', key)
    }
    return entry
  }

  /** A write that waits from now on. */
  add(key: string, bytes: Uint8Array, done: Promise<void>): Remembered {
    const receipt: InputReceipt = { state: 'queued', appliedBytes: 0, offset: null }
    const entry: Remembered = { key, size: bytes.length, sum: crc32(bytes), done, receipt }
    this.#entries.set(key, entry)
    return entry
  }

  /** It is over, applied or dropped. */
  settle(entry: Remembered, receipt: InputReceipt): void {
    entry.receipt = receipt
    this.#over.push(entry.key)
    if (this.#over.length <= MOST_KEYS) return
    const forgotten = this.#over.shift()
    if (forgotten !== undefined) this.#entries.delete(forgotten)
  }

  #refused(why: string, key: string): SignalboxError {
    return new SignalboxError('ERR_PTY_INVALID_ARGUMENT', `Cannot write to ${this.#ptyId}: ${why}.`, {
      context: { ptyId: this.#ptyId, key: key.slice(0, MAX_KEY_CHARS) },
    })
  }
}
