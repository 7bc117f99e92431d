import { realpath } from 'node:fs/promises'
import { join } from 'node:path'
import type { Recovery, SavedLane } from '../../ports/recovery.port.ts'
import type { WorkspaceInfo } from '../../ports/worktrees.port.ts'
import { abandon, bringBack } from './bring-back.ts'
import { gitEnvironment, makeGit } from './git-command.ts'
import { toSignalboxError } from './git-failure.ts'
import { makeStreamGit } from './git-stream.ts'
import { checkGit } from './git-workspace.ts'
import type { GitWorktreesOptions } from './git-worktrees.adapter.ts'
import { patientGit } from './half-written.ts'
import { checkSavable, dropModules, putAway } from './put-away.ts'
import type { RecoveryContext } from './recovery-context.ts'
import { inTurn, retryLocked } from './repository-queue.ts'
import { RECOVERY_REFS } from './saved-commit.ts'
import { readNote, refCommit, savedRefs } from './saved-refs.ts'

const named = async <T>(doing: string, job: () => Promise<T>): Promise<T> => {
  try {
    return await job()
  } catch (error) {
    throw toSignalboxError(error, doing)
  }
}

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

const forget = async (context: RecoveryContext, id: string): Promise<void> => {
  const { git, workspace } = context
  const commit = await refCommit(context, id)
  if (commit !== null) await retryLocked(context, () => git(workspace.commonDir, ['update-ref', '-d', `${RECOVERY_REFS}${id}`, commit]))
  await dropModules(workspace.commonDir, id)
}

/** Saved lanes of a repository, under `refs/signalbox/recovery/`. Writers of its refs take turns with those of `openWorkspace`. */
export const openRecovery = async (workspace: WorkspaceInfo, options: GitWorktreesOptions): Promise<Recovery> => {
  const environment = options.environment ?? process.env
  const git = patientGit(makeGit(environment), options)
  const commonDir = await realpath(workspace.commonDir)
  const version = await checkGit(git, workspace.root)
  const hash = (await git(commonDir, ['rev-parse', '--show-object-format'])).trim()
  const streamGit = makeStreamGit(gitEnvironment(environment))
  const { clock, random, checkOuts } = options
  const context: RecoveryContext = { git, streamGit, hash, workspace: { ...workspace, commonDir }, version, clock, random, checkOuts }
  const turn = <T>(doing: string, job: () => Promise<T>): Promise<T> => named(doing, () => inTurn(commonDir, job))
  return {
    check: (spec) => named(`looking into the worktree ${spec.worktree.path}`, () => checkSavable(context, spec)),
    putAway: (spec) => turn(`saving and removing the worktree ${spec.worktree.path}`, () => putAway(context, spec)),
    restore: (id, signal) => turn(`bringing back ${id}`, () => bringBack(context, id, signal)),
    abandon: (id) => turn(`removing what was brought back of ${id}`, () => abandon(context, id)),
    list: () => named(`listing what is saved in ${join(commonDir, RECOVERY_REFS)}`, () => list(context)),
    forget: (id) => turn(`forgetting ${id}`, () => forget(context, id)),
  }
}
