import type { ActorContext } from '../kernel/types.ts'
import { SignalboxError, toErrorRecord } from '../protocols/errors.ts'
import type { TerminalId } from '../protocols/ids.ts'
import { LOST_WITH } from '../protocols/lost-with.ts'
import { ptyMachine } from '../protocols/pty.machine.ts'
import type { AttemptResult, PtyRecord } from '../protocols/records.ts'
import { commit, event, recordOf } from './journal.ts'
import { lastAttempt } from './lane-recovery.ts'
import { endLeftRunning, leftRunning } from './left-running.ts'
import type { Services } from './services.ts'

type Reader = Pick<ActorContext<object>, 'ask' | 'now'>

const LEFT = 'it could not be brought back'

/** With what a process went that nobody holds any more. */
const lostWith = ({ owner, terminals }: Pick<Services, 'owner' | 'terminals'>, { process }: PtyRecord): string => {
  if (process !== null && process.bootId !== owner.bootId) return LOST_WITH.machine
  return terminals.keepsTerminals === true ? LOST_WITH.host : LOST_WITH.orchestrator
}

/** How an attempt ended of which nobody saw the end. */
export const lostResult = ({ id: ptyId, lane, command, attempt, log, startedAt }: PtyRecord, cause: string, at: number): AttemptResult => {
  const error = toErrorRecord(new SignalboxError('ERR_PTY_LOST', `${lane}/${command}: ${cause}`, { context: { ptyId } }))
  return { ptyId, attempt, exitCode: null, signal: null, stopped: false, log, error, durationMs: Math.max(0, at - startedAt) }
}

/** Whether nobody knows how it ended: what held it died. */
export const isLost = (pty: Pick<PtyRecord, 'exit'> | null): boolean => pty?.exit?.error?.code === 'ERR_PTY_LOST'

/** Of a terminal that nobody holds any more: ends what may be left of its last attempt, and records its end if nobody has. */
export const recordLost = async (ctx: Reader, services: Services, terminalId: TerminalId): Promise<void> => {
  const pty = await lastAttempt(ctx, terminalId)
  if (pty === null || pty.endedAt !== null) return
  const cause = (await leftRunning(services, pty.id)) === undefined ? lostWith(services, pty) : LEFT
  await endLeftRunning(services, pty.id, cause)
  const by = pty.snapshot.state === 'spawning' ? ({ type: 'spawn-failed' } as const) : ({ type: 'lost' } as const)
  if (!ptyMachine.can(pty.snapshot, by)) return
  const at = ctx.now()
  const { next } = ptyMachine.advance(pty.snapshot, by, { ptyId: pty.id, laneId: pty.laneId })
  const { lane, command, attempt, laneId, runId } = pty
  const exit = lostResult(pty, cause, at)
  const payload = { lane, command, attempt, from: pty.snapshot.state, to: next.state, event: by.type, cause }
  const changed = event(at, 'pty.state-changed', { ...(runId !== null && { runId }), laneId, terminalId, ptyId: pty.id }, payload)
  await commit(ctx, [changed], [recordOf('pty', { ...pty, snapshot: next, endedAt: at, exit })])
}
