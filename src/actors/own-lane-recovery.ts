import type { ActorContext } from '../kernel/types.ts'
import { SignalboxError, toErrorRecord } from '../protocols/errors.ts'
import type { TerminalId } from '../protocols/ids.ts'
import { ptyMachine } from '../protocols/pty.machine.ts'
import type { AttemptResult, LaneRecord, PtyRecord, TerminalRecord } from '../protocols/records.ts'
import { commit, event, readRecord, recordOf } from './journal.ts'
import type { Services } from './services.ts'

type Reader = Pick<ActorContext<object>, 'ask' | 'now'>

const LOST = 'the orchestrator that held it died'
const KILLED = 'its actor was given up'

const lastAttempt = async (ctx: Reader, terminalId: TerminalId): Promise<PtyRecord | null> => {
  const terminal = await readRecord<TerminalRecord>(ctx, 'terminal', terminalId)
  return terminal?.lastPtyId == null ? null : readRecord<PtyRecord>(ctx, 'pty', terminal.lastPtyId)
}

/** The last attempt of each of its terminals. */
export const lastAttempts = async (ctx: Reader, { terminals }: LaneRecord): Promise<{ name: string; pty: PtyRecord | null }[]> => {
  const last: { name: string; pty: PtyRecord | null }[] = []
  for (const { command, id } of terminals ?? []) last.push({ name: command, pty: await lastAttempt(ctx, id) })
  return last
}

/** Of a terminal that nobody holds any more: ends what may be left of its last attempt, and records its end if nobody has. */
export const recordLost = async (ctx: Reader, { terminals }: Services, terminalId: TerminalId): Promise<void> => {
  const pty = await lastAttempt(ctx, terminalId)
  if (pty === null || pty.endedAt !== null) return
  const held = terminals.get(pty.id)
  const why = held === undefined ? LOST : KILLED
  await held?.terminate({ graceMs: 0, askedBy: why })
  const by = pty.snapshot.state === 'spawning' ? ({ type: 'spawn-failed' } as const) : ({ type: 'lost' } as const)
  if (!ptyMachine.can(pty.snapshot, by)) return
  const at = ctx.now()
  const { next } = ptyMachine.advance(pty.snapshot, by, { ptyId: pty.id, laneId: pty.laneId })
  const { lane, command, attempt, log, laneId } = pty
  const error = toErrorRecord(new SignalboxError('ERR_PTY_LOST', `${lane}/${command}: ${why}`, { context: { ptyId: pty.id } }))
  const durationMs = Math.max(0, at - pty.startedAt)
  const exit: AttemptResult = { ptyId: pty.id, attempt, exitCode: null, signal: null, stopped: false, log, error, durationMs }
  const payload = { lane, command, attempt, from: pty.snapshot.state, to: next.state, event: by.type, cause: why }
  const changed = event(at, 'pty.state-changed', { laneId, terminalId, ptyId: pty.id }, payload)
  await commit(ctx, [changed], [recordOf('pty', { ...pty, snapshot: next, endedAt: at, exit })])
}
