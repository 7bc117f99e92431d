import { laneName, LANES, laneTreeName } from '../actors/names.ts'
import type { OwnLaneArgs } from '../actors/services.ts'
import type { ChildSpec } from '../kernel/child-spec.ts'
import { named } from '../kernel/types.ts'
import { isSignalboxError, SignalboxError } from '../protocols/errors.ts'
import type { LaneId } from '../protocols/ids.ts'
import type { OwnLaneProtocol } from '../protocols/own-lane.protocol.ts'
import type { LaneOrigin, LaneRecord, LaneRemoval } from '../protocols/records.ts'
import { STANDING } from '../protocols/states.ts'
import type { LaneSummary } from '../protocols/summary.ts'
import type { System } from '../supervisors/system.types.ts'
import type { Clock } from '../ports/clock.port.ts'
import type { Recovery, SavedLane } from '../ports/recovery.port.ts'
import { laneOfPlan } from './lane-plan.ts'
import type { RuntimeRecords } from './records.ts'
import { rootCause } from './root-cause.ts'

/** A check-out of a large repository; the lane goes on being made when nobody waits any more. */
const READY_LIMIT_MS = 10 * 60_000
const REMOVE_LIMIT_MS = 10 * 60_000
const START_LIMIT_MS = 60_000

export type LaneRequest = {
  /** As a lane of a plan. Unique among the lanes that are kept. */
  readonly name: string
  /** @defaultValue HEAD */
  readonly base?: string | undefined
  readonly env?: Readonly<Record<string, string>> | undefined
  /** Files copied from the main working tree. */
  readonly copy?: readonly string[] | undefined
  /** @defaultValue a new one */
  readonly id?: LaneId
  /** Who asks for it, for people and records. */
  readonly by?: string
}

/** How long what was saved of a removed lane is kept. ms */
export const SAVED_FOR_MS: number = 30 * 24 * 60 * 60_000

/** A lane that was removed and can be brought back. */
export type RemovedLane = SavedLane & {
  /** When it is forgotten. */
  readonly expiresAt: number
}

/** Lanes of their own: each a worktree and branch, kept until it is removed, with terminals that are opened in it. */
export interface Lanes {
  /**
   * Makes a lane. @returns its record once its worktree is there
   * @throws ERR_LANE_EXISTS, ERR_PLAN_INVALID, ERR_WORKTREE_…, ERR_LANE_COPY_FAILED, ERR_DISK_FULL: then nothing of it is left
   */
  create(request: LaneRequest): Promise<LaneRecord>
  /**
   * Ends what runs in it and removes the worktree; commits stay on its branch, unless all is saved. Idempotent.
   * @throws ERR_LANE_NOT_FOUND, ERR_LANE_NOT_READY for a lane of a run, ERR_WORKTREE_DIRTY, ERR_SAVE_REFUSED: then nothing was ended
   */
  remove(laneId: LaneId, by: string, how?: Partial<LaneRemoval>): Promise<LaneSummary>
  /** Lanes that were removed and saved, and have not been brought back; newest last. */
  removed(): Promise<readonly RemovedLane[]>
  /**
   * Brings a removed lane back, as a new lane of its name, with its worktree and branch as they were. @returns its record once it is there
   * @throws ERR_SAVED_NOT_FOUND, ERR_LANE_EXISTS, ERR_WORKTREE_PATH_EXISTS, ERR_WORKTREE_BRANCH_EXISTS, ERR_DISK_FULL: it stays saved
   */
  undo(request: UndoRequest): Promise<LaneRecord>
  /** Brings back the lanes that the orchestrator before left, as far as they can be; only one process of a workspace may. @returns how many */
  recover(): Promise<number>
}

export type UndoRequest = {
  /** Of the lane that was removed. */
  readonly saved: string
  readonly by: string
  /** Of the lane that comes. @defaultValue a new one */
  readonly id?: LaneId
}

type Parts = {
  readonly recovery: Pick<Recovery, 'list' | 'forget'>
  readonly clock: Pick<Clock, 'now'>
  readonly system: Pick<System, 'ask' | 'lookup'>
  readonly records: RuntimeRecords
  readonly newId: () => LaneId
  readonly tree: (args: Omit<OwnLaneArgs, 'services'>) => ChildSpec
  /** Notes which terminals of a lane that is brought back go on. */
  readonly reopen: (lane: LaneRecord) => Promise<void>
}

const lane = (id: LaneId) => named<OwnLaneProtocol>(laneName(id))

export const createLanes = ({ system, records, recovery, clock, newId, tree, reopen }: Parts): Lanes => {
  /** Names of lanes that are being made. */
  const making = new Set<string>()

  const open = async (): Promise<readonly LaneRecord[]> =>
    (await records.lanes()).filter(({ runId, endedAt }) => runId === null && endedAt === null)

  const claim = async (name: string): Promise<void> => {
    const key = name.toLowerCase()
    const exists = new SignalboxError('ERR_LANE_EXISTS', `lane ${name} is there already; choose another name, or remove it`, {
      context: { name },
    })
    if (making.has(key)) throw exists
    making.add(key)
    if ((await open()).some((known) => known.name.toLowerCase() === key)) {
      making.delete(key)
      throw exists
    }
  }

  const begin = async (args: Omit<OwnLaneArgs, 'services'>): Promise<void> => {
    await system.ask(LANES, 'supervisor.start-child', { spec: tree(args) }, { timeoutMs: START_LIMIT_MS })
  }

  /** What is here again is not removed any more, though it may be saved still. */
  const removed = async (): Promise<readonly RemovedLane[]> => {
    const back = new Set((await open()).map(({ restores }) => restores))
    return (await recovery.list()).filter(({ id }) => !back.has(id)).map((lane) => ({ ...lane, expiresAt: lane.savedAt + SAVED_FOR_MS }))
  }

  /** Forgets what has expired, and what was brought back. */
  const tidy = async (): Promise<void> => {
    const lanes = await open()
    const back = new Set(lanes.flatMap(({ restores, snapshot }) => (STANDING.has(snapshot.state) ? [restores] : [])))
    // What is being removed, or brought back, goes on by it.
    const needed = new Set<string | undefined>(lanes.flatMap(({ id, restores }) => [id, restores]))
    for (const { id, savedAt } of await recovery.list())
      if (back.has(id) || (!needed.has(id) && savedAt + SAVED_FOR_MS < clock.now())) await recovery.forget(id)
  }

  const ofId = async (laneId: LaneId): Promise<LaneRecord> => {
    const record = await records.lane(laneId)
    if (record === null) throw new SignalboxError('ERR_LANE_NOT_FOUND', `no lane ${laneId} is recorded`, { context: { laneId } })
    return record
  }

  return {
    async create({ name, base, env, copy, by, id = newId() }) {
      // The rules of a plan, which wants a command.
      const made = laneOfPlan(name, { base, env, copy, commands: ['true'] })
      await claim(name)
      try {
        await begin({ laneId: id, name, made: { base: made.base, env: made.env, copy: made.copy }, ...(by !== undefined && { by }) })
        return await system.ask(lane(id), 'lane.ready', {}, { timeoutMs: READY_LIMIT_MS })
      } catch (error) {
        throw rootCause(error)
      } finally {
        making.delete(name.toLowerCase())
      }
    },
    removed,
    async undo({ saved: id, by, id: laneId = newId() }) {
      const saved = (await removed()).find((lane) => lane.id === id)
      if (saved === undefined) throw new SignalboxError('ERR_SAVED_NOT_FOUND', `no removed lane ${id} is saved`, { context: { id } })
      const { name, worktree, origin } = saved
      await claim(name)
      try {
        await begin({ laneId, name, made: origin as LaneOrigin, restores: { id, worktree }, by })
        const record = await system.ask(lane(laneId), 'lane.ready', {}, { timeoutMs: READY_LIMIT_MS })
        // It is recorded that it is there: what fails now is made good by the next tidying.
        await recovery.forget(id).catch(() => undefined)
        return record
      } catch (error) {
        throw rootCause(error)
      } finally {
        making.delete(name.toLowerCase())
      }
    },
    async remove(laneId, by, { save = false, ignored = false } = {}) {
      const known = await ofId(laneId)
      if (known.runId !== null) {
        const text = `lane ${known.name} belongs to run ${known.runId}, which alone decides about it; stop that run`
        throw new SignalboxError('ERR_LANE_NOT_READY', text, { context: { laneId, runId: known.runId } })
      }
      if (known.summary !== null) return known.summary
      // Its tree was given up: it is taken up again, to be removed.
      const { made, name } = known
      if (made !== undefined && system.lookup(laneTreeName(laneId)) === undefined)
        await begin({ laneId, name, made }).catch(() => undefined)
      try {
        return await system.ask(lane(laneId), 'lane.remove', { by, how: { save, ignored } }, { timeoutMs: REMOVE_LIMIT_MS })
      } catch (error) {
        // Somebody else's removal may have been over in between.
        const { summary } = await ofId(laneId)
        if (summary !== null && !isSignalboxError(error, 'ERR_WORKTREE_DIRTY')) return summary
        throw error
      }
    },
    async recover() {
      let count = 0
      for (const lane of await open()) {
        const { id, name, made } = lane
        if (made === undefined || system.lookup(laneTreeName(id)) !== undefined) continue
        await reopen(lane)
        // One that cannot be brought back is no reason to leave the others.
        if (
          await begin({ laneId: id, name, made }).then(
            () => true,
            () => false,
          )
        )
          count += 1
      }
      // A repository that cannot be asked is told by what needs it.
      await tidy().catch(() => undefined)
      return count
    },
  }
}
