import { cleanLane } from '../../actors/lane-cleaning.ts'
import { systemClock } from '../../adapters/system/system-clock.adapter.ts'
import type { WorktreeEntry } from '../../ports/worktrees.port.ts'
import type { DoctorFinding } from '../../protocols/doctor.ts'
import { toErrorRecord } from '../../protocols/errors.ts'
import { laneMachine } from '../../protocols/lane.machine.ts'
import type { CleaningReport } from '../../protocols/lane.protocol.ts'
import type { LaneRecord, WorktreeRecord } from '../../protocols/records.ts'
import type { LaneSummary } from '../../protocols/summary.ts'
import { recordsOf } from '../inspection.ts'
import { goesOn, type Scene } from './leftovers.ts'

const commitsText = (count: number): string => `${count} commit${count === 1 ? '' : 's'}`

const findingsOf = (worktree: WorktreeRecord, why: string, report: CleaningReport): readonly DoctorFinding[] => {
  const found: DoctorFinding[] = [
    report.kept
      ? { kind: 'worktree', what: worktree.path, why: report.reason ?? why, action: 'left' }
      : { kind: 'worktree', what: worktree.path, why, action: 'removed' },
  ]
  if (!report.kept && !report.branchDeleted) {
    found.push({ kind: 'branch', what: worktree.branch, why: report.reason ?? `it holds ${commitsText(report.commits)}`, action: 'left' })
  }
  return found
}

/** Where the base is not known, what the main working tree has checked out tells which commits are safe. */
const withBase = async ({ env }: Scene, worktree: WorktreeRecord): Promise<WorktreeRecord> =>
  worktree.baseCommit === '' ? { ...worktree, baseCommit: await env.worktrees.resolve('HEAD') } : worktree

const failure = (worktree: WorktreeRecord, error: unknown): DoctorFinding => ({
  kind: 'worktree',
  what: worktree.path,
  why: `it could not be removed: ${toErrorRecord(error).message}`,
  action: 'left',
})

/** What `--fix` would do, without doing it. */
const foresee = async (scene: Scene, worktree: WorktreeRecord, why: string, present: boolean): Promise<readonly DoctorFinding[]> => {
  if (!present) return []
  const { commits, uncommitted } = await scene.env.worktrees.inspect(worktree)
  if (uncommitted.length > 0)
    return [
      {
        kind: 'worktree',
        what: worktree.path,
        why: `it holds ${uncommitted.length} uncommitted files: ${uncommitted.slice(0, 5).join(', ')}`,
        action: 'left',
      },
    ]
  const branch: DoctorFinding[] =
    commits === 0 ? [] : [{ kind: 'branch', what: worktree.branch, why: `it holds ${commitsText(commits)}`, action: 'left' }]
  return [{ kind: 'worktree', what: worktree.path, why, action: 'would-remove' }, ...branch]
}

const interrupted = (lane: LaneRecord, report: CleaningReport): LaneSummary => ({
  name: lane.name,
  id: lane.id,
  outcome: 'interrupted',
  durationMs: Math.max(0, systemClock.now() - lane.createdAt),
  branch: report.branchDeleted ? null : lane.worktree.branch,
  commits: report.commits,
  uncommitted: report.uncommitted,
  worktree: report.kept ? lane.worktree.path : null,
  reason: ['the process of its run died', report.reason].filter((text) => text !== null).join('; '),
  commands: [],
})

const closeRecord = async ({ store }: Scene, lane: LaneRecord, report: CleaningReport): Promise<void> => {
  const summary = interrupted(lane, report)
  const at = systemClock.now()
  const cleaning = laneMachine.advance(lane.snapshot, { type: 'cleanup' }, { laneId: lane.id }).next
  const { next: snapshot } = laneMachine.advance(cleaning, { type: 'cleaned' }, { laneId: lane.id })
  const closed: LaneRecord = { ...lane, snapshot, endedAt: at, summary }
  const event = { type: 'lane.ended', at, runId: lane.runId, laneId: lane.id, payload: { name: lane.name, summary, by: 'doctor' } }
  await store.commit({ events: [event], records: [{ kind: 'lane', id: lane.id, value: closed }] })
}

/** A lane whose run died: its worktree goes unless it holds work, its record is closed. */
const abandoned = async (scene: Scene, lane: LaneRecord, entries: readonly WorktreeEntry[]): Promise<readonly DoctorFinding[]> => {
  const why = `its run ${lane.runId} died`
  const worktree = await withBase(scene, lane.worktree)
  const present = entries.some((entry) => entry.branch === worktree.branch || entry.path === worktree.path)
  try {
    if (!scene.fix) return await foresee(scene, worktree, why, present)
    const keep = scene.runs.get(lane.runId)?.plan.keep ?? 'never'
    const report = await cleanLane(scene.env.worktrees, worktree, keep, 'interrupted')
    await closeRecord(scene, lane, report)
    return findingsOf(worktree, why, report).filter(({ action }) => present || action !== 'removed')
  } catch (error) {
    return [failure(worktree, error)]
  }
}

/** A worktree of ours that no record names: the records were lost, or a lane of theirs was. */
const unrecorded = async (scene: Scene, entry: WorktreeEntry): Promise<readonly DoctorFinding[]> => {
  const worktree = await withBase(scene, { path: entry.path, branch: entry.branch ?? '', baseCommit: '' })
  const why = 'no record names it, and nothing runs lanes of this repository'
  const left = (reason: string): readonly DoctorFinding[] => [{ kind: 'worktree', what: entry.path, why: reason, action: 'left' }]
  if (scene.owners.length > 0) return left(`no record names it, and process ${scene.owners[0]?.pid} runs lanes of this repository`)
  if (entry.locked !== null) return left(`it is locked (${entry.locked || 'no reason given'})`)
  try {
    if (!scene.fix) return await foresee(scene, worktree, why, !entry.missing)
    return findingsOf(worktree, why, await cleanLane(scene.env.worktrees, worktree, 'never', 'interrupted'))
  } catch (error) {
    return [failure(worktree, error)]
  }
}

/** Worktrees that runs left: of lanes whose run died, without a record, and those that stay on purpose. */
export const sweepLanes = async (scene: Scene, branchPrefix: string): Promise<readonly DoctorFinding[]> => {
  const lanes = await recordsOf<LaneRecord>(scene.store, 'lane')
  const entries = await scene.env.worktrees.list()
  const found: DoctorFinding[] = []
  for (const lane of lanes) {
    const run = scene.runs.get(lane.runId)
    const present = entries.some(({ path, missing }) => path === lane.worktree.path && !missing)
    if (goesOn(scene, run))
      found.push(
        ...(present ? [{ kind: 'worktree', what: lane.worktree.path, why: `its run ${lane.runId} goes on`, action: 'left' } as const] : []),
      )
    else if (lane.endedAt === null) found.push(...(await abandoned(scene, lane, entries)))
    else if (present) found.push({ kind: 'worktree', what: lane.worktree.path, why: lane.summary?.reason ?? 'it was kept', action: 'left' })
  }
  const known = new Set(lanes.map(({ worktree }) => worktree.branch))
  for (const entry of entries) {
    if (!entry.main && entry.branch?.startsWith(branchPrefix) === true && !known.has(entry.branch))
      found.push(...(await unrecorded(scene, entry)))
  }
  return [...found, ...(await sweepBranches(scene, branchPrefix, known))]
}

/** Branches of ours without worktree or record: they go only where another ref holds all their commits. */
const sweepBranches = async (scene: Scene, prefix: string, known: ReadonlySet<string>): Promise<readonly DoctorFinding[]> => {
  const { worktrees } = scene.env
  const used = new Set((await worktrees.list()).map(({ branch }) => branch))
  const found: DoctorFinding[] = []
  for (const { name, head } of await worktrees.branches(prefix)) {
    if (known.has(name) || used.has(name)) continue
    const removed = scene.fix && scene.owners.length === 0 && (await worktrees.deleteBranchIfMerged(name, head))
    found.push(
      removed
        ? { kind: 'branch', what: name, why: 'no record names it, and another branch holds its commits', action: 'removed' }
        : { kind: 'branch', what: name, why: 'no record names it; it may hold commits that no other branch has', action: 'left' },
    )
  }
  return found
}
