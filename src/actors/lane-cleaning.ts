import type { Worktrees } from '../ports/worktrees.port.ts'
import { isSignalboxError } from '../protocols/errors.ts'
import type { CleaningReport } from '../protocols/lane.protocol.ts'
import type { KeepPolicy } from '../protocols/plan.ts'
import type { WorktreeRecord } from '../protocols/records.ts'
import type { Outcome } from '../protocols/summary.ts'

/** There was nothing to clean. */
export const NOTHING: CleaningReport = { kept: false, branchDeleted: true, commits: 0, uncommitted: [], reason: null }

/** A worktree that somebody removed is an answer; any other failure is none. */
export const nullWhenGone = (error: unknown): null => {
  if (isSignalboxError(error, 'ERR_WORKTREE_NOT_FOUND')) return null
  throw error
}

/** What is left where the removal was given up. */
export const notRemoved = (message: string): CleaningReport => ({
  ...NOTHING,
  kept: true,
  branchDeleted: false,
  reason: `worktree kept: it could not be removed (${message})`,
})

const asks = (keep: KeepPolicy, outcome: Outcome): string | null => {
  if (keep === 'always') return 'worktree kept: the plan keeps every worktree'
  if (keep === 'failed' && outcome === 'failed') return 'worktree kept: the plan keeps those of failed lanes'
  return null
}

/** Files named in a reason; the whole list is beside it. */
const NAMED_FILES = 5

/** @returns `it holds 2 uncommitted files (a.txt, b.txt)` */
export const holdsUncommitted = (uncommitted: readonly string[]): string => {
  const named = uncommitted.slice(0, NAMED_FILES).join(', ') + (uncommitted.length > NAMED_FILES ? ' …' : '')
  return `it holds ${uncommitted.length} uncommitted file${uncommitted.length === 1 ? '' : 's'} (${named})`
}

const holds = (uncommitted: readonly string[]): string => `worktree kept: ${holdsUncommitted(uncommitted)}`

/**
 * Removes what a lane leaves, except work: uncommitted files keep the worktree, commits keep the branch (LN-6, LN-7).
 * Idempotent.
 * @throws what Worktrees.inspect and remove throw, apart from a worktree that is gone or turned out to hold work
 */
export const cleanLane = async (
  worktrees: Worktrees,
  worktree: WorktreeRecord,
  keep: KeepPolicy,
  outcome: Outcome,
): Promise<CleaningReport> => {
  const work = await worktrees.inspect(worktree).catch(nullWhenGone)
  if (work === null) {
    const { worktreeRemoved, branchDeleted, kept } = await worktrees.remove(worktree)
    const reason = worktreeRemoved ? 'the worktree had been removed by somebody else' : kept.join('; ')
    return { ...NOTHING, kept: !worktreeRemoved, branchDeleted, reason }
  }
  const { commits, uncommitted } = work
  const kept = (reason: string, files = uncommitted): CleaningReport => ({
    kept: true,
    branchDeleted: false,
    commits,
    uncommitted: files,
    reason,
  })
  if (uncommitted.length > 0) return kept(holds(uncommitted))
  const wanted = asks(keep, outcome)
  if (wanted !== null) return kept(wanted)
  try {
    const report = await worktrees.remove(worktree)
    // A branch that stays for its commits is what was asked for; anything else that stays wants a reason.
    const expected = report.worktreeRemoved && (report.branchDeleted || commits > 0)
    const reason = expected ? null : report.kept.join('; ')
    return { kept: !report.worktreeRemoved, branchDeleted: report.branchDeleted, commits, uncommitted, reason }
  } catch (error) {
    if (!isSignalboxError(error, 'ERR_WORKTREE_DIRTY')) throw error
    const files = error.context['uncommitted'] as readonly string[] | undefined
    return kept(holds(files ?? []), files ?? [])
  }
}
