import type { ControlMethods } from '../../protocols/control/methods.ts'
import type { LaneInfo } from '../../protocols/control/views.ts'
import { SignalboxError } from '../../protocols/errors.ts'
import type { LaneId } from '../../protocols/ids.ts'
import type { LaneRecord } from '../../protocols/records.ts'
import type { LaneState } from '../../protocols/states.ts'
import type { Methods, Served } from './method.types.ts'
import { findLane } from './resolve.ts'

type Names = Extract<keyof ControlMethods, `lane.${string}`>

/** States of a lane that has its worktree. */
const STANDS: ReadonlySet<LaneState> = new Set<LaneState>(['ready', 'running', 'blocked', 'shared'])

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

/** Lanes. */
export const laneMethods = ({ runtime: { records, lanes, terminals, newId } }: Served): Pick<Methods, Names> => ({
  'lane.create': {
    assign: () => newId('lane'),
    again: async (assigned) => {
      const lane = await records.lane(assigned as LaneId)
      if (lane === null) return null
      if (STANDS.has(lane.snapshot.state) || lane.summary?.outcome === 'succeeded') return { lane: info(lane) }
      const text = `the orchestrator died while it made lane ${lane.name}, which was then cleaned up; create it again with a new key`
      throw new SignalboxError('ERR_CONTROL_INTERRUPTED', text, { context: { laneId: lane.id } })
    },
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
    run: async ({ lane: word }, { by }) => ({ summary: await lanes.remove((await findLane(records, word)).id, by) }),
  },
})
