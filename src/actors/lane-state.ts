import type { ErrorRecord } from '../protocols/errors.ts'
import type { TerminalId } from '../protocols/ids.ts'
import type { PlanCommand } from '../protocols/plan.ts'
import type { AttemptResult, LaneRecord } from '../protocols/records.ts'
import type { CommandSummary, LaneSummary, Outcome } from '../protocols/summary.ts'
import { findingText } from '../protocols/exit-words.ts'
import type { CleaningReport } from '../protocols/lane.protocol.ts'
import type { Exit } from '../protocols/exit.ts'
import type { LaneArgs } from './services.ts'

/** How far a command of the lane is. */
export type CommandProgress = {
  readonly spec: PlanCommand
  readonly terminalId: TerminalId
  readonly phase: 'waiting' | 'starting' | 'running' | 'ended'
  readonly attempts: number
  readonly last: AttemptResult | null
  readonly outcome: CommandSummary['outcome'] | null
  readonly reason: string | null
}

export type LaneActorState = {
  readonly args: LaneArgs
  readonly record: LaneRecord
  readonly commands: readonly CommandProgress[]
  /** Set once, when it is decided how the lane ends. */
  readonly verdict: { readonly outcome: Outcome; readonly reason: string | null } | null
  /**
   * It is being found out which terminals run, after they or this actor died: until then nothing is started. `stale`: the
   * answer that is under way is too old.
   */
  readonly rejoining: null | 'asked' | 'stale'
  /** Aborts the check-out. */
  readonly provisioning: AbortController
  /** The worktree was made, or may have been. */
  readonly provisioned: boolean
  /** An add is under way. */
  readonly adding: boolean
  readonly cleaningAttempts: number
  readonly startedMonotonic: number
}

export const withCommand = (state: LaneActorState, name: string, patch: Partial<CommandProgress>): LaneActorState => ({
  ...state,
  commands: state.commands.map((command) => (command.spec.name === name ? { ...command, ...patch } : command)),
})

/** What the lane should do next. */
export type NextMove = { readonly do: 'start'; readonly command: CommandProgress } | { readonly do: 'wait' } | { readonly do: 'finish' }

/**
 * Commands run in sequence; a permanent one runs beside the rest from its place in the order on. A lane of permanent
 * commands only runs until it is stopped.
 */
export const nextMove = (commands: readonly CommandProgress[]): NextMove => {
  for (const command of commands) {
    if (command.phase === 'waiting') return { do: 'start', command }
    if (command.phase === 'starting') return { do: 'wait' }
    if (command.phase === 'running' && command.spec.restart !== 'permanent') return { do: 'wait' }
  }
  const finite = commands.some((command) => command.spec.restart !== 'permanent')
  return finite ? { do: 'finish' } : { do: 'wait' }
}

const howItEnded = (attempts: number, last: AttemptResult | null, error: ErrorRecord | null): string => {
  const cause = last === null ? error : last.error
  if (cause !== null) return cause.message
  if (last === null) return attempts === 0 ? 'it never ran' : 'its process was lost'
  const how = last.signal === null ? `exit code ${last.exitCode}` : `ended by ${last.signal}`
  if (last.finding == null) return how
  const why = findingText(last.finding)
  return why.startsWith(how) ? why : `${how}: ${why}`
}

/** Decides what the end of a command's terminal means. */
export const settle = (
  command: CommandProgress,
  attempts: number,
  last: AttemptResult | null,
  exit: Exit,
  stopping: boolean,
): Partial<CommandProgress> => {
  const ended = { phase: 'ended', attempts, last } as const
  const { restart, intensity, classify } = command.spec
  const how = howItEnded(attempts, last, exit.error ?? null)
  const wasStopped = { ...ended, outcome: restart === 'permanent' ? 'stopped' : 'interrupted', reason: null } as const
  if (last?.stopped === true || (stopping && last?.error == null)) return wasStopped
  if (exit.reason === 'init_failed') return { ...ended, outcome: 'failed', reason: how }
  if (stopping) return wasStopped
  const clean = last !== null && last.error === null && last.exitCode === 0
  if (clean && restart !== 'permanent') return { ...ended, outcome: 'succeeded', reason: null }
  if (restart === 'temporary') return { ...ended, outcome: 'failed', reason: how }
  const isFinal = last?.finding != null && classify.decide[last.finding.class] === 'stop'
  if (exit.reason === 'shutdown' || isFinal) return { ...ended, outcome: 'failed', reason: `not restarted; ${how}` }
  if (exit.error?.code === 'ERR_SUPERVISOR_ESCALATED') {
    return { ...ended, outcome: 'failed', reason: `gave up after ${attempts} attempts: ${String(exit.error.context['reason'])}` }
  }
  // A command that is restarted ends by itself only when its supervisor gives up.
  const allowed = `${intensity.restarts} restart${intensity.restarts === 1 ? '' : 's'} within ${intensity.withinMs / 1_000} s`
  return { ...ended, outcome: 'failed', reason: `gave up after ${attempts} attempts (allowed: ${allowed}); last: ${how}` }
}

const commandSummary = (command: CommandProgress, outcome: Outcome): CommandSummary => ({
  name: command.spec.name,
  outcome: command.outcome ?? (outcome === 'interrupted' ? 'interrupted' : 'skipped'),
  exitCode: command.last?.exitCode ?? null,
  signal: command.last?.signal ?? null,
  attempts: command.attempts,
  log: command.last?.error === null ? command.last.log : null,
  reason: command.reason,
})

/** The summary of a lane whose cleaning is over. */
export const laneSummary = (state: LaneActorState, report: CleaningReport, durationMs: number): LaneSummary => {
  const verdict = state.verdict ?? { outcome: 'failed', reason: null }
  const { worktree } = state.record
  return {
    name: state.record.name,
    id: state.record.id,
    outcome: verdict.outcome,
    durationMs,
    branch: report.branchDeleted ? null : worktree.branch,
    commits: report.commits,
    uncommitted: report.uncommitted,
    worktree: report.kept ? worktree.path : null,
    reason: [verdict.reason, report.reason].filter((text) => text !== null).join('; ') || null,
    commands: state.commands.map((command) => commandSummary(command, verdict.outcome)),
  }
}
