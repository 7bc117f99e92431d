import type { Clock } from '../../ports/clock.port.ts'
import type { Random } from '../../ports/random.port.ts'
import type { WorkspaceInfo } from '../../ports/worktrees.port.ts'
import type { Git } from './git-command.ts'

/** What every operation on worktrees needs. */
export type WorktreeContext = {
  readonly git: Git
  readonly workspace: WorkspaceInfo
  /** Major and minor version of git. */
  readonly version: readonly [number, number]
  readonly clock: Clock
  readonly random: Random
}
