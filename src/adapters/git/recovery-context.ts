import type { StreamGit } from './git-stream.ts'
import type { WorktreeContext } from './worktree-context.ts'

/** What saving and bringing back need. */
export type RecoveryContext = WorktreeContext & {
  readonly streamGit: StreamGit
  /** What the repository calls its objects by: sha1, sha256. */
  readonly hash: string
}
