import type { ChildSpec } from '../kernel/child-spec.ts'
import type { ActorContext } from '../kernel/types.ts'
import type { LaneId } from '../protocols/ids.ts'
import type { LaneRecord, PtyRecord } from '../protocols/records.ts'
import { readRecord } from './journal.ts'
import { goesOn, lastAttempt } from './lane-recovery.ts'
import { recordLost } from './lost-terminals.ts'
import type { OwnLaneArgs, Services } from './services.ts'

type Reader = Pick<ActorContext<object>, 'ask' | 'now'>

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

/** Ends and records what a lane held whose tree was given up. */
export const endLostTerminals = async (ctx: Reader, services: Services, laneId: LaneId): Promise<void> => {
  const record = await readRecord<LaneRecord>(ctx, 'lane', laneId)
  for (const { id } of record?.terminals ?? []) {
    await recordLost(ctx, services, id)
    services.opened.delete(id)
  }
}
