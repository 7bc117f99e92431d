import { type ActorContext, type ActorDefinition, defineActor, named } from '../kernel/types.ts'
import type { SupervisorProtocol } from '../kernel/child-spec.ts'
import { toErrorRecord } from '../protocols/errors.ts'
import type { NewEvent } from '../protocols/events.ts'
import { type Exit, wentWithSupervisor } from '../protocols/exit.ts'
import { type LaneEvent, laneMachine } from '../protocols/lane.machine.ts'
import type { LaneProtocol } from '../protocols/lane.protocol.ts'
import type { LaneRecord, PtyRecord, TerminalRecord } from '../protocols/records.ts'
import type { Outcome } from '../protocols/summary.ts'
import { commit, event, readRecord, recordOf } from './journal.ts'
import { cleanLane, notRemoved } from './lane-cleaning.ts'
import { knownCommands, newRecord, newState, terminalSpec } from './lane-recovery.ts'
import { endLeftRunning } from './left-running.ts'
import { isUnanswered } from './unanswered.ts'
import { type CommandProgress, laneSummary, type LaneActorState, nextMove, settle, withCommand } from './lane-state.ts'
import { namedRun, terminalsName, terminalTreeName } from './names.ts'
import type { LaneArgs } from './services.ts'

type Ctx = ActorContext<LaneProtocol>

/** Attempts at removing a worktree before it is left as a finding for `signalbox doctor`. */
const CLEANING_ATTEMPTS = 4
const CLEANING_BACKOFF_MS = 250
/** Between questions to a supervisor that is being restarted. */
const RETRY_MS = 50
/** Beyond a command's grace: time to find and end what it left behind. */
const STOP_MARGIN_MS = 30_000

const idsOf = ({ args, record }: Pick<LaneActorState, 'args' | 'record'>) => ({ runId: args.runId, laneId: record.id })

const terminals = (state: LaneActorState) => named<SupervisorProtocol>(terminalsName(state.record.id))

/** Takes the machine one step on, stores it with what else happened, then performs the machine's actions. */
const step = async (
  ctx: Ctx,
  state: LaneActorState,
  by: LaneEvent,
  cause: string,
  more: { before?: NewEvent; after?: NewEvent; patch?: Partial<LaneRecord>; error?: unknown } = {},
): Promise<LaneActorState> => {
  const from = state.record.snapshot
  const { next, actions } = laneMachine.advance(from, by, { laneId: state.record.id })
  const record: LaneRecord = { ...state.record, ...more.patch, snapshot: next }
  const changed = event(ctx.now(), 'lane.state-changed', idsOf(state), {
    name: record.name,
    from: from.state,
    to: next.state,
    event: by.type,
    cause,
    ...(more.error !== undefined && { error: toErrorRecord(more.error) }),
  })
  const events = [more.before, changed, more.after].filter((one) => one !== undefined)
  await commit(ctx, events, [recordOf('lane', record)])
  return actions.reduce((present, action) => perform(ctx, present, action), { ...state, record })
}

const perform = (ctx: Ctx, state: LaneActorState, action: string): LaneActorState => {
  switch (action) {
    case 'addWorktree':
      return addWorktree(ctx, state)
    case 'abortProvisioning':
      state.provisioning.abort()
      return state.adding ? state : removeWorktree(ctx, state)
    case 'endEverything':
      return endEverything(ctx, state)
    case 'removeWorktree':
      return removeWorktree(ctx, state)
    default:
      ctx.setTimer('cleaning', CLEANING_BACKOFF_MS * 2 ** state.cleaningAttempts, '$retryCleaning', {})
      return state
  }
}

const addWorktree = (ctx: Ctx, state: LaneActorState): LaneActorState => {
  const { services, lane } = state.args
  const { path, branch } = state.record.worktree
  ctx.run(
    (signal) =>
      services.worktrees.add({ path, branch, base: lane.base, copy: lane.copy }, AbortSignal.any([signal, state.provisioning.signal])),
    {
      done: ['$provisioned', (worktree) => ({ worktree })],
      failed: ['$provisionFailed', (error) => ({ error })],
    },
  )
  return { ...state, adding: true }
}

const endEverything = (ctx: Ctx, state: LaneActorState): LaneActorState => {
  const running = state.commands.filter((command) => command.phase === 'starting' || command.phase === 'running').toReversed()
  const supervisor = terminals(state)
  const stopAll = async (): Promise<void> => {
    for (const { terminalId, spec } of running) {
      await ctx.ask(
        supervisor,
        'supervisor.stop-child',
        { name: terminalTreeName(terminalId) },
        { timeoutMs: spec.graceMs + STOP_MARGIN_MS },
      )
    }
  }
  ctx.run(stopAll, { done: ['$terminalsStopped', () => ({})], failed: ['$stopTerminals', (error) => ({ error })] })
  return state
}

const removeWorktree = (ctx: Ctx, state: LaneActorState): LaneActorState => {
  const { services, keep } = state.args
  const { worktree } = state.record
  const outcome = state.verdict?.outcome ?? 'failed'
  const clean = () =>
    state.provisioned
      ? cleanLane(services.worktrees, worktree, keep, outcome)
      : Promise.resolve({ kept: false, branchDeleted: true, commits: 0, uncommitted: [], reason: null })
  ctx.run(clean, { done: ['$cleaned', (report) => report], failed: ['$cleanFailed', (error) => ({ error })] })
  return { ...state, cleaningAttempts: state.cleaningAttempts + 1 }
}

const startCommand = (ctx: Ctx, state: LaneActorState, command: CommandProgress): LaneActorState => {
  const spec = terminalSpec(state.args, state.record, command.spec, command.terminalId)
  const { name } = command.spec
  const start = async (): Promise<void> => {
    const { ref } = await ctx.ask(terminals(state), 'supervisor.start-child', { spec }, { timeoutMs: STOP_MARGIN_MS })
    ctx.watch(ref, ['$terminalExited', (exit) => ({ command: name, exit })])
  }
  ctx.run(start, {
    done: ['$terminalStarted', () => ({ command: name })],
    failed: ['$terminalStartFailed', (error) => ({ command: name, error })],
  })
  return withCommand(state, name, { phase: 'starting' })
}

const proceed = async (ctx: Ctx, state: LaneActorState): Promise<LaneActorState> => {
  if (state.verdict !== null || state.rejoining !== null) return state
  const failure = state.commands.find((command) => command.outcome === 'failed')
  if (failure !== undefined) return finish(ctx, state, 'failed', `${failure.spec.name}: ${failure.reason}`)
  const move = nextMove(state.commands)
  if (move.do === 'start') return startCommand(ctx, state, move.command)
  return move.do === 'finish' ? finish(ctx, state, 'succeeded', null) : state
}

/** Decides how the lane ends, then cleans up. Only the first verdict counts. */
const finish = async (ctx: Ctx, state: LaneActorState, outcome: Outcome, reason: string | null): Promise<LaneActorState> => {
  if (state.verdict !== null) return state
  const verdict = { outcome, reason }
  return step(ctx, { ...state, verdict }, { type: 'cleanup' }, reason ?? 'every command succeeded', { patch: { verdict } })
}

/** Reads from the records how the command ended: they are written before its terminal ends. */
const settled = async (ctx: Ctx, state: LaneActorState, name: string, exit: Exit): Promise<LaneActorState> => {
  const command = state.commands.find((candidate) => candidate.spec.name === name)
  if (command === undefined || command.phase === 'ended') return state
  const terminal = await readRecord<TerminalRecord>(ctx, 'terminal', command.terminalId)
  const pty = terminal?.lastPtyId == null ? null : await readRecord<PtyRecord>(ctx, 'pty', terminal.lastPtyId)
  if (pty !== null) await endLeftRunning(state.args.services, pty.id, 'its supervisor gave up')
  return withCommand(state, name, settle(command, terminal?.attempts ?? 0, pty?.exit ?? null, exit, state.verdict !== null))
}

const commandEnded = async (ctx: Ctx, state: LaneActorState, name: string, exit: Exit): Promise<LaneActorState> =>
  proceed(ctx, await settled(ctx, state, name, exit))

/** Asks its terminals' supervisor, which may be being restarted, what it has, and watches that. */
const rejoin = (ctx: Ctx, state: LaneActorState): LaneActorState => {
  const find = async (): Promise<readonly string[]> => {
    const { children } = await ctx.ask(terminals(state), 'supervisor.children', {}, { timeoutMs: STOP_MARGIN_MS })
    const refs = new Map(children.map(({ name, ref }) => [name, ref]))
    return state.commands.flatMap(({ terminalId, spec: { name } }) => {
      const ref = refs.get(terminalTreeName(terminalId))
      if (ref == null) return []
      ctx.watch(ref, ['$terminalExited', (exit) => ({ command: name, exit })])
      return [name]
    })
  }
  ctx.run(find, { done: ['$rejoined', (running) => ({ running })], failed: ['$rejoinFailed', () => ({})] })
  return { ...state, rejoining: 'asked' }
}

/** What went with its supervisor. Of one that ended after the answer under way was given, that answer knows nothing. */
const rejoinOnceMore = (ctx: Ctx, state: LaneActorState): LaneActorState =>
  state.rejoining === null ? rejoin(ctx, state) : { ...state, rejoining: 'stale' }

/** What was thought to run, and does not, has ended, or never began. */
const rejoined = async (ctx: Ctx, state: LaneActorState, running: readonly string[]): Promise<LaneActorState> => {
  let present: LaneActorState = { ...state, rejoining: null }
  // Whoever ends everything sees to them.
  if (state.verdict !== null) return present
  if (state.rejoining === 'stale') return rejoin(ctx, present)
  for (const { spec, phase, terminalId } of state.commands) {
    if (running.includes(spec.name)) present = withCommand(present, spec.name, { phase: 'running' })
    else if (phase === 'starting' || phase === 'running') {
      const terminal = await readRecord<TerminalRecord>(ctx, 'terminal', terminalId)
      if (terminal?.lastPtyId == null) present = withCommand(present, spec.name, { phase: 'waiting' })
      else present = await settled(ctx, present, spec.name, { reason: 'killed' })
    }
  }
  return proceed(ctx, present)
}

const end = async (ctx: Ctx, state: LaneActorState, report: Parameters<typeof laneSummary>[1]): Promise<LaneActorState> => {
  const summary = laneSummary(state, report, Math.max(0, Math.round(ctx.monotonic() - state.startedMonotonic)))
  const ended = event(ctx.now(), 'lane.ended', idsOf(state), { name: state.record.name, summary })
  const closed = await step(ctx, state, { type: 'cleaned' }, report.reason ?? 'nothing is left', {
    after: ended,
    patch: { summary, endedAt: ctx.now() },
  })
  ctx.tell(namedRun(state.args.runId), 'run.lane-ended', { laneId: state.args.laneId })
  return closed
}

const terminalsStopped = async (ctx: Ctx, state: LaneActorState): Promise<LaneActorState> => {
  let present = state
  for (const { spec, phase } of state.commands) {
    if (phase === 'starting' || phase === 'running') present = await settled(ctx, present, spec.name, { reason: 'shutdown' })
  }
  return removeWorktree(ctx, present)
}

const CRASHED = { outcome: 'failed', reason: 'the actor of the lane crashed' } as const

/**
 * A lane whose actor died: its terminals run on, and it goes on from the records. A check-out that was under way cannot be
 * taken over: it is given up.
 */
const recover = async (ctx: Ctx, args: LaneArgs, record: LaneRecord): Promise<LaneActorState> => {
  const state: LaneActorState = {
    ...newState(args, record, ctx.monotonic() - Math.max(0, ctx.now() - record.createdAt)),
    commands: await knownCommands(ctx, args, record),
    provisioned: true,
    verdict: record.verdict ?? null,
  }
  const { state: at } = record.snapshot
  if (record.summary !== null) {
    ctx.tell(namedRun(args.runId), 'run.lane-ended', { laneId: args.laneId })
    return state
  }
  if (at === 'cleaning') return endEverything(ctx, { ...state, verdict: state.verdict ?? CRASHED })
  if (at === 'new' || at === 'provisioning') return finish(ctx, state, CRASHED.outcome, CRASHED.reason)
  // Whoever told it to stop may have told the one before.
  const by = args.services.stopAskedBy(args.runId)
  if (by !== null) return finish(ctx, state, 'interrupted', `stopped: ${by}`)
  return rejoin(ctx, at === 'ready' ? await step(ctx, state, { type: 'started' }, 'its commands start') : state)
}

/** A lane: a worktree and branch, the commands that run in it one after the other, and what is left of them afterwards. */
export const laneActor: ActorDefinition<LaneProtocol, LaneActorState, LaneArgs> = defineActor<LaneProtocol, LaneActorState, LaneArgs>({
  kind: 'lane',
  async init(ctx, args) {
    const known = await readRecord<LaneRecord>(ctx, 'lane', args.laneId)
    if (known !== null) return recover(ctx, args, known)
    const baseCommit = await args.services.worktrees.resolve(args.lane.base).catch(() => '')
    const planned = newRecord(args, ctx.now())
    const record = { ...planned, worktree: { ...planned.worktree, baseCommit } }
    const created = event(
      ctx.now(),
      'lane.created',
      { runId: args.runId, laneId: args.laneId },
      { name: record.name, ...record.worktree, worktree: record.worktree.path, base: args.lane.base },
    )
    const state = newState(args, record, ctx.monotonic())
    return step(ctx, state, { type: 'provision' }, 'the run starts the lane', { before: created })
  },
  on: {
    'lane.stop': (ctx, state, { by }) => finish(ctx, state, 'interrupted', `stopped: ${by}`),
    $provisioned: async (ctx, state, { worktree }) => {
      const made = { ...state, adding: false, provisioned: true, record: { ...state.record, worktree } }
      if (made.record.snapshot.state === 'cleaning') return removeWorktree(ctx, made)
      const ready = await step(ctx, made, { type: 'provisioned' }, `worktree at ${worktree.path}`, { patch: { worktree } })
      return proceed(ctx, await step(ctx, ready, { type: 'started' }, 'its commands start'))
    },
    $provisionFailed: async (ctx, state, { error }) => {
      const settled = { ...state, adding: false }
      if (settled.record.snapshot.state === 'cleaning') return removeWorktree(ctx, settled)
      const { message } = toErrorRecord(error)
      return step(ctx, { ...settled, verdict: { outcome: 'failed', reason: message } }, { type: 'provision-failed' }, message, { error })
    },
    $terminalStarted: (ctx, state, { command }) => {
      const known = state.commands.find((candidate) => candidate.spec.name === command)
      return known?.phase === 'starting' ? proceed(ctx, withCommand(state, command, { phase: 'running' })) : state
    },
    $terminalStartFailed: (ctx, state, { command, error }) => {
      if (!isUnanswered(error)) return commandEnded(ctx, state, command, { reason: 'init_failed', error: toErrorRecord(error) })
      return state.verdict !== null ? state : rejoinOnceMore(ctx, state)
    },
    $terminalExited: (ctx, state, { command, exit }) => {
      if (state.verdict !== null || !wentWithSupervisor(exit)) return commandEnded(ctx, state, command, exit)
      return rejoinOnceMore(ctx, state)
    },
    $rejoined: (ctx, state, { running }) => rejoined(ctx, state, running),
    $rejoinFailed: (ctx, state) => {
      ctx.setTimer('rejoin', RETRY_MS, '$rejoin', {})
      return state
    },
    $rejoin: (ctx, state) => rejoin(ctx, state),
    $stopTerminals: (ctx, state, { error }) => {
      if (!isUnanswered(error)) return terminalsStopped(ctx, state)
      ctx.setTimer('stop', RETRY_MS, '$retryStop', {})
      return state
    },
    $retryStop: (ctx, state) => endEverything(ctx, state),
    $terminalsStopped: (ctx, state) => terminalsStopped(ctx, state),
    $cleaned: (ctx, state, report) => end(ctx, state, report),
    $cleanFailed: async (ctx, state, { error }) => {
      const { message } = toErrorRecord(error)
      if (state.cleaningAttempts < CLEANING_ATTEMPTS) return step(ctx, state, { type: 'cleanup-failed' }, message, { error })
      return end(ctx, state, notRemoved(message))
    },
    $retryCleaning: (ctx, state) => removeWorktree(ctx, state),
  },
})
