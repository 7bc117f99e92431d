import { realpath, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Clock } from '../../ports/clock.port.ts'
import type { Random } from '../../ports/random.port.ts'
import type { Worktrees } from '../../ports/worktrees.port.ts'
import { SignalboxError } from '../../protocols/errors.ts'
import { makeGit } from './git-command.ts'
import { named } from './git-failure.ts'
import { patientGit } from './half-written.ts'
import { checkGit, locateWorkspace } from './git-workspace.ts'
import { inTurn } from './repository-queue.ts'
import { addWorktree, resolveBase } from './worktree-add.ts'
import type { CheckOuts, WorktreeContext } from './worktree-context.ts'
import { deleteHeldBranch, listBranches, tipOf, userOfBranch } from './worktree-branches.ts'
import { listWorktrees } from './worktree-list.ts'
import { removeWorktree } from './worktree-remove.ts'
import { inspectWorktree } from './worktree-work.ts'

export { lanesDirectory } from './lanes-directory.ts'
export { workspaceId } from './workspace-id.ts'

export type GitWorktreesOptions = {
  readonly clock: Clock
  readonly random: Random
  /** Where git is looked up and what it inherits; variables that redirect git are removed. @defaultValue process.env */
  readonly environment?: NodeJS.ProcessEnv
  /** @defaultValue none: a hook that goes on after its check-out was given up is waited for, at most 10 s */
  readonly checkOuts?: CheckOuts
}

const deleteIfMerged = async (context: WorktreeContext, name: string, head: string): Promise<boolean> => {
  const { git, workspace } = context
  if ((await tipOf(git, workspace.commonDir, name)) !== head) return false
  if ((await userOfBranch(git, workspace.commonDir, name)) !== null) return false
  return deleteHeldBranch(context, name, head)
}

/**
 * Who asks while an answer to the same is under way gets that one: lanes that begin at once have mostly one base, and many
 * processes at once end in any order, but lanes should begin in theirs.
 */
const sharing = <T>(ask: (what: string) => Promise<T>): ((what: string) => Promise<T>) => {
  const underWay = new Map<string, Promise<T>>()
  return (what) => {
    const known = underWay.get(what)
    if (known !== undefined) return known
    const asked = ask(what).finally(() => underWay.delete(what))
    underWay.set(what, asked)
    return asked
  }
}

/**
 * Opens the git repository around `cwd`, which may be a sub-directory or a linked worktree.
 * @throws ERR_GIT_MISSING, ERR_GIT_TOO_OLD, ERR_WORKSPACE_NOT_FOUND, ERR_WORKSPACE_BARE, ERR_WORKSPACE_NO_COMMITS,
 *   ERR_WORKSPACE_READ_ONLY, ERR_GIT_FAILED
 */
export const openWorkspace = async (cwd: string, options: GitWorktreesOptions): Promise<Worktrees> => {
  // git answers relative to where a link leads.
  const directory = await realpath(cwd).catch(() => resolve(cwd))
  if (!(await stat(directory).catch(() => null))?.isDirectory()) {
    throw new SignalboxError('ERR_WORKSPACE_NOT_FOUND', `${directory} is not a directory`, { context: { cwd: directory } })
  }
  const git = patientGit(makeGit(options.environment ?? process.env), options)
  const version = await checkGit(git, directory)
  const workspace = await locateWorkspace(git, directory)
  const context: WorktreeContext = { git, workspace, version, clock: options.clock, random: options.random, checkOuts: options.checkOuts }
  const { commonDir } = workspace
  return {
    workspace,
    resolve: sharing((base) => resolveBase(git, workspace, base)),
    add: (spec, signal) => inTurn(commonDir, () => addWorktree(context, spec, signal)),
    inspect: (worktree) =>
      named(`looking into the worktree ${worktree.path}`, async () => {
        const { commits, uncommitted, head } = await inspectWorktree(git, commonDir, worktree)
        return { commits, uncommitted, head }
      }),
    remove: (worktree) => named(`removing the worktree ${worktree.path}`, () => inTurn(commonDir, () => removeWorktree(context, worktree))),
    list: () => named(`listing the worktrees of ${workspace.root}`, () => listWorktrees(git, workspace, version)),
    branches: (prefix) => named(`listing the branches of ${workspace.root}`, () => listBranches(git, commonDir, prefix)),
    deleteBranchIfMerged: (name, head) =>
      named(`deleting the branch ${name}`, () => inTurn(commonDir, () => deleteIfMerged(context, name, head))),
  }
}
