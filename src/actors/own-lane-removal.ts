import { SignalboxError } from '../protocols/errors.ts'
import type { CleaningReport } from '../protocols/lane.protocol.ts'
import type { LaneRecord, LaneRemoval } from '../protocols/records.ts'
import type { SaveSpec } from '../ports/recovery.port.ts'
import { cleanLane, holdsUncommitted, NOTHING, nullWhenGone } from './lane-cleaning.ts'
import { notReady, type OwnLaneState } from './own-lane-state.ts'
import type { Services } from './services.ts'

const specOf = ({ id, name, worktree, made }: LaneRecord, { ignored }: LaneRemoval): SaveSpec => ({
  id,
  name,
  worktree,
  origin: made,
  ignored,
})

/** Why it is not removed so: it is being removed otherwise, and its answer would not be the one that was asked for. Null: it is not. */
export const whyOtherRemoval = (state: OwnLaneState, how: LaneRemoval): SignalboxError | null => {
  const { snapshot, removal } = state.record
  const under = snapshot.state === 'cleaning' ? removal : state.removing
  if (under === undefined || (under.save === how.save && under.ignored === how.ignored)) return null
  return notReady(state, `is being removed already, ${under.save ? 'saved' : 'not saved'}${under.ignored ? ' with its ignored files' : ''}`)
}

/** Whether it may be removed so, before anything is ended. @throws ERR_WORKTREE_DIRTY, ERR_SAVE_REFUSED */
export const checkRemoval = async ({ worktrees, recovery }: Services, record: LaneRecord, how: LaneRemoval): Promise<void> => {
  if (how.save) {
    await recovery.check(specOf(record, how)).catch(nullWhenGone)
    return
  }
  const work = await worktrees.inspect(record.worktree).catch(nullWhenGone)
  if (work === null || work.uncommitted.length === 0) return
  const text = `lane ${record.name} stays: ${holdsUncommitted(work.uncommitted)} in ${record.worktree.path}; commit or remove them first, or save them`
  const context = { laneId: record.id, worktree: record.worktree.path, uncommitted: work.uncommitted }
  throw new SignalboxError('ERR_WORKTREE_DIRTY', text, { context })
}

/** Saves and removes; of a worktree that somebody removed by hand only what git kept of it. */
const putAway = async ({ worktrees, recovery }: Services, record: LaneRecord, how: LaneRemoval): Promise<CleaningReport> => {
  const commits = await worktrees.inspect(record.worktree).then(
    (work) => work.commits,
    () => 0, // on a branch without commits git cannot say
  )
  const report = await recovery.putAway(specOf(record, how)).catch(nullWhenGone)
  if (report === null) return cleanLane(worktrees, record.worktree, 'never', 'succeeded')
  const { worktreeRemoved, branchDeleted, kept } = report
  return { kept: !worktreeRemoved, branchDeleted, commits, uncommitted: [], saved: true, reason: kept.join('; ') || null }
}

/** Removes the worktree of a lane, as far as it holds no work, or saves that first. Idempotent. */
export const cleanOwnLane = async ({ record, provisioned, args: { services } }: OwnLaneState): Promise<CleaningReport> => {
  if (!provisioned) return NOTHING
  if (record.restores !== undefined && record.stood !== true) {
    // It may lie where somebody else's worktree is: only what was made of it is removed.
    await services.recovery.abandon(record.restores)
    return NOTHING
  }
  if (record.removal?.save === true) return putAway(services, record, record.removal)
  return cleanLane(services.worktrees, record.worktree, 'never', 'succeeded')
}
