import type { Socket } from 'node:net'
import type { Clock, Timer } from '../../ports/clock.port.ts'
import { type ServerEnvelope, toEnvelopeError } from '../../protocols/control/envelope.ts'
import type { CONTROL_LIMITS } from '../../protocols/control/limits.ts'
import { LineDecoder } from '../../protocols/control/line-decoder.ts'
import { type ControlRequest, parseRequest } from '../../protocols/control/methods.schema.ts'
import { SignalboxError } from '../../protocols/errors.ts'

export type ControlLimits = { readonly [K in keyof typeof CONTROL_LIMITS]: number }

/** Takes a connection over that goes on in frames. `rest`: what came with the last line. */
export type TakeOver = (socket: Socket, rest: Uint8Array) => void

export type ConnectionParts = {
  readonly socket: Socket
  readonly clock: Clock
  readonly limits: ControlLimits
  /** Carries a request out. Never rejects. @returns the answer, and what takes the connection over after it, if anything does */
  readonly serve: (request: ControlRequest, connection: Connection) => Promise<Served>
  readonly closed: (connection: Connection) => void
}
export type Served = {
  readonly answer: ServerEnvelope
  readonly takeOver?: TakeOver | undefined
  readonly after?: (() => void) | undefined
}

/** For the reason of a refusal to reach the client. ms */
const LAST_WORDS_MS = 1_000

/**
 * One client. Reads no further while it carries out as many requests as it may, or while the client does not read what it
 * was sent: so neither side makes the other hold more than a few megabytes.
 */
export class Connection {
  /** Of the client, from its hello on. */
  name: string | null = null
  /** What ends with the connection. */
  readonly ends: Set<() => void> = new Set()
  /** What ends when the client says no more, though it may still read. */
  readonly lastWords: Set<() => void> = new Set()
  private readonly parts: ConnectionParts
  private readonly lines: LineDecoder
  private inFlight = 0
  private hasEnded = false
  /** Lines are read no more: it goes on in frames, or was refused. */
  private isOver = false
  private lineTimer: Timer | null
  private unreadTimer: Timer | null = null
  private unread: PromiseWithResolvers<void> | null = null

  constructor(parts: ConnectionParts) {
    this.parts = parts
    this.lines = new LineDecoder(parts.limits.lineBytes)
    const { socket, limits } = parts
    this.lineTimer = this.timer(limits.helloMs, 'no hello came in time')
    socket.on('data', this.take)
    socket.on('end', this.inputEnded)
    socket.on('drain', this.wasRead)
    // What went wrong with a connection shows in its end.
    socket.on('error', () => {})
    socket.on('close', () => this.close())
  }

  /** A line to the client. Dropped where the connection has ended. */
  send(envelope: ServerEnvelope): void {
    const { socket, limits } = this.parts
    if (socket.destroyed || socket.writableEnded || this.isOver) return
    socket.write(`${JSON.stringify(envelope)}\n`)
    // The end of the waiting is told only where the socket's own mark was passed too.
    if (socket.writableLength <= limits.unreadBytes || !socket.writableNeedDrain || this.unread !== null) return
    this.unread = Promise.withResolvers<void>()
    this.unreadTimer = this.timer(limits.unreadMs, 'the client does not read', 'ERR_CONTROL_UNREAD')
  }

  /** Whether the client has gone, or says no more. */
  get isSilent(): boolean {
    return this.hasEnded || this.parts.socket.destroyed
  }

  /** Resolves when the client has read what it was sent, or has gone; undefined while it keeps up. */
  get whenRead(): Promise<void> | undefined {
    return this.unread?.promise
  }

  /** Ends the connection once everything was sent. */
  end(): void {
    this.parts.socket.end()
  }

  close(): void {
    this.lineTimer?.cancel()
    this.unreadTimer?.cancel()
    this.unread?.resolve()
    for (const end of this.ends) end()
    this.ends.clear()
    this.parts.socket.destroy()
    this.parts.closed(this)
  }

  private timer(afterMs: number, why: string, code: 'ERR_CONTROL_LINE_INVALID' | 'ERR_CONTROL_UNREAD' = 'ERR_CONTROL_LINE_INVALID'): Timer {
    return this.parts.clock.setTimer(afterMs, () => this.refuse(new SignalboxError(code, why)))
  }

  /** Says why, if that can still be said, and ends the connection. */
  private refuse(error: unknown): void {
    const { socket, clock } = this.parts
    if (this.isOver) return
    this.isOver = true
    socket.pause()
    if (this.unread !== null || socket.destroyed) return this.close()
    const timestamp = clock.now()
    socket.end(`${JSON.stringify({ id: 'refusal', timestamp, refused: toEnvelopeError(error) } satisfies ServerEnvelope)}\n`, () =>
      this.close(),
    )
    this.unreadTimer = clock.setTimer(LAST_WORDS_MS, () => this.close())
  }

  private readonly take = (chunk: Uint8Array): void => {
    this.lines.push(chunk)
    this.pump()
  }

  private readonly inputEnded = (): void => {
    this.hasEnded = true
    for (const end of this.lastWords) end()
    if (this.inFlight === 0 && !this.isOver) this.end()
  }

  private readonly wasRead = (): void => {
    this.unreadTimer?.cancel()
    this.unreadTimer = null
    this.unread?.resolve()
    this.unread = null
    this.pump()
  }

  private get mayRead(): boolean {
    return this.inFlight < this.parts.limits.requests && this.unread === null && !this.isOver
  }

  /** Carries out the lines that are there, as far as it may. */
  private pump(): void {
    const { socket } = this.parts
    if (socket.destroyed) return
    try {
      while (this.mayRead) {
        const line = this.lines.next()
        if (line === null) break
        if (line !== '') void this.handle(parseRequest(line))
      }
    } catch (error) {
      this.refuse(error)
    }
    if (this.isOver) return
    if (!this.mayRead) socket.pause()
    else if (socket.isPaused()) socket.resume()
    this.watchLine()
  }

  /** A line that has begun must end in time; before the hello its own limit holds. */
  private watchLine(): void {
    if (this.name === null) return
    if (this.lines.isInLine && this.mayRead) this.lineTimer ??= this.timer(this.parts.limits.lineMs, 'a line did not end in time')
    else {
      this.lineTimer?.cancel()
      this.lineTimer = null
    }
  }

  /** Told once the client has said hello. */
  greeted(name: string): void {
    this.name = name
    this.lineTimer?.cancel()
    this.lineTimer = null
  }

  private async handle(request: ControlRequest): Promise<void> {
    this.inFlight += 1
    const { answer, takeOver, after } = await this.parts.serve(request, this)
    this.inFlight -= 1
    try {
      this.send(answer)
    } catch (error) {
      // It holds what JSON does not know.
      this.refuse(error)
    }
    if (takeOver !== undefined && !this.isOver && !this.parts.socket.destroyed) this.handOver(takeOver)
    else if (this.hasEnded && this.inFlight === 0) this.end()
    else this.pump()
    after?.()
  }

  private handOver(takeOver: TakeOver): void {
    const { socket } = this.parts
    this.isOver = true
    this.lineTimer?.cancel()
    this.unreadTimer?.cancel()
    socket.off('data', this.take)
    socket.off('end', this.inputEnded)
    socket.off('drain', this.wasRead)
    takeOver(socket, this.lines.rest())
  }
}
