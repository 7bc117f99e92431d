import { tryGate } from '../adapters/sqlite/gate.ts'
import { systemClock } from '../adapters/system/system-clock.adapter.ts'
import type { TerminalHost } from '../ports/terminal-host.port.ts'
import type { StopPhaseInfo, StopProgress } from '../protocols/control/views.ts'
import { SignalboxError } from '../protocols/errors.ts'
import type { PtyId } from '../protocols/ids.ts'
import { stopPhaseInfo, stopProgress } from './close-phases.ts'
import { loadConfiguration } from './configuration.ts'
import { type Environment, openEnvironment } from './environment.ts'
import { inherited } from './make-services.ts'
import { ownIdentity } from './owners.ts'
import { composeRuntime, type Runtime } from './runtime.ts'
import { eventLine } from './service/event-line.ts'
import { lockOf, type OrchestratorRecord, readRecord, recoveredText, removeRecord, writeRecord } from './service/orchestrator-record.ts'
import { recover } from './service/recover.ts'
import type { ServiceLog } from './service/service-log.ts'
import { type LiveSettings, watchSettings } from './service/settings-watch.ts'
import { socketPath } from './service/socket-path.ts'
import { letGo, openTerminalHost } from './terminal-hosts.ts'

type Stopped = { readonly phases: readonly StopPhaseInfo[] }

/** What serves the control socket. */
export type StartControl = (given: {
  readonly runtime: Runtime
  readonly socketPath: string
  /** Ends everything, for a client who asks. */
  readonly stop: (onProgress: (progress: StopProgress) => void) => Promise<Stopped>
  /** That client has its answer: the process may end. */
  readonly onStopped: () => void
}) => Promise<{ close(): Promise<void> }>

export type OrchestratorOptions = {
  readonly workspace: string
  readonly env: NodeJS.ProcessEnv
  readonly version: string
  /** Settings of the command line. */
  readonly set?: readonly string[]
  /** Opens the log, once the cap is known. */
  readonly openLog: (maxBytes: number) => ServiceLog
  /** Where others find the log; null when it goes to a terminal. */
  readonly logPath: string | null
  readonly startControl: StartControl
  /** Where SIGINT, SIGTERM and SIGHUP arrive. @defaultValue process */
  readonly signals?: NodeJS.EventEmitter
}

/** SIGINT ends everything, as `down` does; SIGTERM hands over what can live on. Terminals of this process end with it. */
type Stop = 'SIGINT' | 'SIGTERM' | 'a client' | 'the runtime failed'

const runsAlready = (env: Environment): SignalboxError => {
  const { living } = readRecord(env.worktrees.workspace.commonDir, env.processTable)
  const who = living === null ? 'another process' : `process ${living.pid}`
  return new SignalboxError('ERR_ORCHESTRATOR_RUNS', `${who} is the orchestrator of ${env.worktrees.workspace.root}; use that one`, {
    context: { pid: living?.pid ?? null },
  })
}

/** What it says of itself, kept in the repository as long as it lives. A change that cannot be written, as on a full disk, stops nothing. */
const keepRecord = (commonDir: string, first: OrchestratorRecord, said: ServiceLog['write']) => {
  let record = first
  writeRecord(commonDir, record)
  return {
    change(patch: Partial<OrchestratorRecord>): void {
      record = { ...record, ...patch }
      try {
        writeRecord(commonDir, record)
      } catch (error) {
        said(`its record could not be written: ${error instanceof Error ? error.message : String(error)}`)
      }
    },
    remove: () => removeRecord(commonDir),
  }
}
type Kept = ReturnType<typeof keepRecord>

const stopSignal = (
  signals: NodeJS.EventEmitter,
  reload: () => void,
): { readonly asked: Promise<Stop>; readonly ask: (stop: Stop) => void } => {
  const { promise, resolve } = Promise.withResolvers<Stop>()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) signals.on(signal, () => resolve(signal))
  signals.on('SIGHUP', reload)
  return { asked: promise, ask: resolve }
}

const noteEvents = async (runtime: Runtime, log: ServiceLog, over: () => void): Promise<void> => {
  for await (const event of runtime.events()) {
    const text = eventLine(event)
    if (text !== null) log.write(text)
  }
  over()
}

/** Ends everything, once; who asks again waits for the first. */
const stopper = (runtime: Runtime, record: Kept, log: ServiceLog) => {
  let phases: Promise<Stopped> | null = null
  const begin = async (by: Stop): Promise<Stopped> => {
    log.write(`stopping: ${by}`)
    record.change({ state: 'stopping' })
    const report = await runtime.close({
      // A signal that asks it to go, not the work: what can live on without it does.
      handover: by === 'SIGTERM',
      onProgress({ phase, report: done }) {
        if (done === null) return record.change({ phase })
        const { late, tookMs } = stopPhaseInfo(done)
        const killed = late.length === 0 ? '' : `; killed: ${late.join(', ')}`
        log.write(`stopping: ${phase} done in ${Math.round(tookMs)} ms${killed}`)
      },
    })
    return { phases: report.phases.map(stopPhaseInfo) }
  }
  return (by: Stop) => (phases ??= begin(by))
}

/** Figures are loaded where they are wanted. */
const openMetrics = async (runtime: Runtime, env: Environment, version: string, live: LiveSettings, said: ServiceLog['write']) => {
  const { measured } = runtime
  if (measured === null) return null
  const { showMetrics } = await import('./metrics/metrics.ts')
  const labels = { workspace: env.workspaceId, version }
  const all = { runtime, ...measured, startedAt: systemClock.now(), labels }
  return showMetrics(live.current().metrics, all, { clock: systemClock, said })
}

/** Who cannot bring back all that was left serves all the same. */
const bringBack = (runtime: Runtime): ReturnType<Runtime['takeOver']> =>
  runtime.takeOver().catch((error: unknown) => {
    const why = error instanceof Error ? error.message : String(error)
    return { runs: 0, lanes: 0, terminals: 0, failed: [`not everything could be brought back: ${why}`] }
  })

/** Mends the records of those who died, then starts the runtime. */
const begin = async (env: Environment, options: OrchestratorOptions, live: LiveSettings, host: TerminalHost, said: ServiceLog['write']) => {
  const held = { pid: null, has: (ptyId: string) => host.get(ptyId as PtyId) !== undefined }
  const closed = await recover(env, live.current(), held, { endsLeft: host.keepsTerminals === true, said })
  const runtime = await composeRuntime(
    {
      workspace: env.worktrees.workspace.root,
      lanesDirectory: env.lanesDirectory,
      env: inherited(options.env),
      settings: live.current,
    },
    { host },
  )
  return { closed, runtime }
}

const serve = async (env: Environment, options: OrchestratorOptions, live: LiveSettings, record: Kept, log: ServiceLog) => {
  const { asked, ask } = stopSignal(options.signals ?? process, () => void live.reload())
  const host = await openTerminalHost(live.current().terminals.host, env, options.env, live.current().terminals)
  const { closed, runtime } = await begin(env, options, live, host, log.write).catch(async (error: unknown) => {
    await letGo(host)
    throw error
  })
  try {
    if (runtime.damagedStore !== null) log.write(`the record of runs was damaged; it was put aside at ${runtime.damagedStore}`)
    const { lanes: keptLanes, runs: adoptedRuns, terminals: adoptedTerminals, failed } = await bringBack(runtime)
    for (const text of failed) log.write(text)
    const recovered = { ...closed, keptLanes, adoptedRuns, adoptedTerminals }
    for (const text of recoveredText(recovered)) log.write(text)
    record.change({ recovered })
    const stop = stopper(runtime, record, log)
    await using _metrics = await openMetrics(runtime, env, options.version, live, log.write)
    const socket = socketPath(options.env, env.paths.directory, env.workspaceId)
    const control = await options.startControl({
      runtime,
      socketPath: socket,
      async stop(onProgress) {
        const stopped = stop('a client')
        await runtime.close({ onProgress: (progress) => onProgress(stopProgress(progress)) })
        return stopped
      },
      onStopped: () => ask('a client'),
    })
    try {
      void noteEvents(runtime, log, () => {
        if (!runtime.isClosing) ask('the runtime failed')
      })
      // Who is told that it is ready finds it in the log.
      log.write(`ready: ${socket}`)
      record.change({ state: 'ready' })
      await stop(await asked)
    } finally {
      await control.close()
    }
  } finally {
    await runtime.close()
  }
}

/**
 * Is the orchestrator of a repository until it is asked to stop. There is one at most: who comes second fails before it
 * has touched anything.
 * @throws ERR_ORCHESTRATOR_RUNS, ERR_CONFIG_…, and what startRuntime throws
 */
export const runOrchestrator = async (options: OrchestratorOptions): Promise<void> => {
  const { workspace, set = [] } = options
  const first = await openEnvironment({ workspace })
  const { root, commonDir } = first.worktrees.workspace
  const load = () => loadConfiguration({ root, env: options.env, set })
  const configuration = await load()
  const env = await openEnvironment({ workspace, settings: () => configuration.settings })
  using lock = tryGate(lockOf(commonDir))
  if (lock === null) throw runsAlready(env)
  const log = options.openLog(configuration.settings.orchestrator.logMaxBytes)
  const { dead } = readRecord(commonDir, env.processTable)
  const { pid, startTime, bootId } = ownIdentity(env.processTable)
  const record = keepRecord(
    commonDir,
    {
      pid,
      startTime,
      bootId,
      startedAt: systemClock.now(),
      state: 'recovering',
      phase: null,
      socket: socketPath(options.env, env.paths.directory, env.workspaceId),
      log: options.logPath,
      version: options.version,
      recovered: null,
      pending: [],
    },
    log.write,
  )
  const live = watchSettings(configuration, {
    load,
    said: log.write,
    changed: () => record.change({ pending: live.pending() }),
  })
  try {
    log.write(`orchestrator ${options.version} of ${root}, pid ${pid}`)
    if (dead !== null) log.write(`the one before, pid ${dead.pid}, died without a word`)
    await serve(env, options, live, record, log)
    log.write('stopped')
  } catch (error) {
    log.write(`failed: ${error instanceof Error ? error.message : String(error)}`)
    throw error
  } finally {
    live.close()
    record.remove()
    log.close()
  }
}
