import { isLost } from '../../actors/lost-terminals.ts'
import type { LaneId } from '../../protocols/ids.ts'
import { LOST_WITH } from '../../protocols/lost-with.ts'
import type { PlanCommand, PlanLane } from '../../protocols/plan.ts'
import type { PtyRecord, RunRecord, TerminalRecord } from '../../protocols/records.ts'
import type { CommandSummary, LaneSummary } from '../../protocols/summary.ts'

const notRun = (name: string): CommandSummary => ({
  name,
  outcome: 'interrupted',
  exitCode: null,
  signal: null,
  attempts: 0,
  log: null,
  reason: null,
})

/** How far a command came, from its records. An attempt that failed may have been about to be restarted. */
const commandOf = ({ name, restart }: PlanCommand, terminals: readonly TerminalRecord[], ptys: readonly PtyRecord[]): CommandSummary => {
  const terminal = terminals.find(({ command }) => command === name)
  const last = ptys.find(({ id }) => id === terminal?.lastPtyId)
  if (terminal === undefined || last === undefined) return notRun(name)
  // What was lost was interrupted, and had put something out.
  const exit = isLost(last) ? null : last.exit
  const clean = exit?.exitCode === 0 && restart !== 'permanent'
  const failed = exit !== null && !clean && restart === 'temporary'
  return {
    name,
    outcome: clean ? 'succeeded' : failed ? 'failed' : 'interrupted',
    exitCode: exit?.exitCode ?? null,
    signal: exit?.signal ?? null,
    attempts: terminal.attempts,
    log: exit?.error == null ? last.log : null,
    reason: clean ? null : failed ? (exit.error?.message ?? null) : LOST_WITH.run,
  }
}

/** The commands of a lane whose run died, in the order of the plan. */
export const interruptedCommands = (
  lane: PlanLane | undefined,
  terminals: readonly TerminalRecord[],
  ptys: readonly PtyRecord[],
): readonly CommandSummary[] => (lane?.commands ?? []).map((command) => commandOf(command, terminals, ptys))

/** The summary of a lane that its run, which died, had not begun. */
export const neverBegun = (run: RunRecord, name: string, id: LaneId): LaneSummary => ({
  name,
  id,
  outcome: 'interrupted',
  durationMs: 0,
  branch: null,
  commits: 0,
  uncommitted: [],
  worktree: null,
  reason: 'the process of its run died before it began',
  commands: (run.plan.lanes.find((lane) => lane.name === name)?.commands ?? []).map((command) => notRun(command.name)),
})
