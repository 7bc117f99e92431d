import { join } from 'node:path'
import type { Recovery, SavedLane } from '../../ports/recovery.port.ts'
import type { WorkspaceInfo } from '../../ports/worktrees.port.ts'
import { abandon, bringBack, markOf } from './bring-back.ts'
import { gitEnvironment, makeGit } from './git-command.ts'
import { named } from './git-failure.ts'
import { makeStreamGit } from './git-stream.ts'
import { checkGit } from './git-workspace.ts'
import type { GitWorktreesOptions } from './git-worktrees.adapter.ts'
import { patientGit } from './half-written.ts'
import { checkSavable, putAway, savedMark } from './put-away.ts'
import { dropModules } from './kept-modules.ts'
import type { RecoveryContext } from './recovery-context.ts'
import { inTurn, retryLocked } from './repository-queue.ts'
import { RECOVERY_REFS } from './saved-commit.ts'
import { readNote, refCommit, savedRefs } from './saved-refs.ts'
import { adminEntries } from './worktree-admin.ts'

const list = async (context: RecoveryContext): Promise<readonly SavedLane[]> => {
  const found: SavedLane[] = []
  for (const { id, commit } of await savedRefs(context)) {
    // What another version wrote stays as it is.
    const note = await readNote(context, commit, id).catch(() => null)
    if (note === null) continue
    const { name, savedAt, worktree, origin, commits, uncommitted } = note
    found.push({ id, name, savedAt, worktree, origin, commits, uncommitted })
  }
  return found.toSorted((one, other) => one.savedAt - other.savedAt)
}

/** Whether a worktree is half removed, or half brought back, that only this has whole. */
const isNeeded = async ({ workspace }: RecoveryContext, id: string, commit: string): Promise<boolean> => {
  for (const entry of await adminEntries(workspace.commonDir))
    if ((await savedMark(entry))?.commit === commit || (await markOf(entry))?.id === id) return true
  return false
}

const forget = async (context: RecoveryContext, id: string): Promise<void> => {
  const { git, workspace } = context
  const commit = await refCommit(context, id)
  if (commit !== null && (await isNeeded(context, id, commit))) return
  if (commit !== null) await retryLocked(context, () => git(workspace.commonDir, ['update-ref', '-d', `${RECOVERY_REFS}${id}`, commit]))
  await dropModules(workspace.commonDir, id)
}

const makeContext = async (workspace: WorkspaceInfo, options: GitWorktreesOptions): Promise<RecoveryContext> => {
  const { clock, random, checkOuts, environment = process.env } = options
  const git = patientGit(makeGit(environment), options)
  const version = await checkGit(git, workspace.root)
  const hash = (await git(workspace.commonDir, ['rev-parse', '--show-object-format'])).trim()
  return { git, streamGit: makeStreamGit(gitEnvironment(environment)), hash, workspace, version, clock, random, checkOuts }
}

/**
 * Saved lanes of a repository, under `refs/signalbox/recovery/`. Nothing is asked of git before it is needed. Writers of
 * refs take turns with those of `openWorkspace`.
 */
export const openRecovery = (workspace: WorkspaceInfo, options: GitWorktreesOptions): Recovery => {
  let made: Promise<RecoveryContext> | null = null
  const withContext = async <T>(job: (context: RecoveryContext) => Promise<T>): Promise<T> => {
    made ??= makeContext(workspace, options)
    const context = await made.catch((error: unknown) => {
      made = null // another time it may be possible
      throw error
    })
    return job(context)
  }
  const ask = <T>(doing: string, job: (context: RecoveryContext) => Promise<T>): Promise<T> => named(doing, () => withContext(job))
  const turn = <T>(doing: string, job: (context: RecoveryContext) => Promise<T>): Promise<T> =>
    ask(doing, (context) => inTurn(workspace.commonDir, () => job(context)))
  return {
    check: (spec) => ask(`looking into the worktree ${spec.worktree.path}`, (context) => checkSavable(context, spec)),
    putAway: (spec) => turn(`saving and removing the worktree ${spec.worktree.path}`, (context) => putAway(context, spec)),
    restore: (id, signal) => turn(`bringing back ${id}`, (context) => bringBack(context, id, signal)),
    abandon: (id) => turn(`removing what was brought back of ${id}`, (context) => abandon(context, id)),
    list: () => ask(`listing what is saved in ${join(workspace.commonDir, RECOVERY_REFS)}`, list),
    forget: (id) => turn(`forgetting ${id}`, (context) => forget(context, id)),
  }
}
