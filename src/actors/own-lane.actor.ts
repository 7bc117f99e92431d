import type { SupervisorProtocol } from '../kernel/child-spec.ts'
import { type ActorContext, type ActorDefinition, defineActor, type Named, named } from '../kernel/types.ts'
import { SignalboxError, toErrorRecord } from '../protocols/errors.ts'
import type { NewEvent } from '../protocols/events.ts'
import { wentWithSupervisor } from '../protocols/exit.ts'
import { type LaneEvent, laneMachine } from '../protocols/lane.machine.ts'
import type { CleaningReport } from '../protocols/lane.protocol.ts'
import type { OwnLaneProtocol } from '../protocols/own-lane.protocol.ts'
import type { PlanCommand } from '../protocols/plan.ts'
import type { LaneRecord, LaneRemoval, TerminalRecord } from '../protocols/records.ts'
import { commit, event, readRecord, recordOf } from './journal.ts'
import { notRemoved } from './lane-cleaning.ts'
import { terminalsName, terminalTreeName } from './names.ts'
import { lastAttempt } from './lane-recovery.ts'
import { isLost, recordLost } from './lost-terminals.ts'
import { endLostTerminals, lastAttempts } from './own-lane-recovery.ts'
import { checkRemoval, cleanOwnLane, whyOtherRemoval } from './own-lane-removal.ts'
import { newOwnRecord, newOwnState, notReady, type OwnLaneState, ownLaneSummary, whyNoCommand } from './own-lane-state.ts'
import type { OwnLaneArgs } from './services.ts'
import { isUnanswered } from './unanswered.ts'

type Ctx = ActorContext<OwnLaneProtocol>

/** Attempts at removing a worktree before it is left as a finding for `signalbox doctor`. */
const CLEANING_ATTEMPTS = 4
const CLEANING_BACKOFF_MS = 250
/** A terminal that is lost again so soon after it was started again by policy may be what kills its host. */
const LOST_AGAIN_MS = 60_000
/** For a supervisor to answer, and beyond a command's grace to find and end what it left behind. */
const ANSWER_MS = 30_000
/** Before a supervisor is asked again that is being restarted. */
const RETRY_MS = 100

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
  const { restores, worktree } = state.record
  const { path, branch } = worktree
  const add = (stop: AbortSignal) => {
    const signal = AbortSignal.any([stop, state.provisioning.signal])
    if (restores !== undefined) return services.recovery.restore(restores, signal)
    return services.worktrees.add({ path, branch, base: made.base, copy: made.copy }, signal)
  }
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
  ctx.run(stopAll, { done: ['$terminalsStopped', () => ({})], failed: ['$stopTerminals', (error) => ({ error })] })
  return state
}

/** What no supervisor could bring back is ended too. */
const terminalsStopped = async (ctx: Ctx, state: OwnLaneState): Promise<OwnLaneState> => {
  await endLostTerminals(ctx, state.args.services, state.record.id)
  return removeWorktree(ctx, state)
}

const removeWorktree = (ctx: Ctx, state: OwnLaneState): OwnLaneState => {
  ctx.run(() => cleanOwnLane(state), { done: ['$cleaned', (report) => report], failed: ['$cleanFailed', (error) => ({ error })] })
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
  const args = { services, runId: null, laneId, terminalId, lane, command, env: made.env, cwd, branch, ...(size !== undefined && { size }) }
  services.opened.set(terminalId, args)
  const spec = services.trees.terminal(args)
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
  const terminal = state.record.terminals?.find(({ command }) => command === name)
  if (terminal !== undefined) state.args.services.opened.delete(terminal.id)
  const next = { ...state, busy }
  const { state: now, context } = next.record.snapshot
  if (busy.size > 0 || !context.running || now === 'cleaning' || now === 'closed') return next
  return step(ctx, next, { type: 'settled' }, 'its last terminal ended')
}

/** By policy what was lost with its host is started again, unless it was so a moment ago. */
const respawnLost = async (ctx: Ctx, state: OwnLaneState, name: string): Promise<OwnLaneState> => {
  const terminal = state.record.terminals?.find(({ command }) => command === name)
  if (!state.args.services.respawnsLost || terminal === undefined || whyNoCommand(state, name) !== null) return state
  const opened = (await readRecord<TerminalRecord>(ctx, 'terminal', terminal.id))?.opened
  const last = await lastAttempt(ctx, terminal.id)
  const at = ctx.monotonic()
  if (opened === undefined || last?.exit == null || !isLost(last) || last.exit.stopped) return state
  if (at - (state.respawnedAt.get(name) ?? -Infinity) < LOST_AGAIN_MS) return state
  const size = last.size ?? opened.size
  const next = { ...state, respawnedAt: new Map(state.respawnedAt).set(name, at) }
  return spawn(ctx, next, { command: opened.command, by: 'the policy terminals.respawnLost', ...(size !== undefined && { size }) })
}

/** Looks first whether work would be lost: only then anything is ended. */
const lookForWork = (ctx: Ctx, { record, args }: OwnLaneState, by: string, how: LaneRemoval): void => {
  const look = () => checkRemoval(args.services, record, how)
  ctx.run(look, { done: ['$looked', () => ({ by, how, error: null })], failed: ['$looked', (error) => ({ by, how, error })] })
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
  if (now === 'provisioning' && record.restores !== undefined) return addWorktree(ctx, { ...state, provisioned: false })
  if (now === 'new' || now === 'provisioning') {
    return step(ctx, { ...state, failure: new SignalboxError('ERR_LANE_NOT_READY', why) }, { type: 'cleanup' }, why)
  }
  const names: string[] = []
  for (const { command, id } of record.terminals ?? []) {
    if (args.services.opened.has(id)) names.push(command)
    else await recordLost(ctx, args.services, id)
  }
  const known: OwnLaneState = { ...state, busy: new Set(names) }
  if (names.length > 0) return rejoin(ctx, known, names)
  return record.snapshot.context.running ? step(ctx, known, { type: 'settled' }, 'its terminals were lost') : known
}

/** These went with their supervisor: it is asked what it brought back. */
const rejoin = (ctx: Ctx, state: OwnLaneState, names: readonly string[]): OwnLaneState => {
  const wanted = { ...state, rejoining: new Set([...state.rejoining, ...names]) }
  return state.looking ? wanted : look(ctx, wanted)
}

/** Asks its terminals' supervisor, which may be being restarted, what it has, and watches that. */
const look = (ctx: Ctx, state: OwnLaneState): OwnLaneState => {
  const names = [...state.rejoining]
  const find = async (): Promise<readonly string[]> => {
    const { children } = await ctx.ask(terminals(state), 'supervisor.children', {}, { timeoutMs: ANSWER_MS })
    return (state.record.terminals ?? []).flatMap(({ command, id }) => {
      const ref = children.find(({ name }) => name === terminalTreeName(id))?.ref
      if (ref == null || !names.includes(command)) return []
      ctx.watch(ref, ['$terminalExited', (exit) => ({ command, exit })])
      return [command]
    })
  }
  ctx.run(find, { done: ['$rejoined', (running) => ({ names, running })], failed: ['$rejoinFailed', () => ({ names })] })
  return { ...state, rejoining: new Set(), looking: true }
}

/** Looks again, in a moment, if there is something to look for. */
const lookLater = (ctx: Ctx, state: OwnLaneState): OwnLaneState => {
  const looking = state.rejoining.size > 0
  if (looking) ctx.setTimer('rejoin', RETRY_MS, '$rejoin', {})
  return { ...state, looking }
}

type Rejoined = OwnLaneProtocol['$rejoined']['message']

/** What ran and does not has ended, or is lost. */
const rejoined = async (ctx: Ctx, state: OwnLaneState, { names, running }: Rejoined): Promise<OwnLaneState> => {
  // Whoever ends everything sees to them.
  if (isLeaving(state)) return { ...state, looking: false }
  let present = state
  const starting: string[] = []
  for (const { command, id } of state.record.terminals ?? []) {
    if (!names.includes(command) || !present.busy.has(command)) continue
    const isAsked = present.spawnAsked.has(command)
    if (!running.includes(command)) {
      await recordLost(ctx, state.args.services, id)
      present = answerSpawn(present, command, notReady(present, `lost terminal ${command} while it was being opened; open it again`))
      present = await terminalEnded(ctx, present, command)
    } else if (isAsked && (await lastAttempt(ctx, id))?.snapshot.state === 'spawning') starting.push(command)
    else present = answerSpawn(present, command)
  }
  return lookLater(ctx, { ...present, rejoining: new Set([...present.rejoining, ...starting]) })
}

const isLeaving = ({ record: { snapshot } }: OwnLaneState): boolean => snapshot.state === 'cleaning' || snapshot.state === 'closed'

/** Records it, and makes its worktree. */
const make = (ctx: Ctx, state: OwnLaneState): Promise<OwnLaneState> => {
  const { args, record } = state
  const { path: worktree, branch, baseCommit } = record.worktree
  const payload = { name: record.name, worktree, branch, baseCommit, base: args.made.base, ...(args.by !== undefined && { by: args.by }) }
  const created = event(record.createdAt, 'lane.created', { laneId: record.id }, payload)
  return step(ctx, state, { type: 'provision' }, 'somebody asked for it', { before: created })
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
    const baseCommit = args.restores?.worktree.baseCommit ?? (await args.services.worktrees.resolve(base))
    return newOwnState(args, newOwnRecord(args, baseCommit, ctx.now()))
  },
  on: {
    'lane.ready': (ctx, state, _message, reply) => {
      const now = state.record.snapshot.state
      const asked = { ...state, readyAsked: [...state.readyAsked, reply] }
      // not before: whoever asks learns why it failed, however fast that is
      if (now === 'new') return make(ctx, asked)
      if (now === 'provisioning' || (now === 'cleaning' && state.failure !== null)) return asked
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
    'lane.remove': (ctx, state, { by, how }, reply) => {
      const other = whyOtherRemoval(state, how)
      if (other !== null) {
        reply.fail(other)
        return state
      }
      const next = { ...state, removing: how, removeAsked: [...state.removeAsked, reply] }
      if (state.record.snapshot.state !== 'cleaning' && state.removeAsked.length === 0) lookForWork(ctx, state, by, how)
      return next
    },
    $looked: (ctx, state, { by, how, error }) => {
      if (error === null && state.record.snapshot.state !== 'cleaning')
        return step(ctx, state, { type: 'cleanup' }, `removed: ${by}`, { patch: { removal: how } })
      if (error !== null) for (const reply of state.removeAsked) reply.fail(error)
      return error === null ? state : { ...state, removing: undefined, removeAsked: [] }
    },
    $provisioned: async (ctx, state, { worktree }) => {
      const made = { ...state, adding: false, provisioned: true, record: { ...state.record, worktree } }
      if (made.record.snapshot.state === 'cleaning') return removeWorktree(ctx, made)
      const ready = await step(ctx, made, { type: 'provisioned' }, `worktree at ${worktree.path}`, { patch: { worktree, stood: true } })
      for (const reply of ready.readyAsked) reply(ready.record)
      return { ...ready, readyAsked: [] }
    },
    $provisionFailed: (ctx, state, { error }) => {
      const failed = { ...state, adding: false, failure: error }
      if (failed.record.snapshot.state === 'cleaning') return removeWorktree(ctx, failed)
      return step(ctx, failed, { type: 'provision-failed' }, toErrorRecord(error).message, { error })
    },
    $terminalStarted: (_ctx, state, { command }) => answerSpawn(state, command),
    $terminalStartFailed: (ctx, state, { command, error }) => {
      if (!isUnanswered(error) || isLeaving(state)) return terminalEnded(ctx, answerSpawn(state, command, error), command)
      return rejoin(ctx, state, [command])
    },
    $terminalExited: (ctx, state, { command, exit }) => {
      if (!isLeaving(state) && wentWithSupervisor(exit)) return rejoin(ctx, state, [command])
      return terminalEnded(ctx, state, command).then((next) => respawnLost(ctx, next, command))
    },
    $rejoined: (ctx, state, message) => rejoined(ctx, state, message),
    $rejoinFailed: (ctx, state, { names }) => lookLater(ctx, { ...state, rejoining: new Set([...state.rejoining, ...names]) }),
    $rejoin: (ctx, state) => look(ctx, state),
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
