import { connect, type Socket } from 'node:net'
import { systemClock } from '../adapters/system/system-clock.adapter.ts'
import type { BusEvent, BusGap } from '../protocols/bus.ts'
import { type ControlRequestEnvelope, fromEnvelopeError, type ServerEnvelope } from '../protocols/control/envelope.ts'
import { reachableSocket } from '../adapters/system/reachable-socket.ts'
import { CONTROL_VERSION } from '../protocols/control/limits.ts'
import { LineDecoder } from '../protocols/control/line-decoder.ts'
import type { ResultOf } from '../protocols/control/methods.ts'
import { SignalboxError } from '../protocols/errors.ts'

/** An answer may be long: a tree, a list. It comes from whoever owns the socket, as we do. */
const ANSWER_BYTES = 64_000_000
const HELLO_LIMIT_MS = 10_000

export type Push = { readonly event: BusEvent } | { readonly gap: BusGap }

export type Request = {
  readonly method: string
  readonly payload: object
  readonly key?: string | undefined
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((progress: unknown) => void) | undefined
}

type Pending = { readonly request: Request; settle(): void; resolve(payload: unknown): void; reject(error: unknown): void }

const codeOf = (error: unknown): string => (error instanceof Error && 'code' in error ? String(error.code) : 'unknown')

const notReachable = (path: string, error: unknown): SignalboxError => {
  const code = codeOf(error)
  const context = { path, errno: code }
  return code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'ECONNRESET' || code === 'EPIPE'
    ? new SignalboxError('ERR_CONTROL_NOT_RUNNING', `no orchestrator listens at ${path}; start one with \`signalbox up\``, {
        context,
        cause: error,
      })
    : new SignalboxError('ERR_CONTROL_SOCKET_FAILED', `the control socket ${path} cannot be reached (${code})`, { context, cause: error })
}

const reachable = (path: string): string => {
  try {
    return reachableSocket(path)
  } catch (error) {
    throw notReachable(path, error)
  }
}

const opened = (path: string, shown: string, signal: AbortSignal | undefined): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect(path)
    const abort = (): void => {
      socket.destroy()
      reject(cancelled('connecting'))
    }
    signal?.addEventListener('abort', abort, { once: true })
    const settled = (): void => signal?.removeEventListener('abort', abort)
    socket.once('error', (error) => {
      settled()
      reject(notReachable(shown, error))
    })
    socket.once('connect', () => {
      settled()
      resolve(socket)
    })
  })

const cancelled = (what: string): SignalboxError => new SignalboxError('ERR_ASK_CANCELLED', `${what} was cancelled before its answer`)

/** One connection that has said hello. Lost for good with its socket. */
export class Wire {
  readonly socket: Socket
  readonly path: string
  server: ResultOf<'hello'> = { protocol: CONTROL_VERSION, version: '', pid: 0, workspaceId: 'ws_' }
  /** Called once, when the connection has ended without `close`. */
  onLost: (error: SignalboxError) => void = () => {}
  onPush: (push: Push) => void = () => {}
  private readonly lines = new LineDecoder(ANSWER_BYTES)
  private readonly pending = new Map<string, Pending>()
  private count = 0
  private isOver = false

  private constructor(socket: Socket, path: string) {
    this.socket = socket
    this.path = path
    socket.on('data', this.take)
    socket.on('error', () => {})
    socket.on('close', this.lost)
  }

  /** @throws ERR_CONTROL_NOT_RUNNING, ERR_CONTROL_SOCKET_FAILED, ERR_CONTROL_VERSION, ERR_ASK_TIMEOUT, ERR_ASK_CANCELLED */
  static async open(path: string, client: string, signal?: AbortSignal): Promise<Wire> {
    if (signal?.aborted === true) throw cancelled('connecting')
    const wire = new Wire(await opened(reachable(path), path, signal), path)
    try {
      const payload = { protocols: [CONTROL_VERSION], client }
      wire.server = (await wire.request({ method: 'hello', payload, timeoutMs: HELLO_LIMIT_MS, signal })) as ResultOf<'hello'>
      return wire
    } catch (error) {
      wire.close()
      throw error
    }
  }

  /** @throws what the orchestrator answers, ERR_CONTROL_LOST, ERR_ASK_TIMEOUT, ERR_ASK_CANCELLED */
  request(request: Request): Promise<unknown> {
    const { method, payload, key, timeoutMs, signal } = request
    if (signal?.aborted === true) return Promise.reject(cancelled(method))
    if (this.isOver || this.socket.destroyed) return Promise.reject(this.lostError([method]))
    const id = `${(this.count += 1)}`
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    const giveUp = (error: SignalboxError) => (): void => {
      this.pending.get(id)?.settle()
      reject(error)
    }
    const late = `the orchestrator did not answer ${method} within ${timeoutMs} ms; it may still carry it out`
    const timer = systemClock.setTimer(timeoutMs, giveUp(new SignalboxError('ERR_ASK_TIMEOUT', late, { context: { method, timeoutMs } })))
    const abort = giveUp(cancelled(method))
    signal?.addEventListener('abort', abort, { once: true })
    const settle = (): void => {
      timer.cancel()
      signal?.removeEventListener('abort', abort)
      this.pending.delete(id)
    }
    this.pending.set(id, { request, settle, resolve, reject })
    const envelope: ControlRequestEnvelope = {
      id,
      method,
      timestamp: systemClock.now(),
      payload: payload as Readonly<Record<string, unknown>>,
      ...(key !== undefined && { key }),
    }
    this.socket.write(`${JSON.stringify(envelope)}\n`)
    return promise
  }

  /** Ends the connection; what waits fails. */
  close(): void {
    this.fail(new SignalboxError('ERR_CONTROL_CLOSED', 'the control client was closed; connect again'))
    this.socket.destroy()
  }

  /** Gives the socket up to somebody who reads frames. @returns what came after the last line */
  release(): Uint8Array {
    this.stopReading()
    return this.lines.rest()
  }

  private stopReading(): void {
    this.isOver = true
    this.socket.pause()
    this.socket.off('data', this.take)
    this.socket.off('close', this.lost)
  }

  private readonly take = (chunk: Uint8Array): void => {
    this.lines.push(chunk)
    try {
      for (let line = this.next(); line !== null; line = this.next()) this.handle(JSON.parse(line) as ServerEnvelope)
    } catch (error) {
      this.fail(error)
      this.socket.destroy()
    }
  }

  /** Lines end where frames begin. */
  private next(): string | null {
    return this.isOver ? null : this.lines.next()
  }

  private handle(envelope: ServerEnvelope): void {
    if ('subscription' in envelope) this.onPush(envelope)
    else if ('refused' in envelope) throw fromEnvelopeError(envelope.refused)
    else if ('progress' in envelope) this.pending.get(envelope.causation_id)?.request.onProgress?.(envelope.progress)
    else {
      const pending = this.pending.get(envelope.causation_id)
      pending?.settle()
      if (pending?.request.method === 'terminal.attach' && envelope.error === undefined) this.stopReading()
      if (envelope.error === undefined) pending?.resolve(envelope.payload)
      else pending?.reject(fromEnvelopeError(envelope.error))
    }
  }

  private lostError(methods: readonly string[]): SignalboxError {
    const what = methods.length === 0 ? '' : ` before it answered ${methods.join(', ')}`
    const text = `the connection to the orchestrator${this.server.pid === 0 ? '' : ` (pid ${this.server.pid})`} ended${what}; see \`signalbox status\``
    return new SignalboxError('ERR_CONTROL_LOST', text, { context: { pid: this.server.pid, path: this.path } })
  }

  private readonly lost = (): void => {
    if (this.isOver) return
    this.fail(this.lostError([...this.pending.values()].map(({ request }) => request.method)))
  }

  private fail(error: unknown): void {
    if (this.isOver) return
    this.isOver = true
    const known =
      error instanceof SignalboxError
        ? error
        : new SignalboxError('ERR_CONTROL_LINE_INVALID', 'the orchestrator sent what is not of the protocol', { cause: error })
    for (const pending of this.pending.values()) {
      pending.settle()
      pending.reject(known)
    }
    this.onLost(known)
  }
}
