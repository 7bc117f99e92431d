import { type ActorContext, type ActorDefinition, defineActor, type Exit } from '../kernel/types.ts'
import type { Pty, PtySpec } from '../ports/terminal-host.port.ts'
import { type ErrorRecord, isSignalboxError, SignalboxError, toErrorRecord } from '../protocols/errors.ts'
import { classifyExit, classifyStartFailure, type ExitFinding } from '../protocols/exit-class.ts'
import type { NewEvent } from '../protocols/events.ts'
import type { PtyExit } from '../protocols/pty-exit.ts'
import { type PtyEvent, ptyMachine } from '../protocols/pty.machine.ts'
import type { PtyProtocol } from '../protocols/pty.protocol.ts'
import type { TerminalSize } from '../protocols/own-lane.protocol.ts'
import type { AttemptResult, PtyRecord, TerminalRecord } from '../protocols/records.ts'
import { commit, event, readRecord, recordOf } from './journal.ts'
import { followHealth, idled, idsOf } from './pty-idle.ts'
import { argvOf, childEnvironment, lastLines, logPath } from './pty-spec.ts'
import { leftRunning } from './left-running.ts'
import { recordLost } from './lost-terminals.ts'
import type { PtyArgs } from './services.ts'

type PtyState = {
  readonly args: PtyArgs
  readonly record: PtyRecord
  readonly pty: Pty
  readonly startedMonotonic: number
  /** What the system had killed for memory when it started. */
  readonly memoryKills: number | null
}

type Ctx = ActorContext<PtyProtocol>

/** Bytes of output looked at for the last lines of an attempt. */
const TAIL_BYTES = 16_384
/** Lines of output kept with the record of an attempt. */
const LAST_LINES = 20

/** Takes the machine one step on and stores it with what else happened, in one transaction. */
const step = async (
  ctx: Ctx,
  from: PtyRecord,
  by: PtyEvent,
  cause: string,
  more: { readonly events?: readonly NewEvent[]; readonly patch?: Partial<PtyRecord>; readonly terminal?: TerminalRecord } = {},
): Promise<PtyRecord> => {
  const { next } = ptyMachine.advance(from.snapshot, by, { ptyId: from.id, laneId: from.laneId })
  const record: PtyRecord = { ...from, ...more.patch, snapshot: next }
  const changed = event(ctx.now(), 'pty.state-changed', idsOf(record), {
    lane: record.lane,
    command: record.command,
    attempt: record.attempt,
    from: from.snapshot.state,
    to: next.state,
    event: by.type,
    cause,
  })
  const records = [recordOf('pty', record), ...(more.terminal === undefined ? [] : [recordOf('terminal', more.terminal)])]
  await commit(ctx, [...(more.events ?? []), changed], records)
  return record
}

const newAttempt = (ctx: Ctx, args: PtyArgs, attempt: number): { record: PtyRecord; spec: PtySpec } => {
  const id = args.services.newId('pty')
  const mark = `${args.services.workspaceId}/${id}/${ctx.self.incarnation}`
  const env = childEnvironment(args, mark)
  const log = logPath(args.services.logsDirectory, args, attempt)
  const argv = argvOf(args.command.run)
  const record: PtyRecord = {
    id,
    runId: args.runId,
    laneId: args.laneId,
    terminalId: args.terminalId,
    lane: args.lane,
    command: args.command.name,
    attempt,
    snapshot: ptyMachine.initial,
    mark,
    log,
    argv,
    cwd: args.cwd,
    envNames: Object.keys(env).sort(),
    process: null,
    startedAt: ctx.now(),
    endedAt: null,
    exit: null,
  }
  return {
    record,
    spec: {
      ptyId: id,
      argv,
      env,
      cwd: args.cwd,
      mark,
      limits: args.command.limits,
      log: { path: log, capBytes: args.services.logMaxBytes },
      ...args.size,
    },
  }
}

/** The process that an incarnation before this one left running, if any: a crash of an actor never ends a process. */
const adoptable = async (ctx: Ctx, args: PtyArgs, terminal: TerminalRecord | null): Promise<{ record: PtyRecord; pty: Pty } | null> => {
  if (terminal?.lastPtyId == null) return null
  const record = await readRecord<PtyRecord>(ctx, 'pty', terminal.lastPtyId)
  if (record === null) return null
  if (record.endedAt !== null) {
    args.services.terminals.get(record.id)?.release()
    return null
  }
  const pty = await leftRunning(args.services, record.id)
  if (pty === undefined) {
    if (record.snapshot.state === 'spawning') await failed(ctx, record, neverStarted(record))
    else await recordLost(ctx, args.services, args.terminalId)
    return null
  }
  // The actor crashed between the start of the process and the record of it.
  const known = record.snapshot.state === 'spawning' ? await spawned(ctx, record, pty) : record
  if (!args.services.unrecorded.has(record.id)) await adopted(ctx, args, known, pty)
  return { record: known, pty }
}

/** It outlived the orchestrator that started it. */
const adopted = async (ctx: Ctx, { services }: PtyArgs, record: PtyRecord, pty: Pty): Promise<void> => {
  const { lane, command, attempt } = record
  const { outputBytes } = pty.stats()
  await commit(ctx, [event(ctx.now(), 'pty.adopted', idsOf(record), { lane, command, attempt, pid: pty.identity.pid, outputBytes })], [])
  services.unrecorded.set(record.id, Promise.resolve(pty))
}

const start = async (ctx: Ctx, args: PtyArgs, terminal: TerminalRecord | null): Promise<{ record: PtyRecord; pty: Pty }> => {
  const attempt = (terminal?.attempts ?? 0) + 1
  const { record: fresh, spec } = newAttempt(ctx, args, attempt)
  const spawning = await step(ctx, fresh, { type: 'spawn' }, attempt === 1 ? 'the lane starts the command' : 'its supervisor restarts it', {
    terminal: {
      id: args.terminalId,
      runId: args.runId,
      laneId: args.laneId,
      command: args.command.name,
      attempts: attempt,
      lastPtyId: fresh.id,
      ...(args.runId === null && { opened: { command: args.command, ...(args.size !== undefined && { size: args.size }) } }),
    },
  })
  const { terminals, unrecorded } = args.services
  if (ctx.signal.aborted) return isTakenOver(ctx) ? Promise.reject(neverStarted(spawning)) : stoppedEarly(ctx, spawning, null)
  const spawn = terminals.spawn(spec)
  unrecorded.set(fresh.id, spawn)
  const pty = await spawn.catch(async (error: unknown) => {
    await failed(ctx, spawning, error)
    unrecorded.delete(fresh.id)
    throw error
  })
  if (!ctx.signal.aborted) return { record: await spawned(ctx, spawning, pty), pty }
  if (isTakenOver(ctx)) throw neverStarted(spawning)
  const ending = await pty.terminate({ graceMs: 0, askedBy: 'stopped while it was starting' })
  unrecorded.delete(fresh.id)
  pty.release()
  return stoppedEarly(ctx, spawning, ending)
}

/** Whether what this actor has begun is another incarnation's business from now on. */
const isTakenOver = ({ endingReason }: Ctx): boolean => endingReason === 'killed' || endingReason === 'handover'

const neverStarted = ({ lane, command }: PtyRecord): SignalboxError =>
  new SignalboxError('ERR_ACTOR_STOPPED', `${lane}/${command}: its actor ended while the process was starting`)

const sizeOf = (pty: Pty): TerminalSize => {
  const { cols, rows } = pty.stats()
  return { cols, rows }
}

const spawned = (ctx: Ctx, spawning: PtyRecord, pty: Pty): Promise<PtyRecord> => {
  const { identity, limits } = pty
  const { pid, startTime, bootId } = identity
  const { lane, command, attempt, argv, cwd } = spawning
  return step(ctx, spawning, { type: 'spawned' }, `process ${pid} runs`, {
    patch: { process: { pid, startTime, bootId }, size: sizeOf(pty) },
    events: [event(ctx.now(), 'pty.spawned', idsOf(spawning), { lane, command, attempt, pid, argv, cwd, limits: limits ?? {} })],
  })
}

/** Closes the record of an attempt that was stopped before it ran; the process, if there was one, has ended. */
const stoppedEarly = async (ctx: Ctx, record: PtyRecord, ending: PtyExit | null): Promise<never> => {
  const error = new SignalboxError('ERR_ACTOR_STOPPED', `${record.lane}/${record.command}: stopped while its process was starting`)
  const exit: AttemptResult = {
    ptyId: record.id,
    attempt: record.attempt,
    exitCode: ending?.exitCode ?? null,
    signal: ending?.signal ?? null,
    stopped: true,
    log: record.log,
    error: ending === null ? toErrorRecord(error) : null,
    durationMs: 0,
  }
  await step(ctx, record, { type: 'terminate' }, 'stopped while it was starting', { patch: { exit, endedAt: ctx.now() } })
  throw error
}

const failed = async (ctx: Ctx, record: PtyRecord, thrown: unknown): Promise<void> => {
  const error = toErrorRecord(thrown)
  const exit: AttemptResult = {
    ptyId: record.id,
    attempt: record.attempt,
    exitCode: null,
    signal: null,
    stopped: false,
    log: record.log,
    error,
    finding: classifyStartFailure(error),
    durationMs: 0,
  }
  await step(ctx, record, { type: 'spawn-failed' }, error.message, {
    patch: { exit, endedAt: ctx.now() },
    events: [
      event(ctx.now(), 'pty.error', idsOf(record), {
        lane: record.lane,
        command: record.command,
        attempt: record.attempt,
        error,
        finding: exit.finding ?? null,
      }),
    ],
  })
}

/** How a failure that nobody asked for is told apart. */
const findingOf = (ctx: Ctx, state: PtyState, exit: PtyExit, lines: readonly string[]): ExitFinding | null => {
  const { args, record, memoryKills } = state
  if (exit.exitCode === 0 || record.snapshot.context.stopping) return null
  const now = args.services.memoryKills()
  const ending = {
    exitCode: exit.exitCode,
    signal: exit.signal,
    lines,
    memoryKills: now === null || memoryKills === null ? null : now - memoryKills,
    ownMemoryKills: exit.memoryKills ?? null,
    at: ctx.now(),
  }
  return classifyExit(ending, args.command.classify)
}

const exitCause = (exit: PtyExit): string => (exit.signal === null ? `exit code ${exit.exitCode}` : `ended by ${exit.signal}`)

/** Stores how the process ended. */
const ended = async (ctx: Ctx, state: PtyState, exit: PtyExit): Promise<PtyRecord> => {
  const { record, pty } = state
  state.args.services.output.end(pty)
  const lines = lastLines(await pty.tail(TAIL_BYTES), LAST_LINES)
  const finding = findingOf(ctx, state, exit, lines)
  const result: AttemptResult = {
    ptyId: record.id,
    attempt: record.attempt,
    exitCode: exit.exitCode,
    signal: exit.signal,
    stopped: record.snapshot.context.stopping,
    log: record.log,
    error: null,
    finding,
    durationMs: Math.max(0, Math.round(ctx.monotonic() - state.startedMonotonic)),
  }
  const exited = event(ctx.now(), 'pty.exited', idsOf(record), {
    lane: record.lane,
    command: record.command,
    attempt: record.attempt,
    exitCode: exit.exitCode,
    signal: exit.signal,
    outputBytes: exit.outputBytes,
    survivors: exit.survivors,
    signals: await pty.signals(),
    durationMs: result.durationMs,
    logGap: exit.logGap,
    log: record.log,
    lastLines: lines,
    finding,
  })
  const closed = await step(ctx, record, { type: 'exited', clean: exit.exitCode === 0 }, exitCause(exit), {
    patch: { exit: result, endedAt: ctx.now(), size: sizeOf(pty) },
    events: [exited],
  })
  state.args.services.unrecorded.delete(record.id)
  pty.release()
  return closed
}

/** Stores that nobody knows how the process ended: what held it died. */
const lost = (ctx: Ctx, { record, pty, startedMonotonic }: PtyState, error: ErrorRecord): Promise<PtyRecord> => {
  const { id: ptyId, attempt, log, snapshot } = record
  const durationMs = Math.max(0, Math.round(ctx.monotonic() - startedMonotonic))
  const exit: AttemptResult = { ptyId, attempt, exitCode: null, signal: null, stopped: snapshot.context.stopping, log, error, durationMs }
  return step(ctx, record, { type: 'lost' }, error.message, { patch: { exit, endedAt: ctx.now(), size: sizeOf(pty) } })
}

const closeLost = async (ctx: Ctx, state: PtyState, error: unknown): Promise<PtyRecord> => {
  state.args.services.output.end(state.pty)
  const record = await lost(ctx, state, toErrorRecord(error))
  state.args.services.unrecorded.delete(record.id)
  state.pty.release()
  return record
}

/** An actor that crashed, or that hands over, leaves its process to the next incarnation. */
const leavesProcess = ({ reason }: Exit): boolean => reason === 'crashed' || reason === 'handover'

/**
 * One attempt of a command: a process behind a terminal. Each attempt is a new PTY id; a restart after a crash of this
 * actor itself finds the process still there and goes on with it.
 */
export const ptyActor: ActorDefinition<PtyProtocol, PtyState, PtyArgs> = defineActor<PtyProtocol, PtyState, PtyArgs>({
  kind: 'pty',
  async init(ctx, args) {
    const terminal = await readRecord<TerminalRecord>(ctx, 'terminal', args.terminalId)
    const { record, pty } = (await adoptable(ctx, args, terminal)) ?? (await start(ctx, args, terminal))
    const { lane, command, attempt } = record
    args.services.output.follow(pty, idsOf(record), { lane, command, attempt })
    followHealth(ctx, args, record, pty)
    ctx.run(() => pty.exited, { done: ['$exited', (exit) => ({ exit })], failed: ['$lost', (error) => ({ error })] })
    return {
      args,
      record,
      pty,
      startedMonotonic: ctx.monotonic() - Math.max(0, ctx.now() - record.startedAt),
      memoryKills: args.services.memoryKills(),
    }
  },
  on: {
    $exited: async (ctx, state, { exit }) => {
      const record = await ended(ctx, state, exit)
      if (record.snapshot.state === 'stopped') ctx.exit('normal')
      else
        ctx.exit(
          'crashed',
          new SignalboxError('ERR_PTY_ENDED', exitCause(exit), {
            context: { ptyId: record.id, exitCode: exit.exitCode, signal: exit.signal, finding: record.exit?.finding ?? null },
          }),
        )
      return { ...state, record }
    },
    $idle: async (ctx, state, { health }) => {
      if (state.record.snapshot.state !== 'active') return state
      const cause = `${health.condition}: ${health.evidence}`
      return {
        ...state,
        record: await step(ctx, state.record, { type: 'idle' }, cause, { events: idled(ctx.now(), state.args, state.record, health) }),
      }
    },
    $activity: async (ctx, state, { by }) => {
      if (state.record.snapshot.state !== 'throttled') return state
      return { ...state, record: await step(ctx, state.record, { type: 'activity' }, by) }
    },
    // Output is drawn for a size: whoever looks at what is left of it needs that, also when nobody lives who knows it.
    $resized: async (ctx, state, { size }) => {
      const record: PtyRecord = { ...state.record, size }
      await commit(ctx, [], [recordOf('pty', record)])
      return { ...state, record }
    },
    $lost: async (ctx, state, { error }) => {
      const record = await closeLost(ctx, state, error)
      ctx.exit('crashed', error)
      return { ...state, record }
    },
  },
  async terminate(ctx, state, exit) {
    if (state.record.exit !== null || leavesProcess(exit)) return
    const askedBy = 'its supervisor stops it'
    // A record that cannot be written must not keep a process alive.
    const stopping = await step(ctx, state.record, { type: 'terminate' }, askedBy).catch(() => state.record)
    const { services, runId, command } = state.args
    const graceMs = runId !== null && services.isKilled(runId) ? 0 : command.graceMs
    try {
      const ending = await state.pty.terminate({ graceMs, askedBy })
      await ended(ctx, { ...state, record: stopping }, ending)
    } catch (error) {
      // What holds it died meanwhile.
      if (!isSignalboxError(error, 'ERR_PTY_LOST')) throw error
      await closeLost(ctx, { ...state, record: stopping }, error)
    }
  },
})
