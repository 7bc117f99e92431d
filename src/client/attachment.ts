import type { EnvelopeError } from '../protocols/bus.ts'
import { fromEnvelopeError } from '../protocols/control/envelope.ts'
import { encodeFrame, FRAME, type Frame, FrameDecoder, readJsonBody, readOffsetBody, sizeBody } from '../protocols/control/frames.ts'
import type { ResultOf } from '../protocols/control/methods.ts'
import type { TerminalInfo } from '../protocols/control/views.ts'
import type { ScreenBody, ScreenInfo, WindowSize } from '../protocols/control/screen.ts'
import { SignalboxError } from '../protocols/errors.ts'
import type { PtyExit } from '../protocols/pty-exit.ts'
import type { Wire } from './wire.ts'

export type AttachOptions = {
  /** Size of the caller's terminal; the last one attached, or resized, decides. @defaultValue left as it is */
  readonly cols?: number
  readonly rows?: number
  /** Recent output to begin with, in bytes; with `screen`, where no screen can be drawn. @defaultValue 65,536 */
  readonly tailBytes?: number
  /** Begin with what is on the screen; where output comes faster than it is taken, it comes again instead of a gap. @defaultValue false */
  readonly screen?: boolean
  /** Whose size the terminal has from now on, of all who are attached. @defaultValue what the one before said, or the configuration */
  readonly windowSize?: WindowSize
  /** Detaches. */
  readonly signal?: AbortSignal
}

/** Output, at its place in all output of the process; or what was overwritten before it could be sent here. */
export type Output =
  | { readonly offset: number; readonly bytes: Uint8Array }
  | { readonly gap: { readonly from: number; readonly to: number } }
  | { readonly screen: AttachedScreen }

/** What is on the screen as of an offset, to be written to a new terminal of that size; or why that cannot be told. */
export type AttachedScreen = (ScreenInfo & { readonly offset: number; readonly bytes: Uint8Array }) | { readonly unavailable: string }

/** A terminal that this client is attached to. */
export interface Attachment {
  readonly terminal: TerminalInfo
  /** Programs may set the clipboard of who is attached, by the configuration. */
  readonly clipboard: boolean
  /** Ends with the process, or with `detach`. For one reader. What is not taken holds nobody up but this client. @throws ERR_CONTROL_LOST */
  readonly output: AsyncIterable<Output>
  /** How the process ended; null when this client detached before. Rejects with ERR_CONTROL_LOST when the orchestrator died. */
  readonly ended: Promise<PtyExit | null>
  /** Sends input, in order. @returns when the program's terminal has it @throws ERR_PTY_ENDED, ERR_CONTROL_LOST */
  write(bytes: Uint8Array): Promise<void>
  /** Columns and rows, 1 to 10,000 each. */
  resize(cols: number, rows: number): void
  /** The process goes on. */
  detach(): void
}

/** Acknowledgements a quarter of a window apart. */
const ACKS_PER_WINDOW = 4
/** Input in one frame. */
const INPUT_BYTES = 65_536

const lostTerminal = ({ server: { pid } }: Wire, { lane, name }: TerminalInfo): SignalboxError => {
  const text = `the orchestrator (pid ${pid}) that holds terminal ${lane}/${name} is gone; see \`signalbox status\``
  return new SignalboxError('ERR_CONTROL_LOST', text, { context: { pid } })
}

type Waiting = { readonly upTo: number; resolve(): void; reject(error: unknown): void }

class FramedAttachment implements Attachment {
  readonly terminal: TerminalInfo
  readonly clipboard: boolean
  readonly ended: Promise<PtyExit | null>
  readonly output: AsyncIterable<Output>
  private readonly wire: Wire
  private readonly windowBytes: number
  private readonly frames = new FrameDecoder()
  private readonly queue: Output[] = []
  private readonly end = Promise.withResolvers<PtyExit | null>()
  private wake: (() => void) | null = null
  private failure: SignalboxError | null = null
  private isOver = false
  /** One whose bytes have not all come. */
  private screen: { readonly info: ScreenInfo; readonly offset: number; readonly bytes: Uint8Array; filled: number } | null = null
  private usedTo = 0
  private ackedTo = 0
  private sentTo = 0
  /** What is sent before, and may wait for the program to read. */
  private sending: Promise<void> = Promise.resolve()
  private takenTo = 0
  private waiting: Waiting[] = []

  constructor(wire: Wire, { terminal, clipboard, windowBytes }: ResultOf<'terminal.attach'>, signal: AbortSignal | undefined) {
    this.wire = wire
    this.terminal = terminal
    this.clipboard = clipboard
    this.windowBytes = windowBytes
    this.ended = this.end.promise
    this.ended.catch(() => {})
    this.output = { [Symbol.asyncIterator]: () => this.read() }
    const { socket } = wire
    socket.on('data', this.take)
    const lost = (): void => this.finish(this.isOver ? null : lostTerminal(wire, terminal))
    socket.on('close', lost)
    if (socket.destroyed) lost()
    signal?.addEventListener('abort', () => this.detach(), { once: true })
    if (signal?.aborted === true) this.detach()
  }

  begin(rest: Uint8Array): void {
    if (rest.length > 0) this.take(rest)
    this.wire.socket.resume()
  }

  write(bytes: Uint8Array): Promise<void> {
    const sent = this.sending.then(() => this.sendInput(bytes))
    this.sending = sent.then(
      () => {},
      () => {},
    )
    return sent.then((upTo) => this.taken(upTo))
  }

  /** @returns its place in all input, to wait for */
  private async sendInput(bytes: Uint8Array): Promise<number> {
    for (let at = 0; at < bytes.length; at += INPUT_BYTES) {
      const body = bytes.subarray(at, at + INPUT_BYTES)
      await this.taken(this.sentTo + body.length - this.windowBytes)
      this.assertOpen()
      const offset = this.sentTo
      this.sentTo += body.length
      this.send(FRAME.input, offset, body)
    }
    return this.sentTo
  }

  resize(cols: number, rows: number): void {
    if (!this.isOver) this.send(FRAME.resize, 0, sizeBody(cols, rows))
  }

  detach(): void {
    this.finish(null)
    this.wire.socket.end()
    this.wire.socket.destroy()
  }

  private assertOpen(): void {
    if (this.failure !== null) throw this.failure
    if (this.isOver)
      throw new SignalboxError('ERR_PTY_ENDED', `terminal ${this.terminal.lane}/${this.terminal.name} has ended, or was detached from`)
  }

  private async taken(upTo: number): Promise<void> {
    if (this.takenTo >= upTo) return
    this.assertOpen()
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.waiting.push({ upTo, resolve, reject })
    return promise
  }

  private send(type: Frame['type'], offset: number, body?: Uint8Array): void {
    const { socket } = this.wire
    socket.cork()
    for (const part of encodeFrame({ type, offset, ...(body !== undefined && { body }) })) socket.write(part)
    socket.uncork()
  }

  private readonly take = (chunk: Uint8Array): void => {
    try {
      for (const frame of this.frames.push(chunk)) this.handle(frame)
    } catch (error) {
      this.finish(
        error instanceof SignalboxError
          ? error
          : new SignalboxError('ERR_CONTROL_LINE_INVALID', 'the orchestrator sent what is no frame', { cause: error }),
      )
      this.wire.socket.destroy()
    }
  }

  private handle(frame: Frame): void {
    switch (frame.type) {
      case FRAME.output:
        return this.push({ offset: frame.offset, bytes: frame.body })
      case FRAME.gap:
        return this.push({ gap: { from: frame.offset, to: readOffsetBody(frame) } })
      case FRAME.screen:
        return this.screenBegins(frame)
      case FRAME.drawn:
        return this.screenGoesOn(frame)
      case FRAME.ack:
        this.takenTo = Math.max(this.takenTo, frame.offset)
        for (const { upTo, resolve } of this.waiting) if (upTo <= this.takenTo) resolve()
        this.waiting = this.waiting.filter(({ upTo }) => upTo > this.takenTo)
        return
      case FRAME.end:
        this.end.resolve(readJsonBody(frame) as PtyExit)
        return this.finish(null)
      case FRAME.error:
        return this.finish(fromEnvelopeError(readJsonBody(frame) as EnvelopeError))
      default:
        throw new SignalboxError('ERR_CONTROL_LINE_INVALID', `the orchestrator sent a frame of type ${frame.type}`)
    }
  }

  private screenBegins(frame: Frame): void {
    const body = readJsonBody(frame) as ScreenBody
    if ('unavailable' in body) return this.push({ screen: body })
    const { bytes, ...info } = body
    this.screen = { info, offset: frame.offset, bytes: new Uint8Array(bytes), filled: 0 }
  }

  private screenGoesOn({ body }: Frame): void {
    const { screen } = this
    if (screen === null || screen.filled + body.length > screen.bytes.length)
      throw new SignalboxError('ERR_CONTROL_LINE_INVALID', 'the orchestrator sent more of a screen than it announced')
    screen.bytes.set(body, screen.filled)
    screen.filled += body.length
    if (screen.filled < screen.bytes.length) return
    this.screen = null
    this.push({ screen: { ...screen.info, offset: screen.offset, bytes: screen.bytes } })
  }

  private push(output: Output): void {
    this.queue.push(output)
    this.wake?.()
  }

  /** Nothing comes any more; what has come can still be read. */
  private finish(error: SignalboxError | null): void {
    if (this.isOver) return
    this.isOver = true
    this.failure = error
    if (error === null) this.end.resolve(null)
    else this.end.reject(error)
    const ended = error ?? new SignalboxError('ERR_PTY_ENDED', `terminal ${this.terminal.lane}/${this.terminal.name} has ended`)
    for (const { reject } of this.waiting.splice(0)) reject(ended)
    this.wake?.()
  }

  private async *read(): AsyncGenerator<Output> {
    for (;;) {
      const output = this.queue.shift()
      if (output !== undefined) {
        yield output
        if ('bytes' in output) this.used(output.offset + output.bytes.length)
        else if ('gap' in output) this.used(output.gap.to)
        else if ('offset' in output.screen) this.used(output.screen.offset)
      } else if (this.failure !== null) throw this.failure
      else if (this.isOver) return
      else {
        const { promise, resolve } = Promise.withResolvers<void>()
        this.wake = resolve
        await promise
      }
    }
  }

  /** Credit for more, once the reader has come back for the next. */
  private used(upTo: number): void {
    this.usedTo = Math.max(this.usedTo, upTo)
    if (this.isOver || this.usedTo - this.ackedTo < this.windowBytes / ACKS_PER_WINDOW) return
    this.ackedTo = this.usedTo
    this.send(FRAME.ack, this.usedTo)
  }
}

/** Goes on in frames on a connection whose attach was answered. */
export const attachTo = (wire: Wire, answer: ResultOf<'terminal.attach'>, { signal }: AttachOptions): Attachment => {
  const attachment = new FramedAttachment(wire, answer, signal)
  attachment.begin(wire.release())
  return attachment
}
