import type { RemovalReport, Worktree } from './worktrees.port.ts'

/** What names a saved lane, whatever else became of it. */
export type SavedLane = {
  /** Of the lane; names what was saved. */
  readonly id: string
  readonly name: string
  /** As Clock.now(). */
  readonly savedAt: number
  readonly worktree: Worktree
  /** What it was made with; of use to who makes it again. */
  readonly origin: unknown
  /** Commits on its branch that are not in the base commit. */
  readonly commits: number
  /** As WorktreeWork. */
  readonly uncommitted: readonly string[]
}

export type SaveSpec = Pick<SavedLane, 'id' | 'name' | 'worktree' | 'origin'> & {
  /** Ignored files too, such as `.env` and what a build made. */
  readonly ignored: boolean
}

/**
 * Keeps all that a worktree holds in the repository before the worktree is removed, and brings it back: files as their
 * bytes and modes are, the index, what git knows of an operation in progress, HEAD, the branch with its settings, the
 * commits that only its reflog reaches, submodules with their repositories, stashes that were made on the branch.
 */
export interface Recovery {
  /** Whether all of it can be saved; changes nothing. @throws ERR_WORKTREE_NOT_FOUND, ERR_WORKTREE_LOCKED, ERR_SAVE_REFUSED */
  check(spec: SaveSpec): Promise<void>
  /**
   * Saves a worktree, looks again whether that is all, and removes worktree and branch. Idempotent: called again after it was
   * interrupted anywhere it ends the same, and what was saved once is never replaced by what a removal left.
   * @returns what stayed, and why. @throws ERR_WORKTREE_NOT_FOUND, ERR_WORKTREE_LOCKED, ERR_SAVE_REFUSED, ERR_DISK_FULL, ERR_GIT_FAILED: the worktree is as it was
   */
  putAway(spec: SaveSpec): Promise<RemovalReport>
  /**
   * Brings a saved lane back where it was. What was saved stays saved. Called again after it was interrupted anywhere it ends the same.
   * @throws ERR_SAVED_NOT_FOUND, ERR_WORKTREE_PATH_EXISTS, ERR_WORKTREE_BRANCH_EXISTS, ERR_DISK_FULL, ERR_RUN_INTERRUPTED, ERR_GIT_FAILED: nothing of it is left
   */
  restore(id: string, signal?: AbortSignal): Promise<Worktree>
  /** Removes what an interrupted `restore` made, and nothing else. Idempotent. @throws ERR_WORKTREE_PATH_EXISTS where somebody wrote in it */
  abandon(id: string): Promise<void>
  /** Newest last. */
  list(): Promise<readonly SavedLane[]>
  /** Forgets what was saved, for ever; not while a worktree is half removed or half brought back that only this has whole. Idempotent. */
  forget(id: string): Promise<void>
}
