import type { Clock } from '../../ports/clock.port.ts'
import type { Random } from '../../ports/random.port.ts'
import type { WorkspaceInfo } from '../../ports/worktrees.port.ts'
import type { Git } from './git-command.ts'

/** Finds the processes of one check-out (git, its filters and hooks) again by a mark in their environment. */
export type CheckOuts = {
  /** A new value of SIGNALBOX_MARK for one check-out. */
  mark(): string
  /** Ends every process that carries it. */
  end(mark: string): Promise<void>
}

/** What every operation on worktrees needs. */
export type WorktreeContext = {
  readonly git: Git
  readonly workspace: WorkspaceInfo
  /** Major and minor version of git. */
  readonly version: readonly [number, number]
  readonly clock: Clock
  readonly random: Random
  readonly checkOuts: CheckOuts | undefined
}
