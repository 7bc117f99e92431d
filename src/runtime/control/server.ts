import { createServer, type Socket } from 'node:net'
import { systemClock } from '../../adapters/system/system-clock.adapter.ts'
import type { Clock } from '../../ports/clock.port.ts'
import { toEnvelopeError } from '../../protocols/control/envelope.ts'
import { CONTROL_LIMITS } from '../../protocols/control/limits.ts'
import { CHANGING, type ControlMethod, type ResultOf } from '../../protocols/control/methods.ts'
import { type ControlRequest, isMethod, parseParams } from '../../protocols/control/methods.schema.ts'
import type { StopProgress } from '../../protocols/control/views.ts'
import { SignalboxError } from '../../protocols/errors.ts'
import { nearest } from '../../protocols/suggest.ts'
import { stopPhaseInfo, stopProgress } from '../close-phases.ts'
import type { Runtime } from '../runtime.ts'
import { version } from '../version.ts'
import { Connection, type ControlLimits, type Served as ServedRequest, type TakeOver } from './connection.ts'
import { actorMethods } from './actor.methods.ts'
import { eventMethods } from './event.methods.ts'
import { inspectMethods } from './inspect.methods.ts'
import { laneMethods } from './lane.methods.ts'
import type { Call, MethodOf, Methods, Served } from './method.types.ts'
import { openRequestLog, type RequestLog } from './request-log.ts'
import { runMethods } from './run.methods.ts'
import { listenPrivately } from './socket.ts'
import { terminalMethods } from './terminal.methods.ts'

export type ControlServerOptions = {
  readonly runtime: Runtime
  /** Absolute, of any length. Its directory is made where it is not there, and only this user may enter it. */
  readonly socketPath: string
  /**
   * How `orchestrator.stop` ends everything. @defaultValue `runtime.close`
   * @param onProgress to be called as each phase begins and when it is over
   */
  readonly stop?: (onProgress: (progress: StopProgress) => void) => Promise<ResultOf<'orchestrator.stop'>>
  /** Called once everything was stopped and its asker was answered: the process may end. @defaultValue closes the server */
  readonly onStopped?: () => void
  /** @defaultValue CONTROL_LIMITS */
  readonly limits?: Partial<ControlLimits>
  readonly clock?: Clock
}

export interface ControlServer {
  readonly socketPath: string
  /** Ends every connection and removes the socket. Idempotent. */
  close(): Promise<void>
}

const closeRuntime = (runtime: Runtime) => async (onProgress: (progress: StopProgress) => void) => {
  const { phases } = await runtime.close({ onProgress: (progress) => onProgress(stopProgress(progress)) })
  return { phases: phases.map(stopPhaseInfo) }
}

const createMethods = (served: Served): Methods => ({
  ...inspectMethods(served),
  ...actorMethods(served),
  ...runMethods(served),
  ...laneMethods(served),
  ...terminalMethods(served),
  ...eventMethods(served),
})

const unknownMethod = (method: string, methods: Methods): SignalboxError => {
  const meant = nearest(method, Object.keys(methods))
  const hint = meant === undefined ? 'see docs/reference/methods.md' : `did you mean "${meant}"?`
  return new SignalboxError('ERR_CONTROL_METHOD_NOT_FOUND', `there is no method "${method.slice(0, 64)}"; ${hint}`)
}

/** Carries out one request of a client that has said hello, or its hello. */
const dispatch = (methods: Methods, log: RequestLog, clock: Clock, isClosing: () => boolean) => {
  const run = async (request: ControlRequest, method: ControlMethod, call: Call): Promise<unknown> => {
    const params = parseParams(method, request.payload)
    // Each method is given what its own schema has checked.
    const { run: carryOut, assign, again } = methods[method] as MethodOf<ControlMethod>
    const { key } = request
    if (isClosing() && CHANGING.has(method)) {
      throw new SignalboxError('ERR_RUNTIME_CLOSED', `the orchestrator is being stopped and takes no ${method} any more`, {
        context: { method },
      })
    }
    if (key === undefined || !CHANGING.has(method)) return carryOut(params as never, call)
    return log.once({ key, method, params, assign, again, run: async (assigned) => carryOut(params as never, { ...call, assigned }) })
  }
  return async (request: ControlRequest, connection: Connection): Promise<ServedRequest> => {
    const { id, method, correlation_id } = request
    let takeOver: TakeOver | undefined
    let after: (() => void) | undefined
    const head = () => ({
      id: `${id}/answer`,
      causation_id: id,
      ...(correlation_id !== undefined && { correlation_id: correlation_id as `cor_${string}` }),
      method,
      timestamp: clock.now(),
    })
    try {
      if (!isMethod(method)) throw unknownMethod(method, methods)
      if (connection.name === null && method !== 'hello') {
        throw new SignalboxError('ERR_CONTROL_VERSION', 'say hello first: the first request of a connection must be "hello"')
      }
      const payload = await run(request, method, {
        by: connection.name ?? 'a client',
        connection,
        assigned: null,
        progress: (progress) => connection.send({ causation_id: id, progress }),
        takeOver: (by) => (takeOver = by),
        afterwards: (then) => (after = then),
      })
      return { answer: { ...head(), payload }, takeOver, after }
    } catch (error) {
      return { answer: { ...head(), error: toEnvelopeError(error) }, after }
    }
  }
}

/**
 * Serves a runtime at a Unix socket: docs/reference/methods.md says what can be asked. Lanes of their own that the
 * orchestrator before left stand again.
 * @throws ERR_CONTROL_IN_USE, ERR_CONTROL_SOCKET_FAILED
 */
export const startControlServer = async (options: ControlServerOptions): Promise<ControlServer> => {
  const { runtime, socketPath, clock = systemClock, stop = closeRuntime(runtime) } = options
  const limits: ControlLimits = { ...CONTROL_LIMITS, ...options.limits }
  const connections = new Set<Connection>()
  const sockets = new Set<Socket>()
  let closing: Promise<void> | null = null
  const log = await openRequestLog(runtime.records, clock, limits.keys)
  const methods = createMethods({
    runtime,
    clock,
    version: version(),
    startedAt: clock.now(),
    limits,
    clients: () => sockets.size,
    stop,
    stopped: options.onStopped ?? (() => void close()),
  })
  const serve = dispatch(methods, log, clock, () => runtime.isClosing)
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    connections.add(new Connection({ socket, clock, limits, serve, closed: (connection) => connections.delete(connection) }))
  })
  const remove = await listenPrivately(server, socketPath)
  // Such as no descriptor for one more client, who then finds nobody; the others are served.
  server.on('error', () => {})
  await runtime.lanes.recover()

  const shutDown = async (): Promise<void> => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()))
    // Answers that were sent reach their client; then nobody is waited for.
    for (const connection of connections) connection.end()
    for (const socket of sockets) socket.end(() => socket.destroy())
    const late = clock.setTimer(1_000, () => {
      for (const socket of sockets) socket.destroy()
    })
    await closed
    late.cancel()
    await remove()
  }
  const close = (): Promise<void> => (closing ??= shutDown())
  return { socketPath, close }
}
