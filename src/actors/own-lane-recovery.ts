import type { ChildSpec } from '../kernel/child-spec.ts'
import type { ActorContext } from '../kernel/types.ts'
import { SignalboxError, toErrorRecord } from '../protocols/errors.ts'
import type { LaneId, TerminalId } from '../protocols/ids.ts'
import { ptyMachine } from '../protocols/pty.machine.ts'
import type { AttemptResult, LaneRecord, PtyRecord } from '../protocols/records.ts'
import { commit, event, readRecord, recordOf } from './journal.ts'
import { goesOn, lastAttempt } from './lane-recovery.ts'
import { endLeftRunning, leftRunning } from './left-running.ts'
import type { OwnLaneArgs, Services } from './services.ts'

type Reader = Pick<ActorContext<object>, 'ask' | 'now'>

const LOST = 'the orchestrator that held it died'
const LEFT = 'it could not be brought back'

/** Those of these lanes of their own that have begun and not ended. */
export const recoverOwnLanes = async <A extends Pick<OwnLaneArgs, 'laneId'>>(
  ctx: Pick<Reader, 'ask'>,
  lanes: readonly A[],
  treeOf: (args: A) => ChildSpec,
): Promise<readonly ChildSpec[]> => {
  const specs: ChildSpec[] = []
  for (const args of lanes) {
    const record = await readRecord<LaneRecord>(ctx, 'lane', args.laneId)
    if (record !== null && record.summary === null) specs.push(treeOf(args))
  }
  return specs
}

/** Terminals of a lane of its own that its supervisor had when it died. Of a lane that is being removed, those whose process is not known to have ended. */
export const recoverOwnTerminals = async (
  ctx: Pick<Reader, 'ask'>,
  { services, laneId }: Pick<OwnLaneArgs, 'services' | 'laneId'>,
): Promise<readonly ChildSpec[]> => {
  const record = await readRecord<LaneRecord>(ctx, 'lane', laneId)
  const specs: ChildSpec[] = []
  for (const { id } of record?.terminals ?? []) {
    // One of a process before this is that process's: it was lost with it.
    const opened = services.opened.get(id)
    const last = opened === undefined ? null : await lastAttempt(ctx, id)
    if (opened === undefined || last === null || !goesOn(opened.command, last)) continue
    if (last.endedAt === null || record?.snapshot.state !== 'cleaning') specs.push(services.trees.terminal(opened))
  }
  return specs
}

/** The last attempt of each of its terminals. */
export const lastAttempts = async (ctx: Reader, { terminals }: LaneRecord): Promise<{ name: string; pty: PtyRecord | null }[]> => {
  const last: { name: string; pty: PtyRecord | null }[] = []
  for (const { command, id } of terminals ?? []) last.push({ name: command, pty: await lastAttempt(ctx, id) })
  return last
}

/** Of a terminal that nobody holds any more: ends what may be left of its last attempt, and records its end if nobody has. */
export const recordLost = async (ctx: Reader, services: Services, terminalId: TerminalId): Promise<void> => {
  const pty = await lastAttempt(ctx, terminalId)
  if (pty === null || pty.endedAt !== null) return
  const cause = (await leftRunning(services, pty.id)) === undefined ? LOST : LEFT
  await endLeftRunning(services, pty.id, cause)
  const by = pty.snapshot.state === 'spawning' ? ({ type: 'spawn-failed' } as const) : ({ type: 'lost' } as const)
  if (!ptyMachine.can(pty.snapshot, by)) return
  const at = ctx.now()
  const { next } = ptyMachine.advance(pty.snapshot, by, { ptyId: pty.id, laneId: pty.laneId })
  const { lane, command, attempt, log, laneId } = pty
  const error = toErrorRecord(new SignalboxError('ERR_PTY_LOST', `${lane}/${command}: ${cause}`, { context: { ptyId: pty.id } }))
  const durationMs = Math.max(0, at - pty.startedAt)
  const exit: AttemptResult = { ptyId: pty.id, attempt, exitCode: null, signal: null, stopped: false, log, error, durationMs }
  const payload = { lane, command, attempt, from: pty.snapshot.state, to: next.state, event: by.type, cause }
  const changed = event(at, 'pty.state-changed', { laneId, terminalId, ptyId: pty.id }, payload)
  await commit(ctx, [changed], [recordOf('pty', { ...pty, snapshot: next, endedAt: at, exit })])
}

/** Ends and records what a lane held whose tree was given up. */
export const endLostTerminals = async (ctx: Reader, services: Services, laneId: LaneId): Promise<void> => {
  const record = await readRecord<LaneRecord>(ctx, 'lane', laneId)
  for (const { id } of record?.terminals ?? []) {
    await recordLost(ctx, services, id)
    services.opened.delete(id)
  }
}
