import { readSync } from 'node:fs'
import { ReadStream } from 'node:tty'
import { errnoOf } from './spawn-error.ts'

/** One buffer for all terminals: libuv fills it and calls back at once. 64 KB: smaller ones make libuv read in bursts (FACTS). */
const SHARED = Buffer.allocUnsafeSlow(65_536)

/** More than the kernel holds of one terminal (64 KB and a line buffer): the most that a drain takes. */
const DRAIN_BYTES = 1_048_576

/**
 * The master side of a terminal. `close` is the only place where its descriptor ends; `onClosed` runs before the number
 * can be given to somebody else, so that nothing writes to a reused descriptor.
 */
export class MasterStream {
  readonly #stream: ReadStream
  readonly #onBytes: (bytes: Uint8Array) => void
  #fd: number
  #paused = false

  constructor(fd: number, onBytes: (bytes: Uint8Array) => void, onClosed: () => void) {
    this.#fd = fd
    this.#onBytes = onBytes
    const options = {
      onread: {
        buffer: SHARED,
        callback: (count: number): boolean => {
          onBytes(SHARED.subarray(0, count))
          return true
        },
      },
    }
    // tty.ReadStream hands its options to net.Socket, which the types do not say.
    this.#stream = new FencedStream(fd, options, () => {
      this.#fd = -1
      onClosed()
    })
    this.#stream.on('error', () => {}) // EIO after a hang-up: an end like any other
  }

  /** Starts reading. Apart from the constructor, so that a start that fails never reads. */
  start(): void {
    this.#stream.resume()
    this.#stream.read(0)
  }

  /** Real back-pressure: unread, the kernel's buffer fills and the child blocks in its write. */
  setPaused(paused: boolean): void {
    if (this.#fd < 0 || paused === this.#paused) return
    this.#paused = paused
    if (paused) this.#stream.pause()
    else this.#stream.resume()
  }

  /** Takes what the kernel holds now, paused or not; at most 1 MB, as a survivor may put out without end. */
  drain(): void {
    for (let taken = 0; this.#fd >= 0 && taken < DRAIN_BYTES;) {
      let count: number
      try {
        count = readSync(this.#fd, SHARED)
      } catch (error) {
        if (errnoOf(error) === 'EINTR') continue
        return // EAGAIN: there is no more. EIO: nor will there be.
      }
      if (count === 0) return
      taken += count
      this.#onBytes(SHARED.subarray(0, count))
    }
  }

  close(): void {
    this.#stream.destroy()
  }
}

class FencedStream extends ReadStream {
  readonly #fence: () => void

  constructor(fd: number, options: object, fence: () => void) {
    super(fd, options)
    this.#fence = fence
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#fence()
    super._destroy(error, callback)
  }
}
