import type { Clock } from '../../../src/ports/clock.port.ts'
import type { Worktrees } from '../../../src/ports/worktrees.port.ts'
import { openWorkspace } from '../../../src/adapters/git/git-worktrees.adapter.ts'
import { systemClock } from '../../../src/adapters/system/system-clock.adapter.ts'
import { gitTestEnv } from '../../helpers/git-repo.ts'

/** A clock whose timers fire 50 times as early: waiting for a lock costs a test little. */
const hurried: Clock = { ...systemClock, setTimer: (delayMs, fire) => systemClock.setTimer(delayMs / 50, fire) }

/** Opens a repository without jitter and without this machine's configuration of git. */
export const openRepo = (
  cwd: string,
  environment: NodeJS.ProcessEnv = gitTestEnv(),
  pace: 'real' | 'hurried' = 'real',
): Promise<Worktrees> => openWorkspace(cwd, { clock: pace === 'real' ? systemClock : hurried, random: { next: () => 0.5 }, environment })
