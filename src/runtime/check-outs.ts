import type { CheckOuts } from '../adapters/git/worktree-context.ts'
import type { Clock } from '../ports/clock.port.ts'
import type { ProcessTable } from '../ports/process-table.port.ts'
import { endSurvivors, MarkSweep } from '../terminal-host/survivors.ts'

/** What a hook gets between SIGTERM and SIGKILL once its check-out was given up. */
const GRACE_MS = 1_000

/** Stands in a mark where others have the id of their PTY. */
const CHECK_OUT = 'git-of-'

/** @returns whether a mark is that of a check-out rather than of a PTY. */
export const isCheckOut = (mark: string | null): boolean => mark?.split('/')[1]?.startsWith(CHECK_OUT) === true

/**
 * Marks each check-out of this process, so that hooks and filters which git leaves behind are found and ended.
 * @param workspace its id, asked for at each check-out
 */
export const createCheckOuts = (workspace: () => string, processTable: ProcessTable, clock: Clock): CheckOuts => {
  const sweep = new MarkSweep(processTable)
  let count = 0
  return {
    mark: () => `${workspace()}/${CHECK_OUT}${process.pid}/${(count += 1)}`,
    async end(mark) {
      const send = (target: Parameters<ProcessTable['signal']>[0], signal: NodeJS.Signals): void => void processTable.signal(target, signal)
      await endSurvivors({
        find: () => sweep.find(mark),
        processTable,
        clock,
        patience: { killAt: clock.monotonic() + GRACE_MS },
        send,
        asked: () => false,
      })
    },
  }
}
