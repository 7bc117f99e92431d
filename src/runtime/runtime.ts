import { type BusFigures, EventHub } from '../actors/event-hub.ts'
import type { FanOutLink } from '../actors/fan-out-link.ts'
import { endLostTerminals, recoverOwnLanes } from '../actors/own-lane-recovery.ts'
import type { OwnLaneArgs } from '../actors/services.ts'
import { type Actors, createActors } from './actors.ts'
import { event } from '../actors/journal.ts'
import { recoverLanes, recoverRuns } from '../actors/run-recovery.ts'
import { JOURNAL, laneName, laneTreeName, namedRun, RUNS, runTreeName } from '../actors/names.ts'
import { nactScheduler } from '../adapters/schedulers/nact-scheduler.adapter.ts'
import { systemClock } from '../adapters/system/system-clock.adapter.ts'
import { systemRandom } from '../adapters/system/system-random.adapter.ts'
import { SignalboxError, toErrorRecord } from '../protocols/errors.ts'
import type { SupervisorSpec } from '../kernel/child-spec.ts'
import { type DeadLetter, named } from '../kernel/types.ts'
import { DEFAULT_SETTINGS } from '../protocols/config.schema.ts'
import type { Exit } from '../protocols/exit.ts'
import type { LaneProtocol } from '../protocols/lane.protocol.ts'
import type { RecordedEvent } from '../protocols/events.ts'
import type { EventStore } from '../ports/event-store.port.ts'
import type { TerminalHost } from '../ports/terminal-host.port.ts'
import type { LaneId, RunId, WorkspaceId } from '../protocols/ids.ts'
import type { Plan } from '../protocols/plan.ts'
import { sameProcess } from '../protocols/process-key.ts'
import type { IdFactory } from '../protocols/id-factory.ts'
import type { ProcessKey } from '../protocols/process-key.ts'
import { asPlan } from '../protocols/plan-parse.ts'
import type { Bus } from '../protocols/bus.ts'
import type { RunSummary } from '../protocols/summary.ts'
import type { WhyAnswer } from '../protocols/why.ts'
import { ownLaneTree } from '../supervisors/own-lane.tree.ts'
import { rootTree, runTree } from '../supervisors/root.tree.ts'
import { startSystem } from '../supervisors/system.ts'
import type { Inspection, System, TreeNode } from '../supervisors/system.types.ts'
import { closeInPhases, type ClosePhaseReport, type CloseProgress, handOver, type Named, namedProcesses } from './close-phases.ts'
import { DOSSIER_LIMITS, pruneDossiers } from './crashes/dossier-files.ts'
import { Dossiers, HISTORY } from './crashes/dossiers.ts'
import type { DoctorOptions } from './doctor/doctor.ts'
import { EndedOutput } from './ended-output.ts'
import { type Environment, openEnvironment } from './environment.ts'
import { heldBy } from './host/held.ts'
import { createHistory, type EventHistory } from './history.ts'
import { writeLastWords } from './last-words.ts'
import { createLocate } from './locate.ts'
import { Measures } from './metrics/measures.ts'
import { observe } from './observe.ts'
import type { Decorators, RuntimeOptions } from './options.ts'
import { Orphans } from './orphans.ts'
import { ownIdentity, readOwners, registerOwner } from './owners.ts'
import { forgetOldRuns, retentionMs } from './retention.ts'
import { createLanes, type Lanes } from './own-lanes.ts'
import { createRecords, type RuntimeRecords } from './records.ts'
import { filedDossiers } from './inspection.ts'
import { answerWhy } from './why/answer.ts'
import { rootCause } from './root-cause.ts'
import { createTerminals, type Terminals } from './terminals.ts'
import { removeLeftCgroups } from './left-cgroups.ts'
import { createLiveRuns } from './live-runs.ts'
import { recordedOf } from './recorded.ts'
import { makeServices } from './make-services.ts'
import { openSpans } from './telemetry/open-spans.ts'
import { reopenTerminals, takeOverRuns, type TakeOverParts } from './take-over.ts'
import { letGo, openTerminalHost } from './terminal-hosts.ts'
import { liveRun, type RunHandle } from './run-handle.ts'

const START_RUN_LIMIT_MS = 60_000

/** What of a plan a caller may decide otherwise for one run. */
export type RunOverrides = Partial<Pick<Plan, 'keep' | 'parallel'>> & {
  /** @defaultValue a new one */ readonly runId?: RunId
  /** Who starts it, for people and records. @defaultValue this process */ readonly by?: string
}

/** A supervision tree on one repository. Everything that it started ends with it. */
export interface Runtime extends AsyncDisposable {
  readonly workspaceId: WorkspaceId
  /** Where the record of runs lies; where a damaged one was put aside at the start, or null. */
  readonly stateDirectory: string
  readonly damagedStore: string | null
  /**
   * Starts a run.
   * @param plan of `parsePlan` or `validatePlan`, or the text or form that these take, which is then checked
   * @throws ERR_PLAN_…, ERR_RUNTIME_CLOSED
   */
  start(plan: unknown, overrides?: RunOverrides): Promise<RunHandle>
  /** A run of this process that goes on. */
  handle(runId: RunId): RunHandle | undefined
  /** An id for a run that is to be started under it: `start(plan, { runId })`. */
  newId: IdFactory['next']
  /** Starts a run and waits for its end. */
  run(plan: unknown): Promise<RunSummary>
  /** Everything recorded from now on. */
  events(): AsyncIterable<RecordedEvent>
  /** What happens: subscribe to topics from now or from an earlier event on, and publish what is of the moment only. */
  readonly bus: Bus
  /** Lanes of their own, and the terminals of all lanes. */
  readonly lanes: Lanes
  readonly terminals: Terminals
  /** What is recorded. */
  readonly records: RuntimeRecords
  /** The supervision tree as it is now. */
  tree(): TreeNode
  /** One actor as it is now, or undefined when there is none. */
  inspect(name: string): Inspection | undefined
  /** The actors of the tree: looked at, traced, stopped, restarted, killed, suspended. */
  readonly actors: Actors
  /** Why a run, lane, command, terminal or actor is as it is: what led to it, what comes next, what one can do. @throws ERR_RUN_NOT_FOUND */
  why(word: string, run?: string): Promise<WhyAnswer>
  /** Messages that nobody took: the last 256, oldest first. */
  deadLetters(): readonly DeadLetter[]
  /** What is counted for figures; null where no metrics are switched on. */
  readonly measured: { readonly measures: Measures; readonly bus: () => BusFigures; readonly database: string } | null
  /**
   * Goes on with what a process before this one left in the terminal host, and brings back its lanes; only one process of a
   * workspace may. `failed`: what could not be, in words.
   */
  takeOver(): Promise<{ readonly runs: number; readonly lanes: number; readonly terminals: number; readonly failed: readonly string[] }>
  /** Whether this very process lives. */
  isAlive(owner: ProcessKey): boolean
  /** Where it works, as options of a doctor. */
  readonly places: Pick<DoctorOptions, 'cwd' | 'stateHome' | 'lanesDirectory' | 'branchPrefix'>
  /** Whether a close has begun. */
  readonly isClosing: boolean
  /**
   * Stops what runs in phases, the last started first, each within its limit, and waits until nothing is left. What does
   * not stop in time is killed, and named in the report. A second call waits for the first, and hears the rest of it.
   */
  close(options?: CloseOptions): Promise<CloseReport>
}

export type CloseOptions = {
  /** Called as each phase begins and when it is over. Must not throw. */ readonly onProgress?: (progress: CloseProgress) => void
  /** Actors stop, processes live on where the terminal host can keep them; elsewhere they are ended, as by any close. */
  readonly handover?: boolean
}
export type CloseReport = {
  readonly phases: readonly ClosePhaseReport[]
  /** Processes that a handover left to the terminal host. */
  readonly handedOver: readonly Named[]
  /** Processes that a handover was asked for, and that were ended because the terminal host cannot keep them. */
  readonly ended: readonly Named[]
}

const RUN_TREE = runTreeName('' as RunId)
const LANE_TREE = laneTreeName('' as LaneId)

const namesIn = ({ name, children }: TreeNode): string[] => [name, ...children.flatMap(namesIn)]

const notCarriedOn = ({ reason, error }: Exit): SignalboxError =>
  new SignalboxError('ERR_SUPERVISOR_INTENSITY', `the run could not be carried on (${reason}): ${error?.message ?? 'no cause known'}`)

const closedError = (cause?: unknown): SignalboxError =>
  new SignalboxError('ERR_RUNTIME_CLOSED', 'this runtime was closed; start another with startRuntime()', { cause })

/** Off by default, and its client is loaded only then. */
const openLink = async ({ fanOut }: RuntimeOptions, { workspaceId, ids }: Environment): Promise<FanOutLink | null> =>
  fanOut === undefined ? null : (await import('./fan-out.ts')).openFanOut(fanOut.redis, workspaceId, ids.next('session'))

/** Whoever may not have one runs no lanes. */
const openHost = async (
  { terminals = 'in-process', settings = () => DEFAULT_SETTINGS }: RuntimeOptions,
  env: Environment,
  { host }: Decorators,
  unregister: () => Promise<void>,
): Promise<TerminalHost> => {
  try {
    return host ?? (await openTerminalHost(terminals, env, process.env, settings().terminals))
  } catch (error) {
    await unregister()
    throw error
  }
}

/** @internal Starts a runtime with something around its adapters; users call `startRuntime`. */
export const composeRuntime = async (options: RuntimeOptions, decorators: Decorators = {}): Promise<Runtime> => {
  const env = await openEnvironment(options)
  const settings = options.settings ?? (() => DEFAULT_SETTINGS)
  const { pid, startTime, bootId } = ownIdentity(env.processTable)
  const owner = { pid, startTime, bootId }
  const unregister = await registerOwner(env.paths.owners, { ...owner, startedAt: systemClock.now() })
  const host = await openHost(options, env, decorators, unregister)
  void removeLeftCgroups(env.cgroups, systemClock).catch(() => []) // perhaps at the next start
  const around = decorators.tree ?? ((spec) => spec)
  const terminals = decorators.terminals?.(host) ?? host
  const link = await openLink(options, env)
  const hub = new EventHub(() => systemClock.now(), { fansOut: link !== null })
  const listen = recordedOf(hub, env.workspaceId)
  const live = createLiveRuns(listen, terminals)
  const spans = await openSpans(listen)
  const histories = new Set<EventHistory>()
  let closed = false
  let damagedStore: string | null = null
  let closing: Promise<CloseReport> | null = null
  const listeners = new Set<(progress: CloseProgress) => void>()
  let system: System | null = null

  const { listen: served, file } = settings().metrics
  const measures = served === 'off' && file === 'off' ? null : new Measures(systemClock)
  let store: EventStore | null = null
  const open = async () => {
    const opened = await env.openStore()
    damagedStore ??= opened.putAside
    await forgetOldRuns(opened, env.paths.logs, systemClock.now() - retentionMs(settings()))
    await pruneDossiers(env.paths.crashes, DOSSIER_LIMITS, systemClock.now() - retentionMs(settings())).catch(() => undefined)
    const decorated = decorators.store?.(opened) ?? opened
    store = measures?.store(decorated) ?? decorated
    return store
  }
  const records = createRecords(() => {
    if (store === null) throw closedError()
    return store
  })
  const shutDown = async (handover: boolean): Promise<CloseReport> => {
    const told = (progress: CloseProgress): void => {
      for (const listener of listeners) listener(progress)
    }
    await orphans.close()
    const limitsMs = options.closeLimitsMs ?? {}
    const running = handover ? namedProcesses(live, terminals) : []
    const isKept = handover && terminals.keepsTerminals === true
    const stop = isKept ? handOver : closeInPhases
    // what is suspended would not hear that it is to end
    for (const { name, state } of system?.inspectAll() ?? []) if (state === 'suspended') system?.resume(name)
    const phases = system === null ? [] : await stop({ clock: systemClock, live, terminals, system, limitsMs, told })
    services.health.close()
    await ended.close()
    if (isKept) host.detach?.()
    await dossiers.close()
    await unregister()
    live.failAll(new SignalboxError('ERR_RUNTIME_CLOSED', 'the runtime was closed before the run ended'))
    closed = true
    for (const history of histories) history.close()
    hub.closeAll()
    spans?.close()
    await link?.fanOut.close()
    return { phases, handedOver: isKept ? running : [], ended: isKept ? [] : running }
  }
  const close = ({ onProgress, handover = false }: CloseOptions = {}): Promise<CloseReport> => {
    if (onProgress !== undefined) listeners.add(onProgress)
    // Later, so that whoever calls next finds it under way, however soon a phase is told of.
    return (closing ??= Promise.resolve().then(() => shutDown(handover)))
  }
  /** A run whose actor could not be kept up: its lanes are stopped and cleaned, then its caller is told. */
  const abandon = (runId: RunId, error: unknown): void => {
    const left = (): readonly LaneId[] => {
      const lanes = live.get(runId)?.handle.view().lanes ?? []
      return lanes.filter(({ id, endedAt }) => endedAt === null && system?.lookup(laneTreeName(id)) !== undefined).map(({ id }) => id)
    }
    // Also for a lane whose actor is being restarted, which this would not reach.
    live.noteStop(runId, 'its run failed')
    for (const id of left()) system?.tell(named<LaneProtocol>(laneName(id)), 'lane.stop', { by: 'its run failed' })
    const check = (): void => {
      if (left().length > 0) return
      unsubscribe()
      live.fail(runId, error)
    }
    const unsubscribe = listen(check)
    check()
  }
  const locate = createLocate(listen)
  const dossiers = new Dossiers({
    directory: env.paths.crashes,
    clock: systemClock,
    processTable: env.processTable,
    terminals,
    listen,
    own: owner,
    locate,
  })
  const observer = observe(systemClock, locate, (event) => system?.tell(JOURNAL, 'journal.commit', { events: [event] }))
  /** Nothing that happens from now on would be remembered: end everything, and let the callers know why. */
  const onFailure = (error: unknown): void => {
    writeLastWords(env.paths.failures, owner, { at: systemClock.now(), error: toErrorRecord(error) })
    live.failAll(error)
    void close()
  }

  const ended = new EndedOutput(systemClock)
  const services = makeServices(env, options, terminals, decorators, live, owner, hub)
  const orphans = new Orphans({
    clock: systemClock,
    processTable: env.processTable,
    workspaceId: env.workspaceId,
    holds: (ptyId) => terminals.get(ptyId) !== undefined || services.unrecorded.has(ptyId),
    holdsAny: () => terminals.list().length > 0 || services.unrecorded.size > 0,
    record: (ptyId) => records.pty(ptyId),
    async hasOthers() {
      const { living, stale } = await readOwners(env.paths.owners, env.processTable)
      return stale.length > 0 || living.some((other) => !sameProcess(other, owner))
    },
    heldElsewhere: async () => (await heldBy(env)).has,
    tell: (found) => system?.tell(JOURNAL, 'journal.commit', { events: [found] }),
  })
  listen(({ type }) => {
    if (type === 'pty.spawned') orphans.noteStart()
  })
  const runIds = (): readonly RunId[] => live.all().map(({ handle }) => handle.runId)
  /** Lanes of their own that are this process's. */
  const ownLanes = new Map<LaneId, Omit<OwnLaneArgs, 'services'>>()
  const ownLaneSpec = (args: Omit<OwnLaneArgs, 'services'>): SupervisorSpec => around(ownLaneTree({ services, ...args }))
  const ownLaneEnded = (laneId: LaneId, { reason }: Exit): void => {
    if (!ownLanes.has(laneId) || (reason !== 'shutdown' && reason !== 'escalated')) return
    ownLanes.delete(laneId)
    // A tree that is given up leaves nothing, and nobody above hears of it.
    if (reason === 'escalated' && system !== null) {
      const { ask } = system
      endLostTerminals({ ask, now: () => systemClock.now() }, services, laneId).catch(() => undefined)
    }
  }
  const runSpec = (runId: RunId, plan: Plan, by?: string): SupervisorSpec =>
    around(runTree({ services, runId, plan, ...(by !== undefined && { by }) }))

  try {
    const root = around(
      rootTree({
        journal: { open, onFailure },
        bus: { hub, link },
        recover: {
          lanes: async (ctx) => [
            ...(await recoverLanes(ctx, services, runIds())),
            ...(await recoverOwnLanes(ctx, [...ownLanes.values()], ownLaneSpec)),
          ],
          runs: (ctx) => recoverRuns(ctx, runIds(), ({ id, plan }) => runSpec(id, plan)),
        },
      }),
    )
    system = await startSystem({
      scheduler: nactScheduler(),
      clock: systemClock,
      random: systemRandom,
      root,
      history: HISTORY,
      observer: {
        ...observer,
        decided(decision) {
          observer.decided?.(decision)
          dossiers.decided(decision)
          measures?.decided(decision)
        },
        ...(measures !== null && { deadLetter: (letter) => measures.deadLetter(letter) }),
        exited(actor) {
          observer.exited?.(actor)
          dossiers.exited(actor)
          measures?.exited(actor)
          const { name, exit } = actor
          if (name.startsWith(LANE_TREE)) ownLaneEnded(name.slice(LANE_TREE.length) as LaneId, exit)
          if (name.startsWith(RUN_TREE) && exit.reason === 'escalated') abandon(name.slice(RUN_TREE.length) as RunId, notCarriedOn(exit))
        },
      },
    })
  } catch (error) {
    await letGo(host)
    await dossiers.close()
    await unregister()
    await link?.fanOut.close()
    throw rootCause(error)
  }
  const running = system
  void running.exited.then((exit) => {
    live.failAll(closing === null ? notCarriedOn(exit) : closedError())
    void close()
  })
  const stop = (runId: RunId, by: string): void => {
    if (live.noteStop(runId, by)) running.tell(namedRun(runId), 'run.stop', { by })
  }
  const kill = (runId: RunId, by: string): void => {
    stop(runId, by)
    if (live.get(runId) === undefined) return
    live.kill(runId, by)
    running.tell(JOURNAL, 'journal.commit', { events: [event(systemClock.now(), 'run.killing', { runId }, { by })] })
  }
  const newLiveRun = (runId: RunId, plan: Plan, startedAt: number) =>
    liveRun(runId, plan, startedAt, terminals, { stop: (by) => stop(runId, by), kill: (by) => kill(runId, by) })
  const taking: TakeOverParts = { system: running, clock: systemClock, records, services, live, liveRun: newLiveRun, runSpec, abandon }
  const start = async (input: unknown, { runId = env.ids.next('run'), by, ...overrides }: RunOverrides = {}): Promise<RunHandle> => {
    const plan: Plan = { ...asPlan(input, settings()), ...overrides }
    if (!Number.isSafeInteger(plan.parallel) || plan.parallel < 1) {
      throw new SignalboxError('ERR_PLAN_INVALID', `parallel is ${plan.parallel}; it must be a whole number from 1 on`)
    }
    if (closing !== null) throw closedError()
    const run = newLiveRun(runId, plan, systemClock.now())
    live.add(runId, run, plan)
    spans?.begin(runId)
    try {
      await running.ask(RUNS, 'supervisor.start-child', { spec: runSpec(runId, plan, by) }, { timeoutMs: START_RUN_LIMIT_MS })
    } catch (error) {
      const why = closing === null ? rootCause(error) : closedError(error)
      live.fail(runId, why)
      spans?.forget(runId)
      throw why
    }
    return run.handle
  }
  const madeLanes = createLanes({
    system: running,
    records,
    recovery: services.recovery,
    clock: systemClock,
    newId: () => env.ids.next('lane'),
    tree: (args) => {
      spans?.begin(args.laneId)
      ownLanes.set(args.laneId, args)
      return ownLaneSpec(args)
    },
    reopen: (lane) => reopenTerminals(taking, lane),
  })
  const madeTerminals = createTerminals({
    system: running,
    records,
    host: terminals,
    watch: services.health,
    processTable: env.processTable,
    ended,
    shell: services.baseEnv['SHELL'] ?? '/bin/sh',
    defaults: settings,
    clock: systemClock,
  })
  return {
    workspaceId: env.workspaceId,
    stateDirectory: env.paths.directory,
    damagedStore,
    start,
    run: async (plan) => (await start(plan)).finished,
    events: () => {
      const history = createHistory()
      listen(history.push)
      if (closed) history.close()
      else histories.add(history)
      return history.read()
    },
    bus: hub,
    handle: (runId) => live.get(runId)?.handle,
    newId: env.ids.next,
    lanes: madeLanes,
    terminals: madeTerminals,
    records,
    tree: () => running.tree(),
    inspect: (name) => running.inspect(name),
    actors: createActors({ system: running, clock: systemClock, locate, lanes: madeLanes, terminals: madeTerminals }),
    deadLetters: () => running.deadLetters(),
    measured: measures === null ? null : { measures, bus: () => hub.figures(), database: env.paths.database },
    why: (word, run) =>
      answerWhy(
        {
          now: systemClock.now,
          records,
          crashes: () => filedDossiers(env.paths.crashes),
          stateDirectory: env.paths.directory,
          commonDir: env.worktrees.workspace.commonDir,
          failures: env.paths.failures,
          bootId,
          isAlive: (key) => env.processTable.isAlive(key),
          isServed: () => Promise.resolve(true),
          live: {
            inspect: (name) => running.inspect(name),
            actors: () => namesIn(running.tree()),
            deadLetters: () => running.deadLetters(),
            health: async (ptyId) => {
              await services.health.look()
              return services.health.of(ptyId)
            },
          },
        },
        word,
        run,
      ),
    async takeOver() {
      const held = terminals.list().length
      const { count: runs, failed } = await takeOverRuns(taking)
      const lanes = await madeLanes.recover()
      orphans.begin()
      return { runs, lanes, terminals: held, failed }
    },
    isAlive: (key) => env.processTable.isAlive(key),
    places: {
      cwd: options.workspace,
      lanesDirectory: env.lanesDirectory,
      branchPrefix: services.branchPrefix,
      ...(options.stateHome !== undefined && { stateHome: options.stateHome }),
    },
    get isClosing() {
      return closing !== null
    },
    close,
    [Symbol.asyncDispose]: async () => void (await close()),
  }
}

/**
 * Starts a supervision tree on a git repository.
 * @throws ERR_WORKSPACE_…, ERR_GIT_…, ERR_STORE_… when the repository or the state directory cannot be used
 * @example
 * await using runtime = await startRuntime({ workspace: '.' })
 * const summary = await runtime.run({ lanes: { hello: { commands: ['echo hello'] } } })
 */
export const startRuntime = (options: RuntimeOptions): Promise<Runtime> => composeRuntime(options)
