import type { ControlMethods } from '../../protocols/control/methods.ts'
import type { LaneInfo, RemovedLaneInfo } from '../../protocols/control/views.ts'
import { SignalboxError } from '../../protocols/errors.ts'
import type { LaneId } from '../../protocols/ids.ts'
import type { LaneRecord } from '../../protocols/records.ts'
import { STANDING } from '../../protocols/states.ts'
import type { Methods, Served } from './method.types.ts'
import type { RemovedLane } from '../own-lanes.ts'
import type { RuntimeRecords } from '../records.ts'
import { findLane, findRemoved } from './resolve.ts'

type Names = Extract<keyof ControlMethods, `lane.${string}`>

const info = ({ id, name, runId, snapshot, worktree, createdAt, endedAt, summary }: LaneRecord): LaneInfo => ({
  id,
  name,
  runId,
  state: snapshot.state,
  worktree: worktree.path,
  branch: worktree.branch,
  baseCommit: worktree.baseCommit,
  createdAt,
  endedAt,
  summary,
})

const removedInfo = ({ id, name, savedAt, expiresAt, worktree, commits, uncommitted }: RemovedLane): RemovedLaneInfo => ({
  id,
  name,
  savedAt,
  expiresAt,
  worktree: worktree.path,
  branch: worktree.branch,
  baseCommit: worktree.baseCommit,
  commits,
  uncommitted,
})

/** The answer to a request that an orchestrator before this one took. @throws ERR_CONTROL_INTERRUPTED */
const madeBefore = async (records: RuntimeRecords, laneId: LaneId): Promise<{ readonly lane: LaneInfo } | null> => {
  const lane = await records.lane(laneId)
  if (lane === null) return null
  if (STANDING.has(lane.snapshot.state) || lane.summary?.outcome === 'succeeded') return { lane: info(lane) }
  const text = `the orchestrator died while it made lane ${lane.name}, which was then cleaned up; ask for it again with a new key`
  throw new SignalboxError('ERR_CONTROL_INTERRUPTED', text, { context: { laneId: lane.id } })
}

/** Lanes. */
export const laneMethods = ({ runtime: { records, lanes, terminals, newId } }: Served): Pick<Methods, Names> => ({
  'lane.create': {
    assign: () => newId('lane'),
    again: (assigned) => madeBefore(records, assigned as LaneId),
    run: async (params, { assigned, by }) => ({
      lane: info(await lanes.create({ ...params, by, ...(assigned !== null && { id: assigned as LaneId }) })),
    }),
  },
  'lane.list': {
    run: async ({ all = false }) => ({ lanes: (await records.lanes()).filter(({ endedAt }) => all || endedAt === null).map(info) }),
  },
  'lane.get': {
    async run({ lane: word }) {
      const lane = await findLane(records, word)
      return { lane: info(lane), terminals: await terminals.list({ laneId: lane.id, all: true }) }
    },
  },
  'lane.remove': {
    run: async ({ lane: word, save, ignored }, { by }) => ({
      summary: await lanes.remove((await findLane(records, word)).id, by, {
        ...(save !== undefined && { save }),
        ...(ignored !== undefined && { ignored }),
      }),
    }),
  },
  'lane.removed': { run: async () => ({ lanes: (await lanes.removed()).map(removedInfo) }) },
  'lane.undo': {
    assign: () => newId('lane'),
    again: (assigned) => madeBefore(records, assigned as LaneId),
    run: async ({ lane: word }, { assigned, by }) => {
      const { id: saved } = findRemoved(await lanes.removed(), word)
      return { lane: info(await lanes.undo({ saved, by, ...(assigned !== null && { id: assigned as LaneId }) })) }
    },
  },
})
