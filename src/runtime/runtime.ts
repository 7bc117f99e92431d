import { EventHub } from '../actors/event-hub.ts'
import type { FanOutLink } from '../actors/fan-out-link.ts'
import { JOURNAL, laneName, laneTreeName, namedRun, RUNS, runTreeName } from '../actors/names.ts'
import { nactScheduler } from '../adapters/schedulers/nact-scheduler.adapter.ts'
import { systemClock } from '../adapters/system/system-clock.adapter.ts'
import { systemRandom } from '../adapters/system/system-random.adapter.ts'
import { isSignalboxError, SignalboxError } from '../protocols/errors.ts'
import { named } from '../kernel/types.ts'
import type { Exit } from '../protocols/exit.ts'
import type { LaneProtocol } from '../protocols/lane.protocol.ts'
import type { RecordedEvent } from '../protocols/events.ts'
import type { LaneId, RunId, WorkspaceId } from '../protocols/ids.ts'
import type { Plan } from '../protocols/plan.ts'
import { asPlan } from '../protocols/plan-parse.ts'
import type { Bus } from '../protocols/bus.ts'
import type { RunSummary } from '../protocols/summary.ts'
import { rootTree, runTree } from '../supervisors/root.tree.ts'
import { startSystem } from '../supervisors/system.ts'
import type { System, TreeNode } from '../supervisors/system.types.ts'
import { createInProcessTerminalHost } from '../terminal-host/in-process-host.ts'
import { type Environment, openEnvironment } from './environment.ts'
import { createHistory, type EventHistory } from './history.ts'
import { observe } from './observe.ts'
import type { Decorators, RuntimeOptions } from './options.ts'
import { ownIdentity, registerOwner } from './owners.ts'
import { forgetOldRuns } from './retention.ts'
import { createLiveRuns } from './live-runs.ts'
import { recordedOf } from './recorded.ts'
import { makeServices } from './make-services.ts'
import { liveRun, type RunHandle } from './run-handle.ts'

/** Grace for processes that are still there when the runtime closes: their actors have ended them before. */
const CLOSE_GRACE_MS = 1_000
const START_RUN_LIMIT_MS = 60_000

/** What of a plan a caller may decide otherwise for one run. */
export type RunOverrides = Partial<Pick<Plan, 'keep' | 'parallel'>>

/** A supervision tree on one repository. Everything that it started ends with it. */
export interface Runtime extends AsyncDisposable {
  readonly workspaceId: WorkspaceId
  /** Where the record of runs lies; where a damaged one was put aside at the start, or null. */
  readonly stateDirectory: string
  readonly damagedStore: string | null
  /**
   * Starts a run.
   * @param plan of `parsePlan` or `validatePlan`, or the form that these take, which is then checked
   * @throws ERR_PLAN_…, ERR_RUNTIME_CLOSED
   */
  start(plan: unknown, overrides?: RunOverrides): Promise<RunHandle>
  /** Starts a run and waits for its end. */
  run(plan: unknown): Promise<RunSummary>
  /** Everything recorded from now on. */
  events(): AsyncIterable<RecordedEvent>
  /** What happens: subscribe to topics from now or from an earlier event on, and publish what is of the moment only. */
  readonly bus: Bus
  /** The supervision tree as it is now. */
  tree(): TreeNode
  /** Stops what runs, the last started first, and waits until nothing is left. Idempotent. */
  close(): Promise<void>
}

const RUN_TREE = runTreeName('' as RunId)

const notCarriedOn = ({ reason, error }: Exit): SignalboxError =>
  new SignalboxError('ERR_SUPERVISOR_INTENSITY', `the run could not be carried on (${reason}): ${error?.message ?? 'no cause known'}`)

const closedError = (cause?: unknown): SignalboxError =>
  new SignalboxError('ERR_RUNTIME_CLOSED', 'this runtime was closed; start another with startRuntime()', { cause })

/** What kept an actor from starting, rather than that it did not start. */
const rootCause = (error: unknown): unknown =>
  isSignalboxError(error, 'ERR_ACTOR_INIT_FAILED') && error.cause instanceof SignalboxError ? rootCause(error.cause) : error

/** Off by default, and its client is loaded only then. */
const openLink = async ({ fanOut }: RuntimeOptions, { workspaceId, ids }: Environment): Promise<FanOutLink | null> =>
  fanOut === undefined ? null : (await import('./fan-out.ts')).openFanOut(fanOut.redis, workspaceId, ids.next('session'))

/** @internal Starts a runtime with something around its adapters; users call `startRuntime`. */
export const composeRuntime = async (options: RuntimeOptions, decorators: Decorators = {}): Promise<Runtime> => {
  const env = await openEnvironment(options)
  const { pid, startTime, bootId } = ownIdentity(env.processTable)
  const owner = { pid, startTime, bootId }
  const unregister = await registerOwner(env.paths.owners, { ...owner, startedAt: systemClock.now() })
  const host = createInProcessTerminalHost({ clock: systemClock, processTable: env.processTable })
  const around = decorators.tree ?? ((spec) => spec)
  const terminals = decorators.terminals?.(host) ?? host
  const hub = new EventHub(() => systemClock.now())
  const link = await openLink(options, env)
  const listen = recordedOf(hub, env.workspaceId)
  const live = createLiveRuns(listen, terminals)
  const histories = new Set<EventHistory>()
  let closed = false
  let damagedStore: string | null = null
  let closing: Promise<void> | null = null
  let system: System | null = null

  const open = async () => {
    const store = await env.openStore()
    damagedStore ??= store.putAside
    await forgetOldRuns(store, env.paths.logs, systemClock.now())
    return decorators.store?.(store) ?? store
  }
  const shutDown = async (): Promise<void> => {
    await Promise.allSettled(live.all().map(({ handle }) => (handle.stop('the runtime closes'), handle.finished)))
    await system?.stop('shutdown')
    await terminals.close(CLOSE_GRACE_MS)
    await unregister()
    live.failAll(new SignalboxError('ERR_RUNTIME_CLOSED', 'the runtime was closed before the run ended'))
    closed = true
    for (const history of histories) history.close()
    hub.closeAll()
    await link?.fanOut.close()
  }
  const close = (): Promise<void> => (closing ??= shutDown())
  /** A run whose actor could not be kept up: its lanes are stopped and cleaned, then its caller is told. */
  const abandon = (runId: RunId, error: unknown): void => {
    const left = (): readonly LaneId[] => {
      const lanes = live.get(runId)?.handle.view().lanes ?? []
      return lanes.filter(({ id, endedAt }) => endedAt === null && system?.lookup(laneTreeName(id)) !== undefined).map(({ id }) => id)
    }
    for (const id of left()) system?.tell(named<LaneProtocol>(laneName(id)), 'lane.stop', { by: 'its run failed' })
    const check = (): void => {
      if (left().length > 0) return
      unsubscribe()
      live.fail(runId, error)
    }
    const unsubscribe = listen(check)
    check()
  }
  const observer = observe(systemClock, listen, (event) => system?.tell(JOURNAL, 'journal.commit', { events: [event] }))
  /** Nothing that happens from now on would be remembered: end everything, and let the callers know why. */
  const onFailure = (error: unknown): void => {
    live.failAll(error)
    void close()
  }

  try {
    const root = around(rootTree({ journal: { open, onFailure }, bus: { hub, link } }))
    system = await startSystem({
      scheduler: nactScheduler(),
      clock: systemClock,
      random: systemRandom,
      root,
      observer: {
        ...observer,
        exited(actor) {
          observer.exited?.(actor)
          const { name, exit } = actor
          if (name.startsWith(RUN_TREE) && exit.reason === 'escalated') abandon(name.slice(RUN_TREE.length) as RunId, notCarriedOn(exit))
        },
      },
    })
  } catch (error) {
    await unregister()
    await link?.fanOut.close()
    throw rootCause(error)
  }
  const running = system
  void running.exited.then((exit) => {
    live.failAll(notCarriedOn(exit))
    void close()
  })
  const services = makeServices(env, options, terminals, decorators, live, owner)

  const stop = (runId: RunId, by: string): void => {
    if (live.noteStop(runId, by)) running.tell(namedRun(runId), 'run.stop', { by })
  }
  const kill = (runId: RunId, by: string): void => {
    stop(runId, by)
    if (live.get(runId) === undefined) return
    live.kill(runId, by)
    running.tell(JOURNAL, 'journal.commit', { events: [{ type: 'run.killing', at: systemClock.now(), runId, payload: { by } }] })
  }
  const start = async (input: unknown, overrides: RunOverrides = {}): Promise<RunHandle> => {
    const plan: Plan = { ...asPlan(input), ...overrides }
    if (!Number.isSafeInteger(plan.parallel) || plan.parallel < 1) {
      throw new SignalboxError('ERR_PLAN_INVALID', `parallel is ${plan.parallel}; it must be a whole number from 1 on`)
    }
    if (closing !== null) throw closedError()
    const runId = env.ids.next('run')
    const run = liveRun(runId, plan, systemClock.now(), terminals, { stop: (by) => stop(runId, by), kill: (by) => kill(runId, by) })
    live.add(runId, run)
    try {
      await running.ask(
        RUNS,
        'supervisor.start-child',
        { spec: around(runTree({ services, runId, plan })) },
        { timeoutMs: START_RUN_LIMIT_MS },
      )
    } catch (error) {
      live.remove(runId)
      throw closing === null ? rootCause(error) : closedError(error)
    }
    return run.handle
  }
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
    tree: () => running.tree(),
    close,
    [Symbol.asyncDispose]: close,
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
