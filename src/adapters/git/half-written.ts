import type { Clock } from '../../ports/clock.port.ts'
import type { Random } from '../../ports/random.port.ts'
import { type Git, GitExit } from './git-command.ts'
import { delay } from './repository-queue.ts'

/** 10 ms doubling: about 0.6 s in all. */
const ATTEMPTS = 7

/**
 * `git worktree add` makes `commondir` and then fills it. Every other git that looks at the worktrees of the repository in
 * between gives up, before it has done anything: "failed to read .git/worktrees/NAME/commondir: Success".
 */
const isHalfWritten = (error: unknown): boolean => error instanceof GitExit && /failed to read .*commondir/.test(error.stderr)

/** git that waits until another git, in whatever process, has filled what it began. */
export const patientGit =
  (git: Git, time: { readonly clock: Clock; readonly random: Random }): Git =>
  async (cwd, args, call) => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await git(cwd, args, call)
      } catch (error) {
        if (!isHalfWritten(error) || attempt === ATTEMPTS || call?.signal?.aborted === true) throw error
        await delay(time.clock, 10 * 2 ** (attempt - 1) * (0.5 + time.random.next() / 2), call?.signal)
      }
    }
  }
