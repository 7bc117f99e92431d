import type { RecordedEvent } from '../protocols/events.ts'
import type { ExitFinding } from '../protocols/exit-class.ts'
import { remedyOf } from '../protocols/exit-words.ts'
import type { RunId } from '../protocols/ids.ts'
import type { Intensity } from '../protocols/plan.ts'
import type { CommandSummary, LaneSummary, Outcome } from '../protocols/summary.ts'
import type { SurvivorRecord } from '../protocols/pty-exit.ts'
import type { CrashBrief } from './crash-brief.ts'
import { decisionOf, decisionText, errorMessage, listOf, numberOf, objectOf, subjectOf, textOf } from './payload.ts'

export type Transition = {
  readonly at: number
  readonly of: string
  readonly from: string
  readonly to: string
  readonly event: string
  readonly cause: string
}

export type Attempt = {
  readonly command: string
  readonly attempt: number
  readonly pid: number | null
  /** Milliseconds since the epoch. */
  readonly startedAt: number | null
  readonly endedAt: number | null
  readonly durationMs: number | null
  readonly exitCode: number | null
  readonly signal: string | null
  /** It was asked to stop. */
  readonly stopped: boolean
  /** Why it could not start; null when it did. */
  readonly error: string | null
  /** What its failure means for another try, and what shows it; null when it did not fail. */
  readonly finding: ExitFinding | null
  readonly survivors: readonly SurvivorRecord[]
  readonly log: string | null
  readonly logGap: boolean
  readonly lastLines: readonly string[]
}

export type DecisionEvidence = {
  readonly at: number
  readonly command: string | null
  readonly decision: string
  readonly restarts: number
  readonly allowed: Intensity
  readonly delayMs: number
  /** Waits in a row, this one included. */
  readonly waits: number
  /** What of the exit decided, where it was not the restart type alone. */
  readonly reason: string | null
  /** The decision in words, with the counters behind it. */
  readonly text: string
}

/** `signalbox why --json`: what is recorded of a lane, or of one command of it. */
export type Evidence = {
  readonly type: 'why'
  readonly runId: RunId
  readonly lane: string
  readonly command: string | null
  /** Null while it goes on. */
  readonly outcome: Outcome | CommandSummary['outcome'] | null
  readonly reason: string | null
  /** What it is doing or waits for, while it goes on; else null. */
  readonly now: string | null
  readonly transitions: readonly Transition[]
  readonly attempts: readonly Attempt[]
  readonly decisions: readonly DecisionEvidence[]
  /** Crashes of actors of signalbox itself. */
  readonly crashes: readonly { readonly at: number; readonly name: string; readonly error: string }[]
  /** What is known of its last crash, and where; null when there is none on record. */
  readonly dossier: CrashBrief | null
  readonly worktree: string | null
  /** What one can do now. */
  readonly next: readonly string[]
}

const transitionOf = (event: RecordedEvent): Transition => ({
  at: event.at,
  of: subjectOf(event),
  from: textOf(event, 'from'),
  to: textOf(event, 'to'),
  event: textOf(event, 'event'),
  cause: textOf(event, 'cause'),
})

const emptyAttempt = (command: string, attempt: number): Attempt => ({
  command,
  attempt,
  pid: null,
  startedAt: null,
  endedAt: null,
  durationMs: null,
  exitCode: null,
  signal: null,
  stopped: false,
  error: null,
  finding: null,
  survivors: [],
  log: null,
  logGap: false,
  lastLines: [],
})

/** What an event adds to what is known of its attempt. */
const learnt = (event: RecordedEvent): Partial<Attempt> => {
  switch (event.type) {
    case 'pty.spawned':
      return { pid: numberOf(event, 'pid'), startedAt: event.at }
    case 'pty.error':
      return {
        error: errorMessage(event.payload['error']),
        finding: (event.payload['finding'] as ExitFinding | null | undefined) ?? null,
        endedAt: event.at,
      }
    case 'pty.exited':
      return {
        endedAt: event.at,
        durationMs: numberOf(event, 'durationMs'),
        exitCode: numberOf(event, 'exitCode'),
        signal: textOf(event, 'signal') || null,
        survivors: listOf<SurvivorRecord>(event, 'survivors'),
        log: textOf(event, 'log') || null,
        logGap: event.payload['logGap'] === true,
        finding: (event.payload['finding'] as ExitFinding | null | undefined) ?? null,
        lastLines: listOf<string>(event, 'lastLines'),
      }
    case 'pty.state-changed':
      return textOf(event, 'event') === 'terminate' ? { stopped: true } : {}
    default:
      return {}
  }
}

const attemptsOf = (events: readonly RecordedEvent[]): Attempt[] => {
  const attempts = new Map<string, Attempt>()
  for (const event of events) {
    if (!event.type.startsWith('pty.')) continue
    const command = textOf(event, 'command')
    const attempt = numberOf(event, 'attempt') ?? 0
    const key = `${command}/${attempt}`
    attempts.set(key, { ...(attempts.get(key) ?? emptyAttempt(command, attempt)), ...learnt(event) })
  }
  return [...attempts.values()]
}

const decisionsOf = (events: readonly RecordedEvent[]): DecisionEvidence[] =>
  events
    .filter(({ type }) => type === 'supervisor.decided')
    .map((event) => {
      const decision = decisionOf(event)
      const { restarts, allowed, delayMs, waits = 0, reason = null } = decision
      const command = textOf(event, 'command') || null
      return { at: event.at, command, decision: decision.decision, restarts, allowed, delayMs, waits, reason, text: decisionText(decision) }
    })

const crashesOf = (events: readonly RecordedEvent[]): Evidence['crashes'] =>
  events
    .filter(({ type }) => type === 'actor.crashed')
    .map((event) => ({ at: event.at, name: textOf(event, 'name'), error: errorMessage(objectOf(event.payload['exit'])['error']) }))

/** An attempt that went wrong, by itself. */
export const hasFailed = ({ endedAt, exitCode, stopped }: Attempt): boolean => endedAt !== null && !stopped && exitCode !== 0

const nextSteps = (lane: string, evidence: Omit<Evidence, 'next'>): string[] => {
  const last = evidence.outcome === 'succeeded' ? undefined : evidence.attempts.findLast(hasFailed)
  const gaveUp = evidence.decisions.some(({ decision, reason }) => decision === 'escalate' && reason === null)
  const remedy = last?.finding == null ? null : remedyOf(last.finding.class)
  return [
    ...(remedy === null ? [] : [remedy]),
    ...(last?.log == null ? [] : [`read the whole log: ${last.log}`]),
    ...(evidence.dossier === null ? [] : [`signalbox crashes ${evidence.dossier.id}`]),
    ...(evidence.worktree === null ? [] : [`look into the worktree: ${evidence.worktree}`]),
    ...(gaveUp ? ['raise `intensity` in the plan if so many failures are expected'] : []),
    ...(evidence.command === null && last !== undefined ? [`signalbox why ${lane}/${last.command} --run ${evidence.runId}`] : []),
  ]
}

/**
 * Puts together what is recorded of a lane or command.
 * @param events of the lane, in order
 * @param now as whatHolds tells it
 * @param dossier of its last crash
 */
export const gatherEvidence = (
  events: readonly RecordedEvent[],
  runId: RunId,
  lane: string,
  command: string | null,
  now: string | null = null,
  dossier: CrashBrief | null = null,
): Evidence => {
  const concerned =
    command === null ? events : events.filter((event) => event.type.startsWith('lane.') || textOf(event, 'command') === command)
  const ended = events.findLast(({ type }) => type === 'lane.ended')
  const summary = ended === undefined ? null : (ended.payload['summary'] as LaneSummary)
  const result = command === null ? summary : (summary?.commands.find(({ name }) => name === command) ?? null)
  const evidence = {
    type: 'why' as const,
    runId,
    lane,
    command,
    outcome: result?.outcome ?? null,
    reason: result?.reason ?? null,
    now,
    transitions: concerned.filter(({ type }) => type.endsWith('.state-changed')).map(transitionOf),
    attempts: attemptsOf(concerned),
    decisions: decisionsOf(concerned),
    crashes: crashesOf(concerned),
    dossier,
    worktree: summary?.worktree ?? null,
  }
  return { ...evidence, next: nextSteps(lane, evidence) }
}
