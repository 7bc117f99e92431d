import type { Worktrees } from '../../../src/ports/worktrees.port.ts'
import { openWorkspace } from '../../../src/adapters/git/git-worktrees.adapter.ts'
import { systemClock } from '../../../src/adapters/system/system-clock.adapter.ts'
import { gitTestEnv } from '../../helpers/git-repo.ts'

/** Opens a repository with the real clock, without jitter and without this machine's configuration of git. */
export const openRepo = (cwd: string, environment: NodeJS.ProcessEnv = gitTestEnv()): Promise<Worktrees> =>
  openWorkspace(cwd, { clock: systemClock, random: { next: () => 0.5 }, environment })
