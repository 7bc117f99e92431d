import { FRAME, offsetBody } from '../protocols/control/frames.ts'
import type { Cursor } from './output.ts'
import type { SocketWriter } from './socket-writer.ts'
import { OUTPUT_FRAME_BYTES, READ_WINDOW_BYTES } from './wire.ts'

/** A read as small as this is somebody typing: it goes out at once. */
const SMALL_BYTES = 1_024

type Source = { readonly cursor: (onMore: () => void) => Cursor }

/**
 * One reading of a PTY over a connection: output from a place on, never more than the window beyond what the reader has
 * used. Little goes out at once, much in large frames: a turn of the event loop is waited for, and another if more came.
 */
export class Subscription {
  readonly #channel: number
  readonly #writer: SocketWriter
  readonly #ended: () => void
  readonly #cursor: Cursor
  #sentBytes = 0
  #usedBytes = 0
  /** What waited when it was last looked. */
  #waiting = 0
  #isScheduled = false
  #hasWaitedTwice = false
  #isOver = false

  constructor(channel: number, source: Source, writer: SocketWriter, ended: () => void) {
    this.#channel = channel
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
    if (this.#isOver || this.#isScheduled) return
    const { available, done } = this.#cursor
    const came = available - this.#waiting
    if (done || came < SMALL_BYTES || available >= OUTPUT_FRAME_BYTES) {
      this.flush()
      return
    }
    this.#isScheduled = true
    this.#hasWaitedTwice = false
    this.#wait(available)
  }

  #wait(seen: number): void {
    setImmediate(() => {
      const { available } = this.#cursor
      if (available > seen && available < OUTPUT_FRAME_BYTES && !this.#hasWaitedTwice && !this.#isOver) {
        this.#hasWaitedTwice = true
        this.#wait(available)
        return
      }
      this.#isScheduled = false
      this.flush()
    })
  }
}
