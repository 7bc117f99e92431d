import { type ActorContext, type ActorDefinition, defineActor, named } from '../kernel/types.ts'
import { toErrorRecord } from '../protocols/errors.ts'
import { wentWithSupervisor } from '../protocols/exit.ts'
import type { LaneId, RunId } from '../protocols/ids.ts'
import type { LaneProtocol } from '../protocols/lane.protocol.ts'
import type { Plan, PlanLane } from '../protocols/plan.ts'
import type { LaneRecord, RunRecord } from '../protocols/records.ts'
import type { RunProtocol } from '../protocols/run.protocol.ts'
import type { LaneSummary, Outcome, RunSummary } from '../protocols/summary.ts'
import { commit, event, readRecord, recordOf } from './journal.ts'
import { LANES, laneName, laneTreeName } from './names.ts'
import { endLane } from './left-running.ts'
import type { Services } from './services.ts'
import { isUnanswered } from './unanswered.ts'

export type RunArgs = {
  readonly services: Services
  readonly runId: RunId
  readonly plan: Plan
  /** Who started it. @defaultValue this process */
  readonly by?: string
}

type LaneProgress = {
  readonly lane: PlanLane
  readonly id: LaneId
  readonly phase: 'waiting' | 'starting' | 'running' | 'ending' | 'ended'
  readonly summary: LaneSummary | null
}

type RunState = {
  readonly args: RunArgs
  readonly record: RunRecord
  readonly lanes: readonly LaneProgress[]
  readonly stopping: string | null
  /** It is being found out which lanes run, after they or this actor died. `stale`: the answer that is under way is too old. */
  readonly rejoining: null | 'asked' | 'stale'
  readonly startedMonotonic: number
}

type Ctx = ActorContext<RunProtocol>

/** Adding a lane's tree is a matter of its first record; its worktree is made afterwards. */
const START_LIMIT_MS = 60_000

/** Between questions to a supervisor that is being restarted. */
const RETRY_MS = 50

const withLane = (state: RunState, id: LaneId, patch: Partial<LaneProgress>): RunState => ({
  ...state,
  lanes: state.lanes.map((lane) => (lane.id === id ? { ...lane, ...patch } : lane)),
})

/** The summary of a lane that never got a worktree. */
const unstarted = ({ lane, id }: LaneProgress, outcome: Outcome, reason: string): LaneSummary => ({
  name: lane.name,
  id,
  outcome,
  durationMs: 0,
  branch: null,
  commits: 0,
  uncommitted: [],
  worktree: null,
  reason,
  commands: lane.commands.map(({ name }) => ({
    name,
    outcome: outcome === 'interrupted' ? 'interrupted' : 'skipped',
    exitCode: null,
    signal: null,
    attempts: 0,
    log: null,
    reason: null,
  })),
})

/** Ends a lane that did not start, and says so. */
const giveUp = async (ctx: Ctx, state: RunState, lane: LaneProgress, outcome: Outcome, reason: string): Promise<RunState> => {
  const summary = unstarted(lane, outcome, reason)
  const ended = event(ctx.now(), 'lane.ended', { runId: state.args.runId, laneId: lane.id }, { name: lane.lane.name, summary })
  const record: RunRecord = { ...state.record, unstarted: [...(state.record.unstarted ?? []), summary] }
  await commit(ctx, [ended], [recordOf('run', record)])
  return withLane({ ...state, record }, lane.id, { phase: 'ended', summary })
}

const startLane = (ctx: Ctx, state: RunState, { id, lane }: LaneProgress): RunState => {
  const { services, runId, plan } = state.args
  const spec = services.trees.lane({ services, runId, laneId: id, lane, keep: plan.keep })
  const start = async (): Promise<void> => {
    const { ref } = await ctx.ask(LANES, 'supervisor.start-child', { spec }, { timeoutMs: START_LIMIT_MS })
    ctx.watch(ref, ['$laneExited', (exit) => ({ laneId: id, exit })])
  }
  ctx.run(start, { done: ['$laneStarted', () => ({ laneId: id })], failed: ['$laneStartFailed', (error) => ({ laneId: id, error })] })
  return withLane(state, id, { phase: 'starting' })
}

/** Asks the supervisor of lanes, which may be being restarted, what it has, and watches that. */
const rejoin = (ctx: Ctx, state: RunState): RunState => {
  const find = async (): Promise<readonly LaneId[]> => {
    const { children } = await ctx.ask(LANES, 'supervisor.children', {}, { timeoutMs: START_LIMIT_MS })
    const refs = new Map(children.map(({ name, ref }) => [name, ref]))
    return state.lanes.flatMap(({ id }) => {
      const ref = refs.get(laneTreeName(id))
      if (ref == null) return []
      ctx.watch(ref, ['$laneExited', (exit) => ({ laneId: id, exit })])
      return [id]
    })
  }
  ctx.run(find, { done: ['$rejoined', (found) => ({ found })], failed: ['$rejoinFailed', () => ({})] })
  return { ...state, rejoining: 'asked' }
}

/** What went with its supervisor. Of one that ended after the answer under way was given, that answer knows nothing. */
const rejoinOnceMore = (ctx: Ctx, state: RunState): RunState =>
  state.rejoining === null ? rejoin(ctx, state) : { ...state, rejoining: 'stale' }

/** Starts what may start, skips what cannot, and ends the run when nothing is left. */
const proceed = async (ctx: Ctx, before: RunState): Promise<RunState> => {
  let state = before
  for (let again = true; again;) {
    again = false
    for (const lane of state.lanes) {
      if (lane.phase !== 'waiting') continue
      const predecessors = lane.lane.after.map((name) => state.lanes.find((other) => other.lane.name === name))
      const broken = predecessors.find((other) => other?.phase === 'ended' && other.summary?.outcome !== 'succeeded')
      if (state.stopping !== null) state = await giveUp(ctx, state, lane, 'interrupted', `stopped before it began: ${state.stopping}`)
      else if (broken !== undefined)
        state = await giveUp(ctx, state, lane, 'skipped', `lane ${broken.lane.name} before it ended as ${broken.summary?.outcome}`)
      else if (predecessors.every((other) => other?.phase === 'ended') && busy(state) < state.args.plan.parallel)
        state = startLane(ctx, state, lane)
      else continue
      again = true
    }
  }
  return state.lanes.every((lane) => lane.phase === 'ended') ? end(ctx, state) : state
}

const isUp = ({ phase }: LaneProgress): boolean => phase === 'starting' || phase === 'running'

const busy = (state: RunState): number => state.lanes.filter((lane) => isUp(lane) || lane.phase === 'ending').length

const outcomeOf = (state: RunState, lanes: readonly LaneSummary[]): Outcome => {
  if (lanes.every((lane) => lane.outcome === 'succeeded')) return 'succeeded'
  return state.stopping === null ? 'failed' : 'interrupted'
}

const end = async (ctx: Ctx, state: RunState): Promise<RunState> => {
  const lanes = state.lanes.map(({ summary }) => summary).filter((summary) => summary !== null)
  const outcome = outcomeOf(state, lanes)
  const durationMs = Math.max(0, Math.round(ctx.monotonic() - state.startedMonotonic))
  const summary: RunSummary = { type: 'summary', runId: state.args.runId, ok: outcome === 'succeeded', outcome, durationMs, lanes }
  const record: RunRecord = { ...state.record, endedAt: ctx.now(), outcome, summary }
  await commit(ctx, [event(ctx.now(), 'run.ended', { runId: state.args.runId }, { summary })], [recordOf('run', record)])
  ctx.exit('normal')
  return { ...state, record }
}

const stopAll = async (ctx: Ctx, state: RunState, by: string): Promise<RunState> => {
  await commit(ctx, [event(ctx.now(), 'run.stopping', { runId: state.args.runId }, { by })], [])
  for (const lane of state.lanes.toReversed()) {
    const { id } = lane
    if (isUp(lane)) ctx.tell(named<LaneProtocol>(laneName(id)), 'lane.stop', { by })
  }
  return proceed(ctx, { ...state, stopping: by })
}

/** Takes over what a lane recorded at its end; where its tree was given up before that, says so. */
const laneEnded = async (ctx: Ctx, state: RunState, laneId: LaneId, why: string): Promise<RunState> => {
  const lane = state.lanes.find((candidate) => candidate.id === laneId)
  if (lane === undefined || lane.phase === 'ended') return state
  const record = await readRecord<LaneRecord>(ctx, 'lane', laneId)
  if (record === null) return proceed(ctx, await giveUp(ctx, state, lane, 'failed', why))
  if (record.summary === null) await endLane(ctx, state.args.services, record)
  const summary = record.summary ?? { ...unstarted(lane, 'failed', why), branch: record.worktree.branch, worktree: record.worktree.path }
  return proceed(ctx, withLane(state, laneId, { phase: 'ended', summary }))
}

/** What is known of the lanes: the same code for a new run and for one whose actor crashed. */
const knownLanes = async (ctx: Ctx, args: RunArgs, record: RunRecord): Promise<readonly LaneProgress[]> => {
  const lanes: LaneProgress[] = []
  for (const lane of args.plan.lanes) {
    const id = record.lanes.find(({ name }) => name === lane.name)?.id ?? args.services.newId('lane')
    const known = await readRecord<LaneRecord>(ctx, 'lane', id)
    const tree = ctx.lookup(laneTreeName(id))
    if (tree !== undefined && known?.summary != null) ctx.tell(ctx.self, 'run.lane-ended', { laneId: id })
    // A tree without a record is one that is starting.
    const gaveUp = record.unstarted?.find((summary) => summary.id === id)
    if (gaveUp !== undefined) lanes.push({ lane, id, phase: 'ended', summary: gaveUp })
    else if (tree === undefined && known === null) lanes.push({ lane, id, phase: 'waiting', summary: null })
    else if (tree === undefined && known?.summary != null) lanes.push({ lane, id, phase: 'ended', summary: known.summary })
    else lanes.push({ lane, id, phase: 'running', summary: null })
  }
  return lanes
}

const begin = async (ctx: Ctx, { services, runId, plan, by = `process ${services.owner.pid}` }: RunArgs): Promise<RunRecord> => {
  const record: RunRecord = {
    id: runId,
    plan,
    startedAt: ctx.now(),
    endedAt: null,
    outcome: null,
    owner: services.owner,
    lanes: plan.lanes.map(({ name }) => ({ name, id: services.newId('lane') })),
    summary: null,
  }
  const started = event(ctx.now(), 'run.started', { runId }, { plan, by, pid: services.owner.pid, lanes: record.lanes })
  await commit(ctx, [started], [recordOf('run', record)])
  return record
}

/** One execution of a plan: starts lanes in the order that `after` and `parallel` allow and sums them up. */
export const runActor: ActorDefinition<RunProtocol, RunState, RunArgs> = defineActor<RunProtocol, RunState, RunArgs>({
  kind: 'run',
  async init(ctx, args) {
    const record = (await readRecord<RunRecord>(ctx, 'run', args.runId)) ?? (await begin(ctx, args))
    const lanes = await knownLanes(ctx, args, record)
    const known: RunState = { args, record, lanes, stopping: null, rejoining: null, startedMonotonic: ctx.monotonic() }
    const state = lanes.some(isUp) ? rejoin(ctx, known) : known
    const by = args.services.stopAskedBy(args.runId)
    return by === null ? proceed(ctx, state) : stopAll(ctx, state, by)
  },
  on: {
    'run.stop': (ctx, state, { by }) => (state.stopping !== null || state.record.endedAt !== null ? state : stopAll(ctx, state, by)),
    // Its tree goes first, so that a lane counts as ended only when nothing of it runs; $laneExited then follows.
    'run.lane-ended': (ctx, state, { laneId }) => {
      const lane = state.lanes.find(({ id }) => id === laneId)
      if (lane === undefined || !isUp(lane)) return state
      const stop = () => ctx.ask(LANES, 'supervisor.stop-child', { name: laneTreeName(laneId) }, { timeoutMs: START_LIMIT_MS })
      ctx.run(stop, {
        done: ['$laneExited', () => ({ laneId, exit: { reason: 'shutdown' as const } })],
        failed: ['$laneExited', (error) => ({ laneId, exit: { reason: 'crashed' as const, error: toErrorRecord(error) } })],
      })
      return withLane(state, laneId, { phase: 'ending' })
    },
    // A stop that came while the tree was starting has not reached the lane.
    $laneStarted: (ctx, state, { laneId }) => {
      if (state.stopping !== null) ctx.tell(named<LaneProtocol>(laneName(laneId)), 'lane.stop', { by: state.stopping })
      const lane = state.lanes.find(({ id }) => id === laneId)
      return lane?.phase === 'starting' ? withLane(state, laneId, { phase: 'running' }) : state
    },
    $laneStartFailed: (ctx, state, { laneId, error }) => {
      if (!isUnanswered(error)) return laneEnded(ctx, state, laneId, toErrorRecord(error).message)
      return rejoinOnceMore(ctx, state)
    },
    $rejoined: async (ctx, state, { found }) => {
      let present: RunState = { ...state, rejoining: null }
      if (state.rejoining === 'stale') return rejoin(ctx, present)
      for (const lane of state.lanes) {
        const { id, phase } = lane
        if (phase === 'starting') present = found.includes(id) ? withLane(present, id, { phase: 'running' }) : startLane(ctx, present, lane)
        else if (phase === 'running' && !found.includes(id)) present = await laneEnded(ctx, present, id, 'the tree of the lane was lost')
      }
      return present
    },
    $rejoinFailed: (ctx, state) => {
      ctx.setTimer('rejoin', RETRY_MS, '$rejoin', {})
      return state
    },
    $rejoin: (ctx, state) => rejoin(ctx, state),
    $laneExited: (ctx, state, { laneId, exit }) => {
      if (wentWithSupervisor(exit)) return rejoinOnceMore(ctx, state)
      const why = `the tree of the lane ended (${exit.reason})${exit.error === undefined ? '' : `: ${exit.error.message}`}`
      return laneEnded(ctx, state, laneId, why)
    },
  },
})
