import type { RecordedEvent } from '../../protocols/events.ts'
import type { ExitFinding } from '../../protocols/exit-class.ts'
import type { SignalRecord, SurvivorRecord } from '../../protocols/pty-exit.ts'
import type { WhyAttempt, WhyCrash, WhyDecision, WhyTransition } from '../../protocols/why.ts'
import { decisionOf, decisionText, errorMessage, listOf, numberOf, objectOf, subjectOf, textOf } from '../event-text.ts'

const emptyAttempt = (command: string, attempt: number): WhyAttempt => ({
  command,
  attempt,
  pid: null,
  startedAt: null,
  endedAt: null,
  durationMs: null,
  exitCode: null,
  signal: null,
  stopped: false,
  lost: false,
  error: null,
  errorCode: null,
  finding: null,
  signals: [],
  survivors: [],
  log: null,
  logGap: false,
  lastLines: [],
})

const findingOf = (event: RecordedEvent): ExitFinding | null => (event.payload['finding'] as ExitFinding | null | undefined) ?? null

/** What an event adds to what is known of its attempt. */
const learnt = (event: RecordedEvent): Partial<WhyAttempt> => {
  switch (event.type) {
    case 'pty.spawned':
      return { pid: numberOf(event, 'pid'), startedAt: event.at }
    case 'pty.error': {
      const code = objectOf(event.payload['error'])['code']
      return {
        error: errorMessage(event.payload['error']),
        errorCode: typeof code === 'string' ? code : null,
        finding: findingOf(event),
        endedAt: event.at,
      }
    }
    case 'pty.exited':
      return {
        endedAt: event.at,
        durationMs: numberOf(event, 'durationMs'),
        exitCode: numberOf(event, 'exitCode'),
        signal: textOf(event, 'signal') || null,
        signals: listOf<SignalRecord>(event, 'signals'),
        survivors: listOf<SurvivorRecord>(event, 'survivors'),
        log: textOf(event, 'log') || null,
        logGap: event.payload['logGap'] === true,
        finding: findingOf(event),
        lastLines: listOf<string>(event, 'lastLines'),
      }
    case 'pty.state-changed':
      if (textOf(event, 'event') === 'terminate') return { stopped: true, ...(textOf(event, 'to') === 'stopped' && { endedAt: event.at }) }
      return textOf(event, 'event') === 'lost' ? { lost: true, endedAt: event.at } : {}
    default:
      return {}
  }
}

/** Attempts at commands, in the order of their start. */
export const attemptsOf = (events: readonly RecordedEvent[]): readonly WhyAttempt[] => {
  const attempts = new Map<string, WhyAttempt>()
  for (const event of events) {
    if (!event.type.startsWith('pty.')) continue
    const command = textOf(event, 'command')
    const attempt = numberOf(event, 'attempt') ?? 0
    const key = `${command}/${attempt}`
    attempts.set(key, { ...(attempts.get(key) ?? emptyAttempt(command, attempt)), ...learnt(event) })
  }
  return [...attempts.values()]
}

export const decisionsOf = (events: readonly RecordedEvent[]): readonly WhyDecision[] =>
  events
    // of another version, where that is missing
    .filter(({ type, payload }) => type === 'supervisor.decided' && objectOf(payload['decision'])['allowed'] !== undefined)
    .map((event) => {
      const decision = decisionOf(event)
      const { restarts, allowed, delayMs, waits = 0, reason = null } = decision
      const command = textOf(event, 'command') || null
      return { at: event.at, command, decision: decision.decision, restarts, allowed, delayMs, waits, reason, text: decisionText(decision) }
    })

export const transitionsOf = (events: readonly RecordedEvent[]): readonly WhyTransition[] =>
  events
    .filter(({ type }) => type.endsWith('.state-changed'))
    .map((event) => ({
      at: event.at,
      of: subjectOf(event),
      from: textOf(event, 'from'),
      to: textOf(event, 'to'),
      event: textOf(event, 'event'),
      cause: textOf(event, 'cause'),
    }))

export const crashesOf = (events: readonly RecordedEvent[]): readonly WhyCrash[] =>
  events
    .filter(({ type }) => type === 'actor.crashed')
    .map((event) => ({ at: event.at, name: textOf(event, 'name'), error: errorMessage(objectOf(event.payload['exit'])['error']) }))

/** An attempt that went wrong by itself. */
export const hasFailed = ({ endedAt, exitCode, stopped }: WhyAttempt): boolean => endedAt !== null && !stopped && exitCode !== 0
