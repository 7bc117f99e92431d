import type { Socket } from 'node:net'
import type { OutputChunk, Pty } from '../../ports/terminal-host.port.ts'
import { toEnvelopeError } from '../../protocols/control/envelope.ts'
import { encodeFrame, FRAME, type Frame, FrameDecoder, jsonBody, offsetBody, readSizeBody } from '../../protocols/control/frames.ts'
import type { ScreenBody, WindowSize } from '../../protocols/control/screen.ts'
import { SignalboxError } from '../../protocols/errors.ts'
import type { ControlLimits, TakeOver } from './connection.ts'
import type { Seats } from './seats.ts'

type Options = {
  readonly tailBytes: number
  /** Begin with what is on the screen. */
  readonly screen: boolean
  readonly limits: ControlLimits
  readonly seats: Seats
  /** Of the client's terminal; undefined where it has none. */
  readonly size: Size | undefined
  readonly windowSize: WindowSize | undefined
}
type Size = { readonly cols: number; readonly rows: number }

/** Bodies of output; larger chunks are cut. */
const OUTPUT_BYTES = 65_536

/**
 * A client's connection to a terminal from now on: output as frames within the window that the client acknowledges, input
 * and resizes as they come. A client that reads slowly meets gaps; it slows neither the process nor other clients.
 */
class Attachment {
  private readonly socket: Socket
  private readonly pty: Pty
  private readonly limits: ControlLimits
  private readonly seats: Seats
  private readonly frames: FrameDecoder
  private readonly over = new AbortController()
  private sentTo = 0
  private ackedTo = 0
  private inputFrom = 0
  private inputDone = 0
  private credit: PromiseWithResolvers<void> | null = null

  constructor(socket: Socket, pty: Pty, { limits, seats, size, windowSize }: Options) {
    this.socket = socket
    this.pty = pty
    this.limits = limits
    this.seats = seats
    this.frames = new FrameDecoder(limits.frameBytes)
    socket.on('data', this.take)
    socket.on('drain', () => this.credit?.resolve())
    // A client that sends no more has left.
    socket.on('end', () => this.end())
    socket.on('close', () => this.leave())
    this.sit(size, windowSize)
  }

  async run(rest: Uint8Array, { tailBytes, screen }: Options): Promise<void> {
    if (rest.length > 0) this.take(rest)
    this.socket.resume()
    try {
      // Begun first: what it reads is held until it has, also of a terminal that ends while its screen is drawn.
      const output = this.pty.read({ tail: tailBytes, mode: 'lossy', borrow: true, signal: this.over.signal })[Symbol.asyncIterator]()
      await this.sendAll({ [Symbol.asyncIterator]: () => output }, screen)
      if (this.over.signal.aborted) return
      this.send(FRAME.end, this.sentTo, jsonBody(await this.pty.exited))
      this.end()
    } catch (error) {
      this.fail(error)
    }
  }

  private async sendAll(output: AsyncIterable<OutputChunk>, screen: boolean): Promise<void> {
    /** What the screen shows already. */
    let shown = screen ? await this.sendScreen() : 0
    for await (const chunk of output) {
      if (this.over.signal.aborted) return
      if ('bytes' in chunk) {
        const known = Math.max(0, shown - chunk.offset)
        if (known < chunk.bytes.length) await this.sendOutput(chunk.offset + known, chunk.bytes.subarray(known))
      } else if (chunk.gap.to > shown) {
        const again = screen ? await this.sendScreen() : 0
        if (again > 0) shown = again
        else this.send(FRAME.gap, chunk.gap.from, offsetBody(chunk.gap.to))
      }
    }
  }

  /** @returns up to where output is shown by it; 0 where none could be drawn, which the client is told */
  private async sendScreen(): Promise<number> {
    const drawn = await this.pty.snapshot().catch((error: unknown) => toEnvelopeError(error).message)
    if (this.over.signal.aborted) return 0
    if (typeof drawn === 'string') {
      this.send(FRAME.screen, this.sentTo, jsonBody({ unavailable: drawn } satisfies ScreenBody))
      return 0
    }
    const { offset, bytes, cols, rows, altScreen, title, complete } = drawn
    this.send(FRAME.screen, offset, jsonBody({ cols, rows, altScreen, title, complete, bytes: bytes.length } satisfies ScreenBody))
    for (let at = 0; at < bytes.length; at += OUTPUT_BYTES) this.send(FRAME.drawn, offset, bytes.subarray(at, at + OUTPUT_BYTES))
    this.ackedTo = Math.max(this.ackedTo, offset - (this.sentTo - this.ackedTo))
    this.sentTo = offset
    await this.hasCredit()
    return offset
  }

  /** In pieces that fit the window; waits for acknowledgements in between. */
  private async sendOutput(offset: number, bytes: Uint8Array): Promise<void> {
    if (this.sentTo < offset) this.ackedTo = Math.max(this.ackedTo, offset - (this.sentTo - this.ackedTo))
    for (let at = 0; at < bytes.length; at += OUTPUT_BYTES) {
      const body = bytes.subarray(at, at + OUTPUT_BYTES)
      // The ring's block may be written to again while the socket holds it.
      this.send(FRAME.output, offset + at, body.slice())
      this.sentTo = offset + at + body.length
      await this.hasCredit()
      if (this.over.signal.aborted) return
    }
  }

  /** Waits for acknowledgements, and for the socket: one can be given without reading. */
  private async hasCredit(): Promise<void> {
    const { windowBytes } = this.limits
    while ((this.sentTo - this.ackedTo >= windowBytes || this.socket.writableLength > windowBytes) && !this.over.signal.aborted) {
      this.credit = Promise.withResolvers<void>()
      await this.credit.promise
    }
  }

  private readonly take = (bytes: Uint8Array): void => {
    if (this.over.signal.aborted) return
    try {
      for (const frame of this.frames.push(bytes)) this.handle(frame)
    } catch (error) {
      this.fail(error)
    }
  }

  private handle(frame: Frame): void {
    if (frame.type === FRAME.input) return this.input(frame)
    if (frame.type === FRAME.resize) return this.sit(readSizeBody(frame))
    if (frame.type !== FRAME.ack) throw new SignalboxError('ERR_CONTROL_LINE_INVALID', `a client sent a frame of type ${frame.type}`)
    this.ackedTo = Math.min(Math.max(this.ackedTo, frame.offset), this.sentTo)
    this.credit?.resolve()
  }

  private sit(size: Size | undefined, windowSize?: WindowSize): void {
    this.seats.take(this.pty, this, size, windowSize).catch((error: unknown) => this.fail(error))
  }

  private input({ offset, body }: Frame): void {
    if (offset !== this.inputFrom)
      throw new SignalboxError('ERR_CONTROL_LINE_INVALID', `input at ${offset} follows input up to ${this.inputFrom}`)
    this.inputFrom += body.length
    if (this.inputFrom - this.inputDone > this.limits.windowBytes) {
      throw new SignalboxError('ERR_PTY_INPUT_FULL', 'more input was sent than the window allows while the program does not read')
    }
    this.pty.write(body).then(
      () => {
        this.inputDone += body.length
        this.send(FRAME.ack, this.inputDone)
      },
      (error: unknown) => this.fail(error),
    )
  }

  private send(type: Frame['type'], offset: number, body?: Uint8Array): void {
    if (this.socket.destroyed || this.socket.writableEnded) return
    this.socket.cork()
    for (const part of encodeFrame({ type, offset, ...(body !== undefined && { body }) })) this.socket.write(part)
    this.socket.uncork()
  }

  /** Input to a process that has ended is no failure: its end follows. */
  private fail(error: unknown): void {
    if (error instanceof SignalboxError && error.code === 'ERR_PTY_ENDED') return
    this.send(FRAME.error, this.sentTo, jsonBody(toEnvelopeError(error)))
    this.leave()
    this.socket.end(() => this.socket.destroy())
  }

  /**
   * The client closes when it has read to here. Were the socket closed for it, the next acknowledgement would fail, and with it
   * the connection, before the client has read the end.
   */
  private end(): void {
    this.leave()
    this.socket.end()
  }

  private leave(): void {
    this.over.abort()
    this.credit?.resolve()
    this.seats.leave(this.pty, this)
  }
}

export const attachment =
  (pty: Pty, options: Options): TakeOver =>
  (socket, rest) =>
    void new Attachment(socket, pty, options).run(rest, options)
