import type { Clock } from '../ports/clock.port.ts'
import { FRAME, offsetBody } from '../protocols/control/frames.ts'
import type { Cursor } from './output.ts'
import type { SocketWriter } from './socket-writer.ts'
import { OUTPUT_FRAME_BYTES, READ_WINDOW_BYTES } from './wire.ts'

/** A read as small as this is somebody typing: it goes out at once. */
const SMALL_BYTES = 1_024
/** A terminal gives 4 KB a read: so long after a frame, more is waited for, as each costs a client the same. ms */
const BUNDLE_MS = 1

type Source = { readonly cursor: (onMore: () => void) => Cursor }

/**
 * One reading of a PTY over a connection: output from a place on, never more than the window beyond what the reader has
 * used. Little goes out at once, as does what comes after a pause; a flood goes in large frames.
 */
export class Subscription {
  readonly #channel: number
  readonly #writer: SocketWriter
  readonly #ended: () => void
  readonly #cursor: Cursor
  readonly #clock: Clock
  #sentAt = -Infinity
  #sentBytes = 0
  #usedBytes = 0
  /** What waited when it was last looked. */
  #waiting = 0
  #isScheduled = false
  #isOver = false

  constructor(channel: number, source: Source, writer: SocketWriter, clock: Clock, ended: () => void) {
    this.#channel = channel
    this.#clock = clock
    this.#writer = writer
    this.#ended = ended
    this.#cursor = source.cursor(() => this.#more())
    this.flush()
  }

  /** @param usedBytes what the reader has used since the beginning; a lower or impossible number is as none */
  used(usedBytes: number): void {
    if (usedBytes <= this.#usedBytes || usedBytes > this.#sentBytes) return
    this.#usedBytes = usedBytes
    if (!this.#isScheduled) this.flush()
  }

  /** Sends what may be sent; also called when the connection takes more again. */
  flush(): void {
    if (this.#isOver) return
    while (!this.#writer.isStalled) {
      const room = READ_WINDOW_BYTES - (this.#sentBytes - this.#usedBytes)
      const chunk = room > 0 ? this.#cursor.peek() : null
      if (chunk === null) break
      if ('gap' in chunk) {
        this.#writer.write(FRAME.gap, this.#channel, chunk.gap.from, offsetBody(chunk.gap.to))
        continue
      }
      const bytes = chunk.bytes.subarray(0, Math.min(room, OUTPUT_FRAME_BYTES))
      this.#writer.write(FRAME.output, this.#channel, chunk.offset, bytes)
      this.#sentBytes += bytes.length
      this.#cursor.advance(bytes.length)
      this.#sentAt = this.#clock.monotonic()
    }
    this.#waiting = this.#cursor.available
    if (!this.#cursor.done) return
    this.close()
    this.#writer.write(FRAME.end, this.#channel, 0)
    this.#ended()
  }

  close(): void {
    this.#isOver = true
    this.#cursor.close()
  }

  #more(): void {
    if (this.#isOver) return
    const { available, done } = this.#cursor
    if (done || available >= OUTPUT_FRAME_BYTES) return this.flush()
    if (this.#isScheduled) return
    const came = available - this.#waiting
    if (came < SMALL_BYTES || this.#clock.monotonic() - this.#sentAt > BUNDLE_MS) return this.flush()
    this.#isScheduled = true
    this.#clock.setTimer(BUNDLE_MS, this.#bundled)
  }

  readonly #bundled = (): void => {
    this.#isScheduled = false
    this.flush()
  }
}
