import { JOURNAL, namedRun, RUNS } from '../actors/names.ts'
import type { Services } from '../actors/services.ts'
import { nactScheduler } from '../adapters/schedulers/nact-scheduler.adapter.ts'
import { systemClock } from '../adapters/system/system-clock.adapter.ts'
import { systemRandom } from '../adapters/system/system-random.adapter.ts'
import type { TerminalHost } from '../ports/terminal-host.port.ts'
import { isSignalboxError, SignalboxError } from '../protocols/errors.ts'
import type { RecordedEvent } from '../protocols/events.ts'
import type { PtyId, RunId, WorkspaceId } from '../protocols/ids.ts'
import { isPlan, type Plan } from '../protocols/plan.ts'
import { validatePlan } from '../protocols/plan-parse.ts'
import type { RunSummary } from '../protocols/summary.ts'
import { laneTree } from '../supervisors/lane.tree.ts'
import { rootTree, runWorker } from '../supervisors/root.tree.ts'
import { startSystem } from '../supervisors/system.ts'
import type { System, TreeNode } from '../supervisors/system.types.ts'
import { terminalTree } from '../supervisors/terminal.tree.ts'
import { createInProcessTerminalHost } from '../terminal-host/in-process-host.ts'
import { type Environment, openEnvironment } from './environment.ts'
import { createFeed, createHistory, type EventHistory, type Feed } from './feed.ts'
import { observe } from './observe.ts'
import type { Decorators, RuntimeOptions } from './options.ts'
import { ownIdentity, registerOwner } from './owners.ts'
import { forgetOldRuns } from './retention.ts'
import { type LiveRun, liveRun, type RunHandle } from './run-handle.ts'

/** Grace for processes that are still there when the runtime closes: their actors have ended them before. */
const CLOSE_GRACE_MS = 1_000
const START_RUN_LIMIT_MS = 60_000

/** A supervision tree on one repository. Everything that it started ends with it. */
export interface Runtime extends AsyncDisposable {
  readonly workspaceId: WorkspaceId
  /** Where the record of runs lies; where a damaged one was put aside at the start, or null. */
  readonly stateDirectory: string
  readonly damagedStore: string | null
  /** Starts a run. @param plan a plan, or its input form, which is checked @throws ERR_PLAN_…, ERR_RUNTIME_CLOSED */
  start(plan: unknown): Promise<RunHandle>
  /** Starts a run and waits for its end. */
  run(plan: unknown): Promise<RunSummary>
  /** Everything recorded from now on. */
  events(): AsyncIterable<RecordedEvent>
  /** The supervision tree as it is now. */
  tree(): TreeNode
  /** Stops what runs, the last started first, and waits until nothing is left. Idempotent. */
  close(): Promise<void>
}

type Live = {
  readonly runs: Map<RunId, LiveRun>
  readonly ptys: Map<PtyId, RunId>
  readonly killed: Set<RunId>
  /** Who asked first. */
  readonly stopped: Map<RunId, string>
}

const servicesOf = (
  env: Environment,
  options: RuntimeOptions,
  terminals: TerminalHost,
  decorators: Decorators,
  live: Live,
  owner: Services['owner'],
): Services => {
  const { SIGNALBOX_MARK: _, ...inherited } = options.env ?? process.env
  return {
    workspaceId: env.workspaceId,
    worktrees: decorators.worktrees?.(env.worktrees) ?? env.worktrees,
    terminals,
    newId: (kind) => env.ids.next(kind),
    baseEnv: Object.fromEntries(Object.entries(inherited).filter((entry): entry is [string, string] => entry[1] !== undefined)),
    lanesDirectory: env.lanesDirectory,
    logsDirectory: env.paths.logs,
    branchPrefix: options.branchPrefix ?? 'signalbox/',
    owner,
    isKilled: (runId) => live.killed.has(runId),
    stopAskedBy: (runId) => live.stopped.get(runId) ?? null,
    trees: { lane: laneTree, terminal: terminalTree },
  }
}

/** Keeps the live runs informed; what a run's PTYs are is learnt from the events that pass. */
const follow = (feed: Feed, live: Live): void => {
  feed.subscribe((event) => {
    const { runId, ptyId } = event
    if (runId === undefined) return
    if (event.type === 'pty.spawned' && ptyId !== undefined) live.ptys.set(ptyId, runId)
    if (event.type === 'pty.exited' && ptyId !== undefined) live.ptys.delete(ptyId)
    live.runs.get(runId)?.apply(event)
    if (event.type !== 'run.ended') return
    live.runs.delete(runId)
    live.killed.delete(runId)
    live.stopped.delete(runId)
  })
}

const closedError = (cause?: unknown): SignalboxError =>
  new SignalboxError('ERR_RUNTIME_CLOSED', 'this runtime was closed; start another with startRuntime()', { cause })

/** What kept an actor from starting, rather than that it did not start. */
const rootCause = (error: unknown): unknown =>
  isSignalboxError(error, 'ERR_ACTOR_INIT_FAILED') && error.cause instanceof SignalboxError ? rootCause(error.cause) : error

/** @internal Starts a runtime with something around its adapters; users call `startRuntime`. */
export const composeRuntime = async (options: RuntimeOptions, decorators: Decorators = {}): Promise<Runtime> => {
  const env = await openEnvironment(options)
  const { pid, startTime, bootId } = ownIdentity(env.processTable)
  const owner = { pid, startTime, bootId }
  const unregister = await registerOwner(env.paths.owners, { ...owner, startedAt: systemClock.now() })
  const host = createInProcessTerminalHost({ clock: systemClock, processTable: env.processTable })
  const terminals = decorators.terminals?.(host) ?? host
  const feed = createFeed()
  const live: Live = { runs: new Map(), ptys: new Map(), killed: new Set(), stopped: new Map() }
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
  const failAll = (error: unknown): void => {
    for (const run of live.runs.values()) run.fail(error)
    live.runs.clear()
  }
  const shutDown = async (): Promise<void> => {
    await Promise.allSettled([...live.runs.values()].map(({ handle }) => (handle.stop('the runtime closes'), handle.finished)))
    await system?.stop('shutdown')
    await terminals.close(CLOSE_GRACE_MS)
    await unregister()
    failAll(new SignalboxError('ERR_RUNTIME_CLOSED', 'the runtime was closed before the run ended'))
    closed = true
    for (const history of histories) history.close()
  }
  const close = (): Promise<void> => (closing ??= shutDown())
  /** Nothing that happens from now on would be remembered: end everything, and let the callers know why. */
  const onFailure = (error: unknown): void => {
    failAll(error)
    void close()
  }

  follow(feed, live)
  const record = (event: Parameters<Parameters<typeof observe>[2]>[0]): void => system?.tell(JOURNAL, 'journal.commit', { events: [event] })
  try {
    const root = rootTree({ open, publish: feed.publish, onFailure })
    system = await startSystem({
      scheduler: nactScheduler(),
      clock: systemClock,
      random: systemRandom,
      root,
      observer: observe(systemClock, feed, record),
    })
  } catch (error) {
    await unregister()
    throw rootCause(error)
  }
  const running = system
  void running.exited.then((exit) => {
    failAll(
      new SignalboxError(
        'ERR_SUPERVISOR_INTENSITY',
        `the supervision tree ended (${exit.reason}): ${exit.error?.message ?? 'no cause known'}`,
      ),
    )
  })
  const services = servicesOf(env, options, terminals, decorators, live, owner)

  const stop = (runId: RunId, by: string): void => {
    if (!live.runs.has(runId)) return
    if (!live.stopped.has(runId)) live.stopped.set(runId, by)
    running.tell(namedRun(runId), 'run.stop', { by })
  }
  const kill = (runId: RunId, by: string): void => {
    if (!live.runs.has(runId)) return
    live.killed.add(runId)
    stop(runId, by)
    for (const [ptyId, of] of live.ptys) if (of === runId) void terminals.get(ptyId)?.terminate({ graceMs: 0, askedBy: by })
  }
  const start = async (input: unknown): Promise<RunHandle> => {
    const plan: Plan = isPlan(input) ? input : validatePlan(input)
    if (closing !== null) throw closedError()
    const runId = env.ids.next('run')
    const run = liveRun(runId, plan, systemClock.now(), terminals, { stop: (by) => stop(runId, by), kill: (by) => kill(runId, by) })
    live.runs.set(runId, run)
    try {
      await running.ask(RUNS, 'supervisor.start-child', { spec: runWorker({ services, runId, plan }) }, { timeoutMs: START_RUN_LIMIT_MS })
    } catch (error) {
      live.runs.delete(runId)
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
      feed.subscribe(history.push)
      if (closed) history.close()
      else histories.add(history)
      return history.read()
    },
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
