import type { Socket } from 'node:net'
import type { Clock } from '../ports/clock.port.ts'
import type { ProcessIdentity } from '../ports/process-table.port.ts'
import { FRAME, type Frame, FrameDecoder } from '../protocols/control/frames.ts'
import { copyOf } from '../protocols/copy-of.ts'
import { SignalboxError, toErrorRecord } from '../protocols/errors.ts'
import type { PtyPressure } from '../protocols/pty-pressure.ts'
import type { HostEntry } from './host-entries.ts'
import { SocketWriter } from './socket-writer.ts'
import { Subscription } from './subscription.ts'
import {
  type ClientHello,
  decodeBody,
  encodeBody,
  encodeFailure,
  HOST_FRAME_BYTES,
  type HostRequest,
  newsBody,
  type OpenBody,
  type Version,
} from './wire.ts'

/** Readings of one connection. */
const MAX_SUBSCRIPTIONS = 4_096
/** What may wait for a client that takes nothing, before it is told less. */
const MOST_WAITING_BYTES = 1_048_576

export type ConnectionParts = {
  readonly clock: Clock
  readonly hello: Uint8Array
  /** That it speaks. */
  readonly protocol: Version
  readonly entry: (handle: number) => HostEntry | undefined
  readonly carryOut: (request: HostRequest, by: HostConnection) => Promise<unknown>
  readonly closed: (connection: HostConnection) => void
  readonly log: (text: string) => void
}

/** One orchestrator at the other end of a socket. What it sends wrong ends this connection, and nothing else. */
export class HostConnection {
  readonly #socket: Socket
  readonly #writer: SocketWriter
  readonly #parts: ConnectionParts
  readonly #frames = new FrameDecoder(HOST_FRAME_BYTES)
  readonly #subscriptions = new Map<number, Subscription>()
  #client: ClientHello | null = null

  constructor(socket: Socket, parts: ConnectionParts) {
    this.#socket = socket
    this.#parts = parts
    this.#writer = new SocketWriter(socket, () => {
      for (const subscription of this.#subscriptions.values()) subscription.flush()
    })
    socket.on('data', (bytes: Uint8Array) => this.#take(bytes))
    socket.on('error', () => {}) // its close follows
    socket.on('close', () => {
      for (const subscription of this.#subscriptions.values()) subscription.close()
      this.#subscriptions.clear()
      parts.closed(this)
    })
  }

  /** Whose it is; null before it has said so. */
  get client(): ProcessIdentity | null {
    return this.#client?.identity ?? null
  }

  /** Whether it speaks as this host does: another may only have it drained. */
  get isOurs(): boolean {
    return this.#client === null || this.#client.protocol.major === this.#parts.protocol.major
  }

  /** @returns whether it was told; else it is to be told later, as it is then */
  news({ handle, pty }: HostEntry): boolean {
    if (this.#writer.isStalled) return false
    const { outputBytes, lastOutputAt } = pty.stats()
    this.#writer.write(FRAME.news, handle, outputBytes, newsBody(lastOutputAt, pty.preview()))
    return true
  }

  /** At most one a second of a PTY. */
  pressure(handle: number, pressure: PtyPressure): void {
    if (this.#writer.waitingBytes < MOST_WAITING_BYTES) this.#writer.write(FRAME.pressure, handle, 0, encodeBody(pressure))
  }

  exit(handle: number, body: Uint8Array): void {
    this.#writer.write(FRAME.exit, handle, 0, body)
  }

  close(): void {
    this.#socket.end()
  }

  #take(bytes: Uint8Array): void {
    try {
      this.#frames.feed(bytes, (frame) => this.#handle(frame))
    } catch (error) {
      this.#parts.log(`a connection was closed: ${toErrorRecord(error).message}`)
      this.#socket.destroy()
    }
  }

  #handle(frame: Frame): void {
    const { type, channel, offset, body } = frame
    if (type === FRAME.hello) return this.#hello(body)
    if (this.#client === null) throw wrong('it did not say hello first')
    switch (type) {
      case FRAME.request:
        return this.#request(offset, decode(body) as HostRequest)
      case FRAME.input:
        return this.#input(channel, offset, body)
      case FRAME.open:
        return this.#open(channel, decode(body) as OpenBody)
      case FRAME.ack:
        this.#subscriptions.get(channel)?.used(offset)
        return
      case FRAME.close:
        this.#subscriptions.get(channel)?.close()
        this.#subscriptions.delete(channel)
        return
      default:
        throw wrong(`it sent a frame of type ${type}`)
    }
  }

  #hello(body: Uint8Array): void {
    if (this.#client !== null) throw wrong('it said hello twice')
    const { protocol, identity, version } = decode(body) as Partial<ClientHello>
    if (typeof protocol?.major !== 'number' || typeof identity?.pid !== 'number') throw wrong('its hello says not who it is')
    this.#client = { protocol, identity, version: String(version) }
    this.#writer.write(FRAME.hello, 0, 0, this.#parts.hello)
  }

  #request(id: number, request: HostRequest): void {
    const { protocol } = this.#client as ClientHello
    if (protocol.major !== this.#parts.protocol.major && request.method !== 'drain') {
      const text = `the terminal host speaks version ${this.#parts.protocol.major} of its protocol, this orchestrator ${protocol.major}`
      this.#writer.write(FRAME.answer, 0, id, encodeFailure(new SignalboxError('ERR_HOST_VERSION', text)))
      return
    }
    this.#parts.carryOut(request, this).then(
      (ok) => this.#writer.write(FRAME.answer, 0, id, encodeBody({ ok })),
      (error: unknown) => this.#writer.write(FRAME.answer, 0, id, encodeFailure(error)),
    )
  }

  #input(handle: number, id: number, body: Uint8Array): void {
    const entry = this.#parts.entry(handle)
    // The chunk that the body lies in may be written to again.
    const written = entry === undefined ? Promise.reject(noPty(handle)) : entry.pty.write(copyOf(body))
    written.then(
      () => this.#writer.write(FRAME.answer, 0, id),
      (error: unknown) => this.#writer.write(FRAME.answer, 0, id, encodeFailure(error)),
    )
  }

  #open(channel: number, { handle, ...options }: OpenBody): void {
    if (this.#subscriptions.has(channel) || this.#subscriptions.size >= MAX_SUBSCRIPTIONS)
      throw wrong(`it opened reading ${channel} twice, or too many`)
    const entry = this.#parts.entry(handle)
    if (entry === undefined) {
      this.#writer.write(FRAME.error, channel, 0, encodeFailure(noPty(handle)))
      return
    }
    let isOver = false
    const source = { cursor: (onMore: () => void) => entry.pty.cursor(options, onMore) }
    const subscription = new Subscription(channel, source, this.#writer, this.#parts.clock, () => {
      isOver = true
      this.#subscriptions.delete(channel)
    })
    if (!isOver) this.#subscriptions.set(channel, subscription)
  }
}

const wrong = (what: string): SignalboxError => new SignalboxError('ERR_CONTROL_LINE_INVALID', what)

const decode = (body: Uint8Array): unknown => {
  try {
    const value = decodeBody(body)
    if (typeof value === 'object' && value !== null) return value
  } catch {
    // as anything else that is no object
  }
  throw wrong('a body is not JSON of an object')
}

export const noPty = (handle: number): SignalboxError =>
  new SignalboxError('ERR_PTY_ENDED', `The terminal host has no PTY ${handle} any more.`, { context: { handle } })
