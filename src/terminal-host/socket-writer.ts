import { writeSync, writevSync } from 'node:fs'
import type { Socket } from 'node:net'
import { FRAME_HEADER_BYTES, type FrameType, putHeader } from '../protocols/control/frames.ts'

/** Bodies up to this are copied behind their header: one buffer costs less than two. */
const COPIED_BYTES = 8_192
const NOTHING = new Uint8Array(0)
/** One for all: what is in it is with the kernel, or copied, when a write returns. */
const HEAD = Buffer.allocUnsafeSlow(FRAME_HEADER_BYTES)
const WHOLE = Buffer.allocUnsafeSlow(FRAME_HEADER_BYTES + COPIED_BYTES)

/** Node does not document it; where it is not there, its streams are used. */
const descriptorOf = (socket: Socket): number => {
  const { _handle: handle } = socket as unknown as { readonly _handle?: { readonly fd?: number } | null }
  return handle?.fd ?? -1
}

/**
 * Frames on their way into a socket: at once where the kernel takes them, as one turn through the event loop would double
 * the way of a keystroke; what it does not take waits in the stream of the socket, and everything after it.
 */
export class SocketWriter {
  readonly #socket: Socket
  readonly #onDrain: () => void
  #isStalled = false

  /** @param onDrain called when what had to wait is with the kernel */
  constructor(socket: Socket, onDrain: () => void) {
    this.#socket = socket
    this.#onDrain = onDrain
  }

  /** Something waits already: whoever can should write no more until it is drained. */
  get isStalled(): boolean {
    return this.#isStalled
  }

  get waitingBytes(): number {
    return this.#socket.writableLength
  }

  /** Takes the body without keeping it. */
  write(type: FrameType, channel: number, offset: number, body: Uint8Array = NOTHING): void {
    if (this.#socket.destroyed || this.#socket.writableEnded) return
    if (body.length <= COPIED_BYTES) {
      putHeader(WHOLE, type, channel, offset, body.length)
      WHOLE.set(body, FRAME_HEADER_BYTES)
      this.#send(WHOLE.subarray(0, FRAME_HEADER_BYTES + body.length), NOTHING)
    } else {
      putHeader(HEAD, type, channel, offset, body.length)
      this.#send(HEAD, body)
    }
  }

  #send(first: Uint8Array, second: Uint8Array): void {
    const total = first.length + second.length
    const written = this.#isStalled ? 0 : this.#writeNow(first, second)
    if (written === total) return
    const rest = Buffer.allocUnsafe(total - written)
    const ofFirst = first.subarray(Math.min(written, first.length))
    rest.set(ofFirst)
    rest.set(second.subarray(Math.max(0, written - first.length)), ofFirst.length)
    this.#isStalled = true
    this.#socket.write(rest, () => {
      if (this.#socket.writableLength > 0) return
      this.#isStalled = false
      this.#onDrain()
    })
  }

  /** @returns how many bytes the kernel took */
  #writeNow(first: Uint8Array, second: Uint8Array): number {
    const fd = descriptorOf(this.#socket)
    if (fd < 0) return 0
    try {
      return second.length === 0 ? writeSync(fd, first) : writevSync(fd, [first, second])
    } catch {
      return 0 // EAGAIN: it waits. Any other: the socket meets it too, and tells.
    }
  }
}
