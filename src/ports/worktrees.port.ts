/** The git repository that signalbox works on. */
export type WorkspaceInfo = {
  /** Top of the main working tree, absolute and real. */
  readonly root: string
  /** The common git directory, absolute and real (the same from every worktree). */
  readonly commonDir: string
  /** Name of the branch checked out, or null when HEAD is detached. */
  readonly branch: string | null
}

export type WorktreeSpec = {
  /** Absolute; must not exist. */
  readonly path: string
  /** New branch; must not exist. */
  readonly branch: string
  /** Anything that names a commit. */
  readonly base: string
  /** Files to copy from the main working tree, besides those that its `.worktreeinclude` names, relative to its top; each must lie inside it and must not be a directory. A missing one is an error. */
  readonly copy: readonly string[]
}

export type Worktree = { readonly path: string; readonly branch: string; /** Full object id of the base. */ readonly baseCommit: string }

/** What a lane's worktree and branch hold that the base does not. */
export type WorktreeWork = {
  /** Commits on the branch (or on a detached HEAD) that are not in the base commit. */
  readonly commits: number
  /** Paths, relative to the worktree: modified, staged, untracked; ignored ones are not listed. In git's order, at most 1,000; `copy`d files that are not ignored are listed only when changed. */
  readonly uncommitted: readonly string[]
  /** Commit the worktree's HEAD points to. */
  readonly head: string
}

export type WorktreeEntry = {
  readonly path: string
  /** Short branch name; null when detached. */
  readonly branch: string | null
  readonly head: string | null
  readonly locked: string | null
  /** The directory is gone. */
  readonly missing: boolean
  readonly main: boolean
}

export type RemovalReport = {
  readonly worktreeRemoved: boolean
  readonly branchDeleted: boolean
  /** Why something stayed; empty when all went. */
  readonly kept: readonly string[]
}

/** Worktrees of one repository. Ref writes are serialised per repository. One contract suite runs on every implementation. */
export interface Worktrees {
  readonly workspace: WorkspaceInfo
  /** @returns the full object id. @throws ERR_WORKTREE_BASE_NOT_FOUND */
  resolve(base: string): Promise<string>
  /**
   * Adds a worktree on a new branch. On any failure, abort included, nothing it made is left.
   * @throws ERR_WORKTREE_BASE_NOT_FOUND, ERR_WORKTREE_BRANCH_EXISTS, ERR_WORKTREE_BRANCH_CHECKED_OUT,
   *   ERR_WORKTREE_PATH_EXISTS, ERR_LANE_COPY_FAILED, ERR_DISK_FULL, ERR_WORKSPACE_READ_ONLY, ERR_GIT_LOCKED (retried with backoff first), ERR_GIT_FAILED
   */
  add(spec: WorktreeSpec, signal?: AbortSignal): Promise<Worktree>
  /** @throws ERR_WORKTREE_NOT_FOUND when the directory is gone or is no worktree of this repository */
  inspect(worktree: Worktree): Promise<WorktreeWork>
  /**
   * Removes the worktree if it holds no uncommitted work (checked here again, at the last moment; git itself refuses
   * too, no --force on anything but ignored files), and its branch if it has no commits beyond the base. Idempotent.
   * @throws ERR_WORKTREE_DIRTY (context: uncommitted), ERR_WORKTREE_LOCKED
   */
  remove(worktree: Worktree): Promise<RemovalReport>
  list(): Promise<readonly WorktreeEntry[]>
  /** Short names of local branches that start with `prefix`, with their commit. */
  branches(prefix: string): Promise<readonly { readonly name: string; readonly head: string }[]>
  /** Deletes a branch only if its tip is still `head` and that commit is reachable from `base` or another ref. @returns whether it went. */
  deleteBranchIfMerged(name: string, head: string): Promise<boolean>
}
