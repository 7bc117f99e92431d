import { connect, type IpcNetConnectOpts, type Socket } from 'node:net'
import type { Clock } from '../ports/clock.port.ts'
import { FRAME, type Frame, FrameDecoder } from '../protocols/control/frames.ts'
import { SignalboxError } from '../protocols/errors.ts'
import { SocketWriter } from './socket-writer.ts'
import {
  type ClientHello,
  decodeBody,
  encodeBody,
  failureOf,
  HOST_FRAME_BYTES,
  type HostAnswer,
  type HostHello,
  type HostMethod,
  type HostMethods,
  type Version,
} from './wire.ts'

const HELLO_LIMIT_MS = 10_000

/** What the host tells without being asked. Bodies lie in a buffer that is used again: what is kept must be copied. */
export type LinkEvents = {
  readonly frame: (frame: Frame) => void
  /** The connection is gone. Called once. */
  readonly closed: () => void
}

type Pending = { readonly resolve: (value: unknown) => void; readonly reject: (error: unknown) => void }

/** The connection of an orchestrator to its terminal host. */
export class HostLink {
  readonly hello: HostHello
  readonly #socket: Socket
  readonly #writer: SocketWriter
  readonly #pending = new Map<number, Pending>()
  readonly #events: LinkEvents
  #lastId = 0
  #isOpen = true

  private constructor(socket: Socket, writer: SocketWriter, hello: HostHello, events: LinkEvents) {
    this.#socket = socket
    this.#writer = writer
    this.hello = hello
    this.#events = events
  }

  /**
   * Connects, and says hello.
   * @throws ERR_HOST_UNREACHABLE; ERR_HOST_VERSION of another major version: `drain` is all that can be asked of it then
   */
  static open(path: string, client: ClientHello, events: LinkEvents, clock: Clock): Promise<HostLink> {
    const { promise, resolve, reject } = Promise.withResolvers<HostLink>()
    const frames = new FrameDecoder(HOST_FRAME_BYTES)
    let link: HostLink | null = null
    const take = (frame: Frame): void => {
      if (link !== null) return link.#handle(frame)
      if (frame.type !== FRAME.hello) throw new SignalboxError('ERR_HOST_UNREACHABLE', `${path} is no terminal host: it did not say hello`)
      timer.cancel()
      link = new HostLink(socket, writer, decodeBody(frame.body) as HostHello, events)
      resolve(link)
    }
    const onread = {
      // One buffer for the connection: what is read is used before the next read. Most frames come whole in it.
      buffer: Buffer.allocUnsafeSlow(262_144),
      callback: (count: number, buffer: Uint8Array): boolean => {
        try {
          frames.feed(buffer.subarray(0, count), take)
        } catch (error) {
          socket.destroy(error as Error)
        }
        return true
      },
    }
    const socket = connect({ path, onread } as IpcNetConnectOpts)
    const writer = new SocketWriter(socket, () => {})
    const timer = clock.setTimer(HELLO_LIMIT_MS, () => socket.destroy(new Error(`it did not say hello within ${HELLO_LIMIT_MS} ms`)))
    let cause: Error | null = null
    socket.on('error', (error: Error) => void (cause = error))
    socket.on('close', () => {
      timer.cancel()
      if (link !== null) link.#close()
      reject(
        new SignalboxError('ERR_HOST_UNREACHABLE', `The terminal host at ${path} does not answer: ${cause?.message ?? 'it hung up'}.`, {
          cause,
        }),
      )
    })
    socket.once('connect', () => writer.write(FRAME.hello, 0, 0, encodeBody(client)))
    return promise
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  /**
   * @param told is called with the answer before any frame that came after it: a promise would be told later
   * @throws ERR_HOST_DISCONNECTED when the connection ends before the answer; what the host refused
   */
  request<M extends HostMethod>(
    method: M,
    params: HostMethods[M]['params'],
    told: (result: HostMethods[M]['result']) => void = () => undefined,
  ): Promise<HostMethods[M]['result']> {
    const send = (id: number): void => this.#writer.write(FRAME.request, 0, id, encodeBody({ method, params }))
    return this.#ask(send, told as (value: unknown) => void) as Promise<HostMethods[M]['result']>
  }

  /** Input for a PTY. @returns when it is with the kernel */
  async input(handle: number, bytes: Uint8Array): Promise<void> {
    await this.#ask((id) => this.#writer.write(FRAME.input, handle, id, bytes))
  }

  send(type: typeof FRAME.open | typeof FRAME.ack | typeof FRAME.close, channel: number, offset: number, body?: Uint8Array): void {
    if (this.#isOpen) this.#writer.write(type, channel, offset, body)
  }

  close(): void {
    this.#socket.end()
  }

  #ask(send: (id: number) => void, told: (value: unknown) => void = () => undefined): Promise<unknown> {
    if (!this.#isOpen) return Promise.reject(disconnected())
    const id = (this.#lastId += 1)
    return new Promise((resolve, reject) => {
      this.#pending.set(id, {
        resolve: (value) => {
          told(value)
          resolve(value)
        },
        reject,
      })
      send(id)
    })
  }

  #handle(frame: Frame): void {
    if (frame.type !== FRAME.answer) return this.#events.frame(frame)
    const pending = this.#pending.get(frame.offset)
    if (pending === undefined) return
    this.#pending.delete(frame.offset)
    if (frame.body.length === 0) return pending.resolve(undefined)
    const answer = decodeBody(frame.body) as HostAnswer
    if ('error' in answer) pending.reject(failureOf(answer.error))
    else pending.resolve(answer.ok)
  }

  #close(): void {
    this.#isOpen = false
    for (const { reject } of this.#pending.values()) reject(disconnected())
    this.#pending.clear()
    this.#events.closed()
  }
}

/** @param own what this process speaks. @throws ERR_HOST_VERSION */
export const checkVersion = ({ protocol, version, identity }: HostHello, own: Version): void => {
  if (protocol.major === own.major) return
  throw new SignalboxError(
    'ERR_HOST_VERSION',
    `The terminal host that runs (pid ${identity.pid}, signalbox ${version}) speaks version ${protocol.major} of its protocol, this signalbox ${own.major}.`,
    { context: { pid: identity.pid, version, protocol } },
  )
}

const disconnected = (): SignalboxError =>
  new SignalboxError('ERR_HOST_DISCONNECTED', 'The connection to the terminal host ended before it answered.')
