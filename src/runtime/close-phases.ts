import { LANES, RUNS } from '../actors/names.ts'
import type { Clock } from '../ports/clock.port.ts'
import type { TerminalHost } from '../ports/terminal-host.port.ts'
import type { StopPhase, StopPhaseInfo, StopProgress } from '../protocols/control/views.ts'
import type { System } from '../supervisors/system.types.ts'
import type { LiveRuns } from './live-runs.ts'

/** The steps of a close, in their order. */
export type ClosePhase = StopPhase

/** Something that ran: `lane/command` with the pid of its process, or a lane, run or actor without one. */
export type Named = { readonly what: string; readonly pid: number | null }

/** How a phase went. `late`: what did not stop within the limit, and was killed. */
export type ClosePhaseReport = { readonly phase: ClosePhase; readonly tookMs: number; readonly late: readonly Named[] }

/** A phase begins (`report` is null) or is over. */
export type CloseProgress = { readonly phase: ClosePhase; readonly report: ClosePhaseReport | null }

/** How a phase went, as clients are told. */
export const stopPhaseInfo = ({ phase, tookMs, late }: ClosePhaseReport): StopPhaseInfo => ({
  phase,
  tookMs,
  late: late.map(({ what, pid }) => (pid === null ? what : `${what} (pid ${pid})`)),
})

export const stopProgress = ({ phase, report }: CloseProgress): StopProgress => ({
  phase,
  report: report === null ? null : stopPhaseInfo(report),
})

/** For a run: the longest sum of graces in one of its lanes, and this, for what they leave behind and for git. */
const RUNS_MARGIN_MS = 60_000
const TERMINALS_MARGIN_MS = 15_000
const LANES_LIMIT_MS = 30_000
const INFRASTRUCTURE_LIMIT_MS = 30_000
/** Grace for processes of which nobody knows the command. */
const UNKNOWN_GRACE_MS = 1_000
/** For what was killed to be gone, at most. */
const KILLED_LIMIT_MS = 10_000
/** Who ends what a close ends. */
export const BY_CLOSE = 'the runtime closes'

export type CloseParts = {
  readonly clock: Clock
  readonly live: LiveRuns
  readonly terminals: TerminalHost
  readonly system: System
  readonly limitsMs: Partial<Record<ClosePhase, number>>
  readonly told: (progress: CloseProgress) => void
}

/**
 * Stops everything that a runtime runs, phase by phase: runs end as if they had been asked to, lanes in the reverse order
 * of their start; what is left of terminals, of lanes and of what records them follows. Each phase ends within its limit:
 * what is late is named, then killed. Actors that hang and a store that does not answer cost their limit, not more.
 */
export const closeInPhases = async (parts: CloseParts): Promise<readonly ClosePhaseReport[]> => {
  const { clock, live, system, limitsMs, told } = parts
  const { longestStopMs } = live
  const reports: ClosePhaseReport[] = []
  const begin = (phase: ClosePhase): ((late: readonly Named[]) => void) => {
    const began = clock.monotonic()
    told({ phase, report: null })
    return (late) => {
      const report = { phase, tookMs: clock.monotonic() - began, late }
      reports.push(report)
      told({ phase, report })
    }
  }
  begin('accepting')([])
  begin('runs')(await endRuns(parts, limitsMs.runs ?? longestStopMs + RUNS_MARGIN_MS))
  begin('terminals')(await endTerminals(parts, limitsMs.terminals ?? longestStopMs + TERMINALS_MARGIN_MS))
  const lanesOver = begin('lanes')
  const lanesBy = clock.monotonic() + (limitsMs.lanes ?? LANES_LIMIT_MS)
  const unfinished = await stillRunning(parts, limitsMs.lanes ?? LANES_LIMIT_MS)
  const left = Math.max(0, lanesBy - clock.monotonic())
  let infrastructureOver: ReturnType<typeof begin> = () => {}
  const trees = [RUNS, LANES].map(({ name }) => ({ name, stops: [name], limitMs: left }))
  const late: Named[] = [...unfinished]
  await system.shutdown(trees, limitsMs.infrastructure ?? INFRASTRUCTURE_LIMIT_MS, (report) => {
    late.push(...report.late.map((actor) => ({ what: live.labelOf(actor), pid: null })))
    if (report.phase === LANES.name) {
      lanesOver(late.splice(0))
      infrastructureOver = begin('infrastructure')
    }
  })
  infrastructureOver(late)
  return reports
}

/** Stops the actors and nothing behind them: for a host that keeps its terminals. */
export const handOver = async ({ clock, system, live, limitsMs, told }: CloseParts): Promise<readonly ClosePhaseReport[]> => {
  const began = clock.monotonic()
  told({ phase: 'infrastructure', report: null })
  const limitMs = limitsMs.infrastructure ?? INFRASTRUCTURE_LIMIT_MS
  const late = (await system.shutdown([], limitMs, undefined, 'handover')).flatMap((report) => report.late)
  const named = late.map((actor) => ({ what: live.labelOf(actor), pid: null }))
  const report: ClosePhaseReport = { phase: 'infrastructure', tookMs: clock.monotonic() - began, late: named }
  told({ phase: 'infrastructure', report })
  return [report]
}

const endRuns = async (parts: CloseParts, limitMs: number): Promise<readonly Named[]> => {
  const { live } = parts
  for (const { handle } of live.all().toReversed()) handle.stop(BY_CLOSE)
  const late = await stillRunning(parts, limitMs)
  for (const { handle } of live.all().toReversed()) handle.kill(`${BY_CLOSE}: it did not stop in time`)
  return late
}

/** Waits until every run is over. @returns what still runs after `limitMs` */
const stillRunning = async ({ clock, live, terminals }: CloseParts, limitMs: number): Promise<readonly Named[]> => {
  const runs = live.all().map(({ handle }) => handle.finished)
  if (await settledWithin(clock, limitMs, Promise.allSettled(runs))) return []
  const processes = namedProcesses(live, terminals)
  const lanes = live
    .all()
    .flatMap(({ handle }) => handle.view().lanes.filter(({ state, endedAt }) => state !== 'waiting' && endedAt === null))
  const idle = lanes.filter(({ name }) => !processes.some(({ what }) => what.startsWith(`${name}/`)))
  const named = [...processes, ...idle.map(({ name }) => ({ what: name, pid: null }))]
  return named.length > 0 ? named : live.all().map(({ handle }) => ({ what: handle.runId, pid: null }))
}

/** Ends what still runs on a terminal, each process with its own grace, and lets no other start. */
const endTerminals = async ({ clock, live, terminals }: CloseParts, limitMs: number): Promise<readonly Named[]> => {
  const end = (graceOf: (ptyId: string) => number): void => {
    for (const pty of terminals.list()) pty.terminate({ graceMs: graceOf(pty.ptyId), askedBy: BY_CLOSE }).catch(() => undefined)
  }
  end((ptyId) => live.graceOf(ptyId) ?? UNKNOWN_GRACE_MS)
  const ended = terminals.close(Math.max(live.longestStopMs, UNKNOWN_GRACE_MS))
  if (await settledWithin(clock, limitMs, ended)) return []
  const late = namedProcesses(live, terminals)
  end(() => 0)
  await settledWithin(clock, Math.min(limitMs, KILLED_LIMIT_MS), ended)
  return late
}

/** What runs on terminals now. */
export const namedProcesses = (live: LiveRuns, terminals: TerminalHost): readonly Named[] =>
  terminals.list().map(({ ptyId, identity }) => ({ what: live.labelOf(ptyId), pid: identity.pid }))

/** @returns whether it settled in that time, well or not */
const settledWithin = (clock: Clock, limitMs: number, promise: Promise<unknown>): Promise<boolean> =>
  new Promise((resolve) => {
    const timer = clock.setTimer(limitMs, () => resolve(false))
    const settle = (): void => {
      timer.cancel()
      resolve(true)
    }
    promise.then(settle, settle)
  })
