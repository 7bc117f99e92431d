import { dirname, sep } from 'node:path'
import { cleanLane, holdsUncommitted } from '../../actors/lane-cleaning.ts'
import { exists, realPathOf } from '../../adapters/git/files.ts'
import { isHalfRemoved, mendHalfRemoved } from '../../adapters/git/half-removed.ts'
import { type AdminEntry, adminEntryOf } from '../../adapters/git/worktree-admin.ts'
import type { WorktreeEntry } from '../../ports/worktrees.port.ts'
import type { DoctorFinding } from '../../protocols/doctor.ts'
import { isSignalboxError, toErrorRecord } from '../../protocols/errors.ts'
import type { CleaningReport } from '../../protocols/lane.protocol.ts'
import type { LaneRecord, RunRecord, WorktreeRecord } from '../../protocols/records.ts'
import { recordsOf } from '../records.ts'
import { gitIsDone } from './git-processes.ts'
import { closeLane } from './records.ts'
import { commitsBeyond, commitsText, goes, goesOn, left, runRecord, type Scene } from './scene.ts'
import { discardUnfinished, unfinishedEntry } from './unfinished.ts'

/** Where the base is not known, what the main working tree has checked out tells which commits are safe. */
export const withBase = async ({ env }: Scene, worktree: WorktreeRecord): Promise<WorktreeRecord> =>
  worktree.baseCommit === '' ? { ...worktree, baseCommit: await env.worktrees.resolve('HEAD') } : worktree

const stays = (reason: string): CleaningReport => ({ kept: true, branchDeleted: false, commits: 0, uncommitted: [], reason })

/** A reason not to touch the worktree, whatever it holds. */
const hindrance = async (scene: Scene, worktree: WorktreeRecord, entry: WorktreeEntry | undefined): Promise<string | null> => {
  const { path } = worktree
  if (scene.cwd === path || scene.cwd.startsWith(path + sep)) return 'doctor itself was started in it'
  if (entry?.missing === true && !(await exists(dirname(path))))
    return `${dirname(path)} is not there; mount its disk, or run \`git worktree prune\` if it is gone for good`
  return (await gitIsDone(path)) ? null : 'a git process works on it; run doctor again when that has ended'
}

const halfRemovedEntry = async ({ env }: Scene, { path }: WorktreeRecord): Promise<AdminEntry | undefined> => {
  const entry = await adminEntryOf(env.worktrees.workspace.commonDir, await realPathOf(path))
  return entry !== undefined && (await isHalfRemoved(entry)) ? entry : undefined
}

/** Removes the worktree and branch of a lane that ended, as far as they hold no work. Never throws. */
export const clean = async (
  scene: Scene,
  worktree: WorktreeRecord,
  keep: 'never' | 'failed' | 'always',
  entry: WorktreeEntry | undefined,
): Promise<CleaningReport> => {
  const hindered = await hindrance(scene, worktree, entry)
  if (hindered !== null) return stays(hindered)
  try {
    const unfinished = await unfinishedEntry(scene, worktree.path)
    const why = unfinished === undefined ? null : await discardUnfinished(scene, worktree, unfinished)
    if (why !== null) return stays(why)
    const halfRemoved = await halfRemovedEntry(scene, worktree)
    // What git had deleted when it was ended is no work: brought back, so that every check of a removal begins anew.
    if (halfRemoved !== undefined) await mendHalfRemoved(scene.git, halfRemoved)
    const report = await cleanLane(scene.env.worktrees, worktree, keep, 'interrupted')
    if (report.kept || report.branchDeleted || report.commits > 0) return report
    return { ...report, commits: await commitsBeyond(scene, worktree.baseCommit, `refs/heads/${worktree.branch}`) }
  } catch (error) {
    return stays(`it could not be removed: ${toErrorRecord(error).message}`)
  }
}

export const findingsOf = (scene: Scene, worktree: WorktreeRecord, why: string, report: CleaningReport): readonly DoctorFinding[] => {
  if (report.kept) return [left('worktree', worktree.path, report.reason ?? why)]
  const found = [goes(scene, 'worktree', worktree.path, why)]
  if (report.branchDeleted) return found
  return [
    ...found,
    left('branch', worktree.branch, report.commits > 0 ? `it holds ${commitsText(report.commits)}` : (report.reason ?? why)),
  ]
}

/** What `clean` would do, without doing it. */
export const foresee = async (
  scene: Scene,
  worktree: WorktreeRecord,
  why: string,
  entry: WorktreeEntry | undefined,
): Promise<readonly DoctorFinding[]> => {
  const { worktrees } = scene.env
  const hindered = await hindrance(scene, worktree, entry)
  if (hindered !== null) return [left('worktree', worktree.path, hindered)]
  try {
    if (entry !== undefined && !entry.missing && (await unfinishedEntry(scene, worktree.path)) === undefined) {
      if (entry.locked !== null) return [left('worktree', worktree.path, `it is locked (${entry.locked || 'no reason given'})`)]
      if ((await halfRemovedEntry(scene, worktree)) !== undefined)
        return [goes(scene, 'worktree', worktree.path, `${why} while it was being removed`)]
      const { commits, uncommitted } = await worktrees.inspect(worktree)
      const holds = holdsUncommitted(uncommitted)
      if (uncommitted.length > 0) return [left('worktree', worktree.path, holds)]
      return findingsOf(scene, worktree, why, { ...stays(why), kept: false, branchDeleted: commits === 0, commits })
    }
    const found = entry === undefined ? [] : [goes(scene, 'worktree', worktree.path, `${why}, and it is not whole`)]
    const branch = (await worktrees.branches(worktree.branch)).find(({ name }) => name === worktree.branch)
    if (branch === undefined) return found
    const commits = await commitsBeyond(scene, worktree.baseCommit, branch.head)
    return [
      ...found,
      commits > 0 ? left('branch', branch.name, `it holds ${commitsText(commits)}`) : goes(scene, 'branch', branch.name, why),
    ]
  } catch (error) {
    const reason = isSignalboxError(error, 'ERR_WORKTREE_NOT_FOUND')
      ? toErrorRecord(error).message
      : `it cannot be read: ${toErrorRecord(error).message}`
    return [left('worktree', worktree.path, reason)]
  }
}

/** The worktree of a lane that ended is there only because it could not be removed then. */
const failedToGo = (lane: LaneRecord, run: RunRecord | undefined): boolean => {
  if (lane.summary === null || lane.summary.worktree === null) return true
  if (lane.summary.uncommitted.length > 0 || run === undefined || run.plan.keep === 'always') return false
  return !(run.plan.keep === 'failed' && lane.summary.outcome === 'failed')
}

const treat = async (scene: Scene, lane: LaneRecord, entries: readonly WorktreeEntry[]): Promise<readonly DoctorFinding[]> => {
  const run = lane.runId === null ? undefined : await runRecord(scene, lane.runId)
  const { path, branch } = lane.worktree
  const entry = entries.find((candidate) => candidate.path === path || candidate.branch === branch)
  const present = entry !== undefined && !entry.missing
  if (goesOn(scene, run)) return present ? [left('worktree', path, `its run ${lane.runId} goes on`)] : []
  if (lane.runId === null && lane.endedAt === null)
    return entry === undefined ? [] : [left('worktree', path, `lane ${lane.name} is kept until it is removed`)]
  if (lane.endedAt !== null && (!present || !failedToGo(lane, run))) {
    if (entry === undefined) return []
    return [
      left('worktree', path, present ? (lane.summary?.reason ?? 'it was kept') : 'its directory is gone; `git worktree prune` forgets it'),
    ]
  }
  const why = lane.endedAt === null ? `its run ${lane.runId} died` : 'it could not be removed when its lane ended'
  const worktree = await withBase(scene, lane.worktree)
  if (!scene.fix) return foresee(scene, worktree, why, entry)
  const report = await clean(scene, worktree, run?.plan.keep ?? 'never', entry)
  await closeLane(scene, { ...lane, worktree }, run, report)
  const found = findingsOf(scene, worktree, why, report)
  return entry === undefined && !report.kept ? found.filter(({ action }) => action !== 'removed') : found
}

/** Worktrees of lanes that are on record: of those whose run died, and those that stay on purpose. */
export const sweepLanes = async (scene: Scene): Promise<readonly DoctorFinding[]> => {
  const entries = await scene.env.worktrees.list()
  const found: DoctorFinding[] = []
  for (const lane of await recordsOf<LaneRecord>(scene.store, 'lane')) found.push(...(await treat(scene, lane, entries)))
  return found
}
