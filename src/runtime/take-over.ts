import { event, recordOf } from '../actors/journal.ts'
import { goesOn } from '../actors/lane-recovery.ts'
import { isLost } from '../actors/lost-terminals.ts'
import { JOURNAL, LANES, RUNS } from '../actors/names.ts'
import { recoverLanes } from '../actors/run-recovery.ts'
import type { Services } from '../actors/services.ts'
import type { ChildSpec, SupervisorSpec } from '../kernel/child-spec.ts'
import type { Clock } from '../ports/clock.port.ts'
import type { RunId } from '../protocols/ids.ts'
import type { Plan, PlanCommand } from '../protocols/plan.ts'
import { sameProcess } from '../protocols/process-key.ts'
import type { LaneRecord, PtyRecord, RunRecord } from '../protocols/records.ts'
import type { System } from '../supervisors/system.types.ts'
import type { LiveRuns } from './live-runs.ts'
import type { RuntimeRecords } from './records.ts'
import type { LiveRun } from './run-handle.ts'

const START_LIMIT_MS = 60_000
const COMMIT_LIMIT_MS = 30_000
const ALL_EVENTS = 1_000_000

export type TakeOverParts = {
  readonly system: Pick<System, 'ask'>
  readonly clock: Clock
  readonly records: RuntimeRecords
  readonly services: Services
  readonly live: LiveRuns
  readonly liveRun: (runId: RunId, plan: Plan, startedAt: number) => LiveRun
  readonly runSpec: (runId: RunId, plan: Plan) => SupervisorSpec
  /** Ends what is there of a run that cannot go on. */
  readonly abandon: (runId: RunId, error: unknown) => void
}

const startChild = async (system: Pick<System, 'ask'>, to: typeof LANES, spec: ChildSpec): Promise<void> => {
  await system.ask(to, 'supervisor.start-child', { spec }, { timeoutMs: START_LIMIT_MS })
}

/** The last attempt of a terminal, where its process is there: what its orchestrator's death left running. */
const heldAttempt = async ({ records, services }: TakeOverParts, terminalId: string): Promise<PtyRecord | null> => {
  const terminal = await records.terminal(terminalId as never)
  const last = terminal?.lastPtyId == null ? null : await records.pty(terminal.lastPtyId)
  return last !== null && last.endedAt === null && services.terminals.get(last.id) !== undefined ? last : null
}

const isReopened = ({ services: { terminals, respawnsLost } }: TakeOverParts, command: PlanCommand, last: PtyRecord): boolean => {
  if (last.endedAt === null) return respawnsLost || (terminals.keepsTerminals === true && terminals.get(last.id) !== undefined)
  // What was lost before is started by who wants it.
  return terminals.keepsTerminals === true && !isLost(last) && goesOn(command, last)
}

/**
 * Notes which terminals of a lane of its own go on, before its tree is started: those whose process the terminal host
 * holds, those that were between two attempts, and by policy those that are lost now.
 */
export const reopenTerminals = async (parts: TakeOverParts, lane: LaneRecord): Promise<void> => {
  const { records, services } = parts
  const { made, worktree, id: laneId, name } = lane
  if (made === undefined) return
  for (const { id: terminalId } of lane.terminals ?? []) {
    const terminal = await records.terminal(terminalId)
    const last = terminal?.lastPtyId == null ? null : await records.pty(terminal.lastPtyId)
    if (terminal?.opened === undefined || last === null || !isReopened(parts, terminal.opened.command, last)) continue
    const { command } = terminal.opened
    const size = last.size ?? terminal.opened.size
    const { path: cwd, branch } = worktree
    const args = { services, runId: null, laneId, terminalId, lane: name, command, env: made.env, cwd, branch }
    services.opened.set(terminalId, { ...args, ...(size !== undefined && { size }) })
  }
}

const hasHeld = async (parts: TakeOverParts, run: RunRecord): Promise<boolean> => {
  for (const { id } of run.lanes) {
    const lane = await parts.records.lane(id)
    for (const terminal of lane?.terminals ?? []) if ((await heldAttempt(parts, terminal.id)) !== null) return true
  }
  return false
}

const takeOverRun = async (parts: TakeOverParts, run: RunRecord): Promise<void> => {
  const { system, records, services, live, clock } = parts
  const { owner } = services
  const adopted = event(
    clock.now(),
    'run.adopted',
    { runId: run.id },
    { by: `process ${owner.pid}`, pid: owner.pid, before: run.owner.pid },
  )
  const known = parts.liveRun(run.id, run.plan, run.startedAt)
  const before = await records.events({ runId: run.id, limit: ALL_EVENTS })
  live.add(run.id, known, run.plan)
  for (const past of before) live.hear(past)
  const commit = { events: [adopted], records: [recordOf('run', { ...run, owner })] }
  await system.ask(JOURNAL, 'journal.commit', commit, { timeoutMs: COMMIT_LIMIT_MS })
  // The lanes first: the run finds out which of them go on.
  const reader = { ask: system.ask.bind(system) }
  for (const spec of await recoverLanes(reader, services, [run.id])) await startChild(system, LANES, spec)
  await startChild(system, RUNS, parts.runSpec(run.id, run.plan))
}

/**
 * Goes on with the runs whose process died while their terminals lived on in the terminal host. A run that has no process
 * there is left as it is: it was interrupted. One that cannot be taken over is abandoned, and keeps no other away.
 */
export const takeOverRuns = async (parts: TakeOverParts): Promise<{ readonly count: number; readonly failed: readonly string[] }> => {
  const { records, services, live } = parts
  const failed: string[] = []
  let count = 0
  if (services.terminals.keepsTerminals !== true) return { count, failed }
  for (const run of await records.runs()) {
    if (run.endedAt !== null || sameProcess(run.owner, services.owner) || live.get(run.id) !== undefined) continue
    if (!(await hasHeld(parts, run))) continue
    try {
      await takeOverRun(parts, run)
      count += 1
    } catch (error) {
      parts.abandon(run.id, error)
      failed.push(`run ${run.id} was not taken over: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  return { count, failed }
}
