import { systemClock } from '../adapters/system/system-clock.adapter.ts'
import type { BusEvent, BusGap } from '../protocols/bus.ts'
import { CHANGING, type ControlMethod, type ParamsOf, type ProgressOf, type ResultOf } from '../protocols/control/methods.ts'
import { isSignalboxError, SignalboxError } from '../protocols/errors.ts'
import { attachTo, type Attachment, type AttachOptions } from './attachment.ts'
import { Wire } from './wire.ts'

/** What to do when the orchestrator is gone. Delays double from `minMs` to `maxMs`. */
export type Reconnect = {
  /** @defaultValue 100 ms */
  readonly minMs?: number
  /** @defaultValue 2,000 ms */
  readonly maxMs?: number
  /** Gives up so long after the connection was lost. ms */
  readonly limitMs: number
}

export type ConnectOptions = {
  /** Who calls, for people: stands in records as who asked. @defaultValue `client of process PID` */
  readonly name?: string
  /** Gives the connecting up. */
  readonly signal?: AbortSignal
  /** For each call that names none. @defaultValue 120,000 ms */
  readonly timeoutMs?: number
  /** Calls that were under way are then sent again, with their keys. @defaultValue never: they fail with ERR_CONTROL_LOST */
  readonly reconnect?: Reconnect
}

export type CallOptions<M extends ControlMethod = ControlMethod> = {
  readonly timeoutMs?: number
  /** Gives the answer up; what was asked for may still happen. */
  readonly signal?: AbortSignal
  /** A call that is repeated with its key is carried out once. @defaultValue a new one for each call that changes something */
  readonly key?: string
  /** How far it has come, of methods that tell. */
  readonly onProgress?: (progress: ProgressOf<M>) => void
}

export type SubscribeOptions = {
  /** `lane.created`, or by prefix: `lane.*`. @defaultValue all */
  readonly topics?: readonly string[]
  /** The first position wanted; later ones follow without a hole. @defaultValue what happens from now on */
  readonly since?: number
  /** Whether events of live topics are wanted, too. @defaultValue true */
  readonly live?: boolean
  readonly signal?: AbortSignal
}

/** Something that happened, or what this client will not get. */
export type Happening = { readonly event: BusEvent; readonly gap?: undefined } | { readonly gap: BusGap; readonly event?: undefined }

/** A connection to an orchestrator. */
export interface ControlClient extends AsyncDisposable {
  /** The orchestrator, as it said hello. */
  readonly server: ResultOf<'hello'>
  /**
   * @throws what the orchestrator answers (docs/reference/methods.md); ERR_CONTROL_LOST when it died meanwhile, ERR_ASK_TIMEOUT,
   *   ERR_ASK_CANCELLED, ERR_CONTROL_CLOSED
   */
  call<M extends ControlMethod>(method: M, params: ParamsOf<M>, options?: CallOptions<M>): Promise<ResultOf<M>>
  /** What happens, in order, on a connection of its own: one who reads slowly meets gaps. Ends with `signal`. @throws ERR_CONTROL_LOST */
  subscribe(options?: SubscribeOptions): AsyncIterable<Happening>
  /** Attaches to a terminal, on a connection of its own. @throws ERR_TERMINAL_NOT_FOUND, ERR_PTY_ENDED */
  attach(terminal: string, options?: AttachOptions): Promise<Attachment>
  close(): void
}

const CALL_LIMIT_MS = 120_000
/** Happenings that wait for their reader before the connection is read no further. */
const QUEUE = 256

const pause = (ms: number): Promise<void> => new Promise((resolve) => void systemClock.setTimer(ms, resolve))

const closedError = (): SignalboxError => new SignalboxError('ERR_CONTROL_CLOSED', 'the control client was closed; connect again')

class Client implements ControlClient {
  private readonly path: string
  private readonly options: ConnectOptions
  private readonly name: string
  private readonly others = new Set<Wire>()
  private wire: Wire
  private reconnecting: Promise<Wire> | null = null
  private isClosed = false

  constructor(path: string, name: string, options: ConnectOptions, wire: Wire) {
    this.path = path
    this.name = name
    this.options = options
    this.wire = wire
  }

  get server(): ResultOf<'hello'> {
    return this.wire.server
  }

  async call<M extends ControlMethod>(method: M, params: ParamsOf<M>, options: CallOptions<M> = {}): Promise<ResultOf<M>> {
    const { timeoutMs = this.options.timeoutMs ?? CALL_LIMIT_MS, signal } = options
    const onProgress = options.onProgress as ((progress: unknown) => void) | undefined
    const key = options.key ?? (CHANGING.has(method) ? crypto.randomUUID() : undefined)
    for (;;) {
      if (this.isClosed) throw closedError()
      const { wire } = this
      try {
        return (await wire.request({ method, payload: params, key, timeoutMs, signal, onProgress })) as ResultOf<M>
      } catch (error) {
        // Another orchestrator is not to be stopped for one that has gone.
        if (!isSignalboxError(error, 'ERR_CONTROL_LOST') || method === 'orchestrator.stop' || this.isClosed) throw error
        await this.reconnect(wire, error)
      }
    }
  }

  async *subscribe({ topics, since, live, signal }: SubscribeOptions = {}): AsyncGenerator<Happening> {
    const wire = await this.another(signal).catch((error: unknown) => {
      if (signal?.aborted === true) return null
      throw error
    })
    if (wire === null) return
    const queue: Happening[] = []
    let wake: (() => void) | null = null
    let lost: SignalboxError | null = null
    const told = (): void => {
      if (queue.length >= QUEUE) wire.socket.pause()
      wake?.()
    }
    wire.onPush = (push) => {
      queue.push(push)
      told()
    }
    wire.onLost = (error) => {
      lost = error
      told()
    }
    signal?.addEventListener('abort', told)
    try {
      const request = {
        ...(topics !== undefined && { topics }),
        ...(since !== undefined && { since }),
        ...(live !== undefined && { live }),
      }
      await wire.request({ method: 'events.subscribe', payload: request, timeoutMs: CALL_LIMIT_MS, signal })
      while (signal?.aborted !== true) {
        const happening = queue.shift()
        if (happening !== undefined) yield happening
        else if (lost !== null) throw this.isClosed ? closedError() : lost
        else {
          const { promise, resolve } = Promise.withResolvers<void>()
          wake = resolve
          wire.socket.resume()
          await promise
        }
      }
    } catch (error) {
      if (signal?.aborted !== true) throw error
    } finally {
      signal?.removeEventListener('abort', told)
      this.others.delete(wire)
      wire.onLost = () => {}
      wire.close()
    }
  }

  async attach(terminal: string, options: AttachOptions = {}): Promise<Attachment> {
    const wire = await this.another(options.signal)
    try {
      const { cols, rows, tailBytes, screen, windowSize, signal } = options
      const payload = {
        terminal,
        ...(cols !== undefined && { cols }),
        ...(rows !== undefined && { rows }),
        ...(tailBytes !== undefined && { tailBytes }),
        ...(screen !== undefined && { screen }),
        ...(windowSize !== undefined && { windowSize }),
      }
      const answer = await wire.request({ method: 'terminal.attach', payload, timeoutMs: CALL_LIMIT_MS, signal })
      wire.socket.once('close', () => this.others.delete(wire))
      return attachTo(wire, answer as ResultOf<'terminal.attach'>, options)
    } catch (error) {
      this.others.delete(wire)
      wire.close()
      throw error
    }
  }

  close(): void {
    this.isClosed = true
    this.wire.close()
    for (const wire of this.others) wire.close()
    this.others.clear()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
  }

  private async another(signal: AbortSignal | undefined): Promise<Wire> {
    if (this.isClosed) throw closedError()
    const wire = await Wire.open(this.path, this.name, signal)
    this.others.add(wire)
    return wire
  }

  /** One for all calls that were under way. @throws `error` where there is no policy, or it gives up */
  private async reconnect(lost: Wire, error: unknown): Promise<void> {
    const { reconnect } = this.options
    if (reconnect === undefined) throw error
    if (this.wire !== lost) return
    this.reconnecting ??= this.tryAgain(reconnect, error)
    try {
      this.wire = await this.reconnecting
    } finally {
      this.reconnecting = null
    }
    if (this.isClosed) this.wire.close()
  }

  private async tryAgain({ minMs = 100, maxMs = 2_000, limitMs }: Reconnect, error: unknown): Promise<Wire> {
    const until = systemClock.monotonic() + limitMs
    for (let delay = minMs; ; delay = Math.min(maxMs, delay * 2)) {
      if (this.isClosed) throw closedError()
      try {
        return await Wire.open(this.path, this.name)
      } catch (failure) {
        const mayCome = isSignalboxError(failure, 'ERR_CONTROL_NOT_RUNNING') || isSignalboxError(failure, 'ERR_CONTROL_LOST')
        if (!mayCome) throw failure
      }
      if (systemClock.monotonic() + delay > until) throw error
      await pause(delay)
    }
  }
}

/**
 * Connects to the orchestrator of a workspace.
 * @param socketPath as `signalbox status` tells it
 * @throws ERR_CONTROL_NOT_RUNNING when nobody listens, ERR_CONTROL_VERSION, ERR_CONTROL_SOCKET_FAILED
 * @example
 * await using client = await connect(socketPath)
 * const { lane } = await client.call('lane.create', { name: 'docs' })
 */
export const connect = async (socketPath: string, options: ConnectOptions = {}): Promise<ControlClient> => {
  const name = options.name ?? `client of process ${process.pid}`
  return new Client(socketPath, name, options, await Wire.open(socketPath, name, options.signal))
}
