import type { SupervisorProtocol } from '../kernel/child-spec.ts'
import { type ActorContext, type ActorDefinition, defineActor, type Named, named } from '../kernel/types.ts'
import { isSignalboxError, SignalboxError, toErrorRecord } from '../protocols/errors.ts'
import type { NewEvent } from '../protocols/events.ts'
import { type LaneEvent, laneMachine } from '../protocols/lane.machine.ts'
import type { CleaningReport } from '../protocols/lane.protocol.ts'
import type { OwnLaneProtocol } from '../protocols/own-lane.protocol.ts'
import type { PlanCommand } from '../protocols/plan.ts'
import type { LaneRecord } from '../protocols/records.ts'
import { commit, event, readRecord, recordOf } from './journal.ts'
import { cleanLane, holdsUncommitted } from './lane-cleaning.ts'
import { terminalsName, terminalTreeName } from './names.ts'
import { lastAttempts, recordLost } from './own-lane-recovery.ts'
import { newOwnRecord, newOwnState, notReady, type OwnLaneState, ownLaneSummary, whyNoCommand } from './own-lane-state.ts'
import type { OwnLaneArgs } from './services.ts'

type Ctx = ActorContext<OwnLaneProtocol>

/** Attempts at removing a worktree before it is left as a finding for `signalbox doctor`. */
const CLEANING_ATTEMPTS = 4
const CLEANING_BACKOFF_MS = 250
/** For a supervisor to answer, and beyond a command's grace to find and end what it left behind. */
const ANSWER_MS = 30_000

const terminals = ({ record }: OwnLaneState): Named<SupervisorProtocol> => named(terminalsName(record.id))

/** Takes the machine one step on, stores it, then performs the machine's actions. */
const step = async (
  ctx: Ctx,
  state: OwnLaneState,
  by: LaneEvent,
  cause: string,
  more: { readonly before?: NewEvent; readonly after?: NewEvent; readonly patch?: Partial<LaneRecord>; readonly error?: unknown } = {},
): Promise<OwnLaneState> => {
  const from = state.record.snapshot
  const { next, actions } = laneMachine.advance(from, by, { laneId: state.record.id })
  const record: LaneRecord = { ...state.record, ...more.patch, snapshot: next }
  const payload = {
    name: record.name,
    from: from.state,
    to: next.state,
    event: by.type,
    cause,
    ...(more.error !== undefined && { error: toErrorRecord(more.error) }),
  }
  const changed = event(ctx.now(), 'lane.state-changed', { laneId: record.id }, payload)
  await commit(
    ctx,
    [more.before, changed, more.after].filter((one) => one !== undefined),
    [recordOf('lane', record)],
  )
  return actions.reduce((present, action) => perform(ctx, present, action), { ...state, record })
}

const perform = (ctx: Ctx, state: OwnLaneState, action: string): OwnLaneState => {
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

const addWorktree = (ctx: Ctx, state: OwnLaneState): OwnLaneState => {
  const { services, made } = state.args
  const { path, branch } = state.record.worktree
  const add = (signal: AbortSignal) =>
    services.worktrees.add({ path, branch, base: made.base, copy: made.copy }, AbortSignal.any([signal, state.provisioning.signal]))
  ctx.run(add, { done: ['$provisioned', (worktree) => ({ worktree })], failed: ['$provisionFailed', (error) => ({ error })] })
  return { ...state, adding: true }
}

const endEverything = (ctx: Ctx, state: OwnLaneState): OwnLaneState => {
  const supervisor = terminals(state)
  const stopAll = async (): Promise<void> => {
    const { children } = await ctx.ask(supervisor, 'supervisor.children', {}, { timeoutMs: ANSWER_MS })
    const stops = children.map(({ name }) => ctx.ask(supervisor, 'supervisor.stop-child', { name }, { timeoutMs: 2 * ANSWER_MS }))
    await Promise.allSettled(stops)
  }
  ctx.run(stopAll, { done: ['$terminalsStopped', () => ({})], failed: ['$terminalsStopped', () => ({})] })
  return state
}

const NOTHING: CleaningReport = { kept: false, branchDeleted: true, commits: 0, uncommitted: [], reason: null }

const removeWorktree = (ctx: Ctx, state: OwnLaneState): OwnLaneState => {
  const { worktrees } = state.args.services
  const clean = () => (state.provisioned ? cleanLane(worktrees, state.record.worktree, 'never', 'succeeded') : Promise.resolve(NOTHING))
  ctx.run(clean, { done: ['$cleaned', (report) => report], failed: ['$cleanFailed', (error) => ({ error })] })
  return { ...state, cleaningAttempts: state.cleaningAttempts + 1 }
}

type Spawn = OwnLaneProtocol['lane.spawn']['message']

/** A command's terminal: the one that it had before, where it ran before. */
const withTerminal = ({ record, args }: OwnLaneState, { name }: PlanCommand) => {
  const known = (record.terminals ?? []).find(({ command }) => command === name)
  if (known !== undefined) return { terminalId: known.id, list: record.terminals ?? [] }
  const terminalId = args.services.newId('terminal')
  return { terminalId, list: [...(record.terminals ?? []), { command: name, id: terminalId }] }
}

const spawn = async (ctx: Ctx, state: OwnLaneState, { command, by, size }: Spawn): Promise<OwnLaneState> => {
  const { terminalId, list } = withTerminal(state, command)
  const patch = { terminals: list }
  const changed = { ...state, record: { ...state.record, ...patch }, busy: new Set(state.busy).add(command.name) }
  const ids = { laneId: state.record.id, terminalId }
  const opening = event(ctx.now(), 'terminal.opening', ids, { lane: state.record.name, command: command.name, by })
  if (!state.record.snapshot.context.running) {
    const next = await step(ctx, changed, { type: 'started' }, `terminal ${command.name} opens: ${by}`, { before: opening })
    return startTerminal(ctx, next, { command, terminalId, ...(size !== undefined && { size }) })
  }
  await commit(ctx, [opening], [recordOf('lane', changed.record)])
  return startTerminal(ctx, changed, { command, terminalId, ...(size !== undefined && { size }) })
}

type Start = Pick<Spawn, 'command' | 'size'> & Pick<OwnLaneProtocol['lane.spawn']['reply'], 'terminalId'>

const startTerminal = (ctx: Ctx, state: OwnLaneState, { command, terminalId, size }: Start): OwnLaneState => {
  const { services, laneId, name: lane, made } = state.args
  const { path: cwd, branch } = state.record.worktree
  const args = { services, runId: null, laneId, terminalId, lane, command, env: made.env, cwd, branch }
  const spec = services.trees.terminal({ ...args, ...(size !== undefined && { size }) })
  const { name } = command
  const start = async (): Promise<void> => {
    const { ref } = await ctx.ask(terminals(state), 'supervisor.start-child', { spec }, { timeoutMs: ANSWER_MS })
    ctx.watch(ref, ['$terminalExited', (exit) => ({ command: name, exit })])
  }
  ctx.run(start, {
    done: ['$terminalStarted', () => ({ command: name })],
    failed: ['$terminalStartFailed', (error) => ({ command: name, error })],
  })
  return state
}

/** Answers who asked for the command, if somebody did. */
const answerSpawn = (state: OwnLaneState, name: string, error?: unknown): OwnLaneState => {
  const reply = state.spawnAsked.get(name)
  const terminal = state.record.terminals?.find(({ command }) => command === name)
  if (reply === undefined || terminal === undefined) return state
  if (error === undefined) reply({ terminalId: terminal.id })
  else reply.fail(error)
  const spawnAsked = new Map(state.spawnAsked)
  spawnAsked.delete(name)
  return { ...state, spawnAsked }
}

/** Ready again once nothing runs. A command that failed is the business of who started it. */
const terminalEnded = async (ctx: Ctx, state: OwnLaneState, name: string): Promise<OwnLaneState> => {
  const busy = new Set(state.busy)
  busy.delete(name)
  const next = { ...state, busy }
  const { state: now, context } = next.record.snapshot
  if (busy.size > 0 || !context.running || now === 'cleaning' || now === 'closed') return next
  return step(ctx, next, { type: 'settled' }, 'its last terminal ended')
}

/** Looks first whether work would be lost: only then anything is ended. */
const look = (ctx: Ctx, { record, args }: OwnLaneState, by: string): void => {
  const inspect = async (): Promise<void> => {
    const work = await args.services.worktrees.inspect(record.worktree).catch((error: unknown) => {
      if (isSignalboxError(error, 'ERR_WORKTREE_NOT_FOUND')) return null
      throw error
    })
    if (work === null || work.uncommitted.length === 0) return
    const text = `lane ${record.name} stays: ${holdsUncommitted(work.uncommitted)} in ${record.worktree.path}; commit or remove them first`
    const context = { laneId: record.id, worktree: record.worktree.path, uncommitted: work.uncommitted }
    throw new SignalboxError('ERR_WORKTREE_DIRTY', text, { context })
  }
  ctx.run(inspect, { done: ['$looked', () => ({ by, error: null })], failed: ['$looked', (error) => ({ by, error })] })
}

/** Records the end, answers all who wait, and ends: the tree of the lane goes with it. */
const end = async (ctx: Ctx, state: OwnLaneState, report: CleaningReport): Promise<OwnLaneState> => {
  const summary = ownLaneSummary(state, report, await lastAttempts(ctx, state.record), ctx.now())
  const closed = await step(ctx, state, { type: 'cleaned' }, report.reason ?? 'nothing is left', {
    after: event(ctx.now(), 'lane.ended', { laneId: state.record.id }, { name: state.record.name, summary }),
    patch: { summary, endedAt: ctx.now() },
  })
  const removed = notReady(closed, 'was removed')
  for (const reply of closed.readyAsked) reply.fail(closed.failure ?? removed)
  for (const reply of closed.spawnAsked.values()) reply.fail(removed)
  for (const reply of closed.removeAsked) reply(summary)
  ctx.exit('normal')
  return closed
}

/**
 * A lane whose actor crashed, or whose process died: it stands again, with the terminals that still run. One that had no
 * worktree yet, or has none any more, or was being removed, is cleaned up.
 */
const recover = async (ctx: Ctx, args: OwnLaneArgs, record: LaneRecord): Promise<OwnLaneState> => {
  const state: OwnLaneState = { ...newOwnState(args, record), provisioned: true }
  if (record.summary !== null) {
    ctx.exit('normal')
    return state
  }
  const now = record.snapshot.state
  if (now === 'cleaning') return endEverything(ctx, state)
  const why = 'the orchestrator died while its worktree was being made'
  if (now === 'new' || now === 'provisioning') {
    return step(ctx, { ...state, failure: new SignalboxError('ERR_LANE_NOT_READY', why) }, { type: 'cleanup' }, why)
  }
  const find = async (): Promise<readonly string[]> => {
    const { children } = await ctx.ask(terminals(state), 'supervisor.children', {}, { timeoutMs: ANSWER_MS })
    return (record.terminals ?? []).flatMap(({ command, id }) => {
      const ref = children.find(({ name }) => name === terminalTreeName(id))?.ref
      if (ref == null) return []
      ctx.watch(ref, ['$terminalExited', (exit) => ({ command, exit })])
      return [command]
    })
  }
  ctx.run(find, { done: ['$rejoined', (running) => ({ running })], failed: ['$rejoined', () => ({ running: [] })] })
  return { ...state, busy: new Set((record.terminals ?? []).map(({ command }) => command)) }
}

const rejoined = async (ctx: Ctx, state: OwnLaneState, running: readonly string[]): Promise<OwnLaneState> => {
  let present = state
  for (const { command, id } of state.record.terminals ?? []) {
    if (running.includes(command)) continue
    await recordLost(ctx, state.args.services, id)
    present = await terminalEnded(ctx, present, command)
  }
  return present
}

/** A lane of its own: a worktree and branch, kept until it is removed, in which terminals are opened one by one. */
export const ownLaneActor: ActorDefinition<OwnLaneProtocol, OwnLaneState, OwnLaneArgs> = defineActor<
  OwnLaneProtocol,
  OwnLaneState,
  OwnLaneArgs
>({
  kind: 'lane',
  async init(ctx, args) {
    const known = await readRecord<LaneRecord>(ctx, 'lane', args.laneId)
    if (known !== null) return recover(ctx, args, known)
    const { base } = args.made
    const baseCommit = await args.services.worktrees.resolve(base)
    const record = newOwnRecord(args, baseCommit, ctx.now())
    const { path: worktree, branch } = record.worktree
    const payload = { name: record.name, worktree, branch, baseCommit, base, ...(args.by !== undefined && { by: args.by }) }
    const created = event(ctx.now(), 'lane.created', { laneId: args.laneId }, payload)
    return step(ctx, newOwnState(args, record), { type: 'provision' }, 'somebody asked for it', { before: created })
  },
  on: {
    'lane.ready': (_ctx, state, _message, reply) => {
      const now = state.record.snapshot.state
      if (now === 'new' || now === 'provisioning') return { ...state, readyAsked: [...state.readyAsked, reply] }
      if (now === 'cleaning' && state.failure !== null) return { ...state, readyAsked: [...state.readyAsked, reply] }
      if (now === 'cleaning' || now === 'closed') reply.fail(notReady(state, 'is being removed'))
      else reply(state.record)
      return state
    },
    'lane.spawn': (ctx, state, wanted, reply) => {
      const refusal = whyNoCommand(state, wanted.command.name)
      if (refusal === null) return spawn(ctx, { ...state, spawnAsked: new Map(state.spawnAsked).set(wanted.command.name, reply) }, wanted)
      reply.fail(refusal)
      return state
    },
    'lane.remove': (ctx, state, { by }, reply) => {
      const next = { ...state, removeAsked: [...state.removeAsked, reply] }
      if (state.record.snapshot.state !== 'cleaning' && state.removeAsked.length === 0) look(ctx, state, by)
      return next
    },
    $looked: (ctx, state, { by, error }) => {
      if (error === null && state.record.snapshot.state !== 'cleaning') return step(ctx, state, { type: 'cleanup' }, `removed: ${by}`)
      if (error !== null) for (const reply of state.removeAsked) reply.fail(error)
      return error === null ? state : { ...state, removeAsked: [] }
    },
    $provisioned: async (ctx, state, { worktree }) => {
      const made = { ...state, adding: false, provisioned: true, record: { ...state.record, worktree } }
      if (made.record.snapshot.state === 'cleaning') return removeWorktree(ctx, made)
      const ready = await step(ctx, made, { type: 'provisioned' }, `worktree at ${worktree.path}`, { patch: { worktree } })
      for (const reply of ready.readyAsked) reply(ready.record)
      return { ...ready, readyAsked: [] }
    },
    $provisionFailed: (ctx, state, { error }) => {
      const failed = { ...state, adding: false, failure: error }
      if (failed.record.snapshot.state === 'cleaning') return removeWorktree(ctx, failed)
      return step(ctx, failed, { type: 'provision-failed' }, toErrorRecord(error).message, { error })
    },
    $terminalStarted: (_ctx, state, { command }) => answerSpawn(state, command),
    $terminalStartFailed: (ctx, state, { command, error }) => terminalEnded(ctx, answerSpawn(state, command, error), command),
    $terminalExited: (ctx, state, { command }) => terminalEnded(ctx, state, command),
    $rejoined: (ctx, state, { running }) => rejoined(ctx, state, running),
    $terminalsStopped: (ctx, state) => removeWorktree(ctx, state),
    $cleaned: (ctx, state, report) => end(ctx, state, report),
    $cleanFailed: async (ctx, state, { error }) => {
      const { message } = toErrorRecord(error)
      if (state.cleaningAttempts < CLEANING_ATTEMPTS) return step(ctx, state, { type: 'cleanup-failed' }, message, { error })
      return end(ctx, state, {
        ...NOTHING,
        kept: true,
        branchDeleted: false,
        reason: `worktree kept: it could not be removed (${message})`,
      })
    },
    $retryCleaning: (ctx, state) => removeWorktree(ctx, state),
  },
})
