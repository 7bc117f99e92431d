import type { PlanCommand } from '../../protocols/plan.ts'
import type { RecordedEvent } from '../../protocols/events.ts'
import type { PtyHealth } from '../../protocols/health.ts'
import { LOST_WITH } from '../../protocols/lost-with.ts'
import { duration, span } from '../../protocols/words.ts'
import type { WhyAttempt, WhyDecision, WhyNext, WhyRemedy } from '../../protocols/why.ts'
import { textOf } from '../event-text.ts'
import { decisionsOf, hasFailed } from './evidence.ts'
import { failureText, lastWordsOf, sentence, sentSignal, stoppedText } from './failure.ts'
import { type LaneFacts, stoppedBy, type Told, type WhyFacts } from './facts.ts'
import { lostBy, lostWith } from './owner.ts'
import { quoted, readLog, remediesOf, remedy } from './remedies.ts'

const allowedText = ({ allowed: { restarts } }: WhyDecision): string =>
  restarts === 0 ? 'no restart is allowed' : `only ${restarts} restart${restarts === 1 ? ' is' : 's are'} allowed in that time`

const whatFollows = (spec: PlanCommand | undefined): WhyNext => {
  const restart = spec?.restart ?? 'temporary'
  if (restart === 'permanent') return { what: 'whenever it ends, it is started again', at: null }
  const failing = restart === 'transient' ? 'is started again' : 'is not started again'
  return { what: `it runs until it ends by itself; if it fails, it ${failing}`, at: null }
}

const running = (facts: WhyFacts, lane: LaneFacts, attempt: WhyAttempt, spec: PlanCommand | undefined): Told => {
  const { seen } = facts
  const stopping = lane.events.findLast(
    (event) => event.type === 'pty.state-changed' && textOf(event, 'command') === attempt.command && textOf(event, 'event') === 'terminate',
  )
  const kill = remedy('end it now', `signalbox term kill ${lane.name}/${attempt.command}`)
  if (attempt.stopped && stopping !== undefined) {
    const graceMs = spec?.graceMs ?? null
    return {
      state: 'stopping',
      since: stopping.at,
      summary: `${askedText(facts, lane, attempt.command)} It was asked to end (SIGTERM) and has not ended yet (pid ${attempt.pid}).`,
      next:
        graceMs === null
          ? { what: 'it is killed when its time is over', at: null }
          : { what: 'if it has not ended by itself, it is killed (SIGKILL)', at: stopping.at + graceMs },
      remedies: [],
    }
  }
  if (attempt.startedAt === null) {
    return { state: 'preparing', since: null, summary: 'Its process is being started.', next: { what: 'it runs', at: null }, remedies: [] }
  }
  const failures = attempt.attempt > 1 ? ` It is attempt ${attempt.attempt}: the one before failed.` : ''
  return {
    state: 'running',
    since: attempt.startedAt,
    summary: `It runs as process ${attempt.pid}.${failures}${doesText(seen.health)}`,
    next: whatFollows(spec),
    remedies: [remedy('look at it, and type into it', `signalbox term attach ${lane.name}/${attempt.command}`), kill],
  }
}

/** Quiet for less than this is not worth a word. */
const QUIET_MS = 60_000

/** What it does at this moment, from what is seen of its processes. */
const doesText = (health: PtyHealth | null): string => {
  if (health === null) return ''
  const { condition, idleMs, quietMs, evidence, cpuPercent } = health
  const since = idleMs < QUIET_MS ? '' : ` for ${duration(idleMs)}`
  switch (condition) {
    case 'at-prompt':
      return ` It waits for a command${since}.`
    case 'waiting-for-input':
      return ` It waits for input${since}: ${evidence}.`
    case 'blocked-on-output':
      return ` It cannot go on${since}, because nobody reads what it puts out: ${evidence}.`
    case 'stopped':
    case 'zombie':
    case 'uninterruptible':
      return ` It does not go on${since}: ${evidence}.`
    case 'busy':
      return quietMs.output < QUIET_MS
        ? ''
        : ` It has put out nothing for ${duration(quietMs.output)}, but works: ${cpuPercent ?? 0} % of a core.`
    case 'idle':
    case 'unknown':
      return idleMs < QUIET_MS ? '' : ` It has been quiet${since}: ${evidence}.`
  }
}

/** Whose command ended it, where it was somebody's. */
const askedText = (facts: WhyFacts, lane: LaneFacts, command: string): string => {
  const ending = lane.events.findLast(({ type, payload }) => type === 'terminal.ending' && payload['command'] === command)
  const stop = ending ?? stoppedBy(facts)
  if (stop !== null && stop !== undefined) return `Stopped by ${textOf(stop, 'by')}.`
  const cleanup = lane.events.findLast((event) => event.type === 'lane.state-changed' && textOf(event, 'event') === 'cleanup')
  return cleanup === undefined ? 'Its lane stopped it.' : `Its lane ended (${textOf(cleanup, 'cause')}), which ends what still runs in it.`
}

const waitingForRetry = (facts: WhyFacts, lane: LaneFacts, attempt: WhyAttempt, decision: WhyDecision): Told => {
  const at = decision.at + decision.delayMs
  const failed = sentence(failureText(attempt, lane.worktree))
  const isLimit = decision.decision === 'wait'
  const counted = isLimit
    ? 'This is not counted as a restart.'
    : `That was failure ${decision.restarts} within ${span(decision.allowed.withinMs)}; ${decision.allowed.restarts} restart${decision.allowed.restarts === 1 ? ' is' : 's are'} allowed in that time.`
  return {
    state: isLimit ? 'waiting' : 'backoff',
    since: decision.at,
    summary: `${failed}${lastWordsOf(attempt)} ${counted}`,
    next: { what: `attempt ${attempt.attempt + 1} starts`, at },
    remedies: isLimit
      ? [remedy('nothing has to be done: it goes on by itself'), ...readLog(attempt)]
      : [...remediesOf(attempt, facts, null), ...mendMeanwhile(lane.worktree)],
  }
}

const mendMeanwhile = (worktree: string | null): readonly WhyRemedy[] =>
  worktree === null ? [] : [remedy('mend it meanwhile: the next attempt takes what is there then', `cd ${quoted(worktree)}`)]

const isRetry = (decision: WhyDecision | undefined): decision is WhyDecision =>
  decision?.decision === 'restart' || decision?.decision === 'wait'

/** Why there is no other attempt. */
const finalText = (attempt: WhyAttempt, decision: WhyDecision | undefined, spec: PlanCommand | undefined): string => {
  if (decision?.decision === 'escalate') {
    return decision.reason === null
      ? `That was failure ${decision.restarts} within ${span(decision.allowed.withinMs)}, and ${allowedText(decision)}, so it was given up.`
      : `It was given up: it had waited ${decision.waits - 1} times in a row already.`
  }
  if (decision?.reason != null) return 'Another try would not help, so it is not tried again.'
  if ((spec?.restart ?? 'temporary') === 'temporary')
    return 'It is not tried again: its plan says `restart: temporary`, which is the default.'
  return attempt.error !== null && attempt.attempt === 1
    ? 'A command that cannot even start once is not tried again.'
    : 'It is not tried again.'
}

/** What the process that ran it tells of. */
const WITH_OWNER: ReadonlySet<string> = new Set(['', LOST_WITH.orchestrator, LOST_WITH.run])

const lostCause = ({ events }: LaneFacts, command: string): string => {
  const isLoss = (event: RecordedEvent): boolean =>
    event.type === 'pty.state-changed' && textOf(event, 'command') === command && textOf(event, 'event') === 'lost'
  const event = events.findLast(isLoss)
  return event === undefined ? '' : textOf(event, 'cause')
}

const over = (
  facts: WhyFacts,
  lane: LaneFacts,
  attempt: WhyAttempt,
  decision: WhyDecision | undefined,
  spec: PlanCommand | undefined,
): Told => {
  const since = attempt.endedAt
  const worktree = lane.summary?.worktree ?? (lane.ended === null ? lane.worktree : null)
  if (attempt.lost) {
    const cause = lostCause(lane, attempt.command)
    const known = [...readLog(attempt)]
    return WITH_OWNER.has(cause) ? lostWith(facts, 'its process', since, known) : lostBy(facts, cause, since, known)
  }
  if (attempt.stopped) {
    const summary = `${askedText(facts, lane, attempt.command)} ${sentence(stoppedText(attempt))}`
    return { state: 'stopped', since, summary, next: null, remedies: readLog(attempt) }
  }
  if (sentSignal(attempt) !== undefined) {
    return { state: 'stopped', since, summary: sentence(failureText(attempt, lane.worktree)), next: null, remedies: readLog(attempt) }
  }
  if (!hasFailed(attempt)) {
    return { state: 'succeeded', since, summary: 'It ended by itself with exit code 0.', next: null, remedies: readLog(attempt) }
  }
  return {
    state: 'failed',
    since,
    summary: `${sentence(failureText(attempt, lane.worktree))}${lastWordsOf(attempt)} ${finalText(attempt, decision, spec)}`,
    next: null,
    remedies: [...remediesOf(attempt, facts, worktree), ...allowMore(attempt, decision)],
  }
}

/** Where it was given up only because it had failed, or waited, too often. */
const allowMore = (attempt: WhyAttempt, decision: WhyDecision | undefined): readonly WhyRemedy[] => {
  if (decision?.decision !== 'escalate') return []
  return attempt.finding?.class === 'rateLimited'
    ? [remedy('if it should wait more often: `classify.wait.times` in its plan')]
    : [remedy('if so many failures are expected: allow more restarts (`intensity` in its plan)')]
}

const isDead = ({ seen }: WhyFacts): boolean => seen.lastWords !== null || seen.owner?.state === 'dead' || seen.owner?.state === 'rebooted'

/** A command that has begun, by its last attempt and what was decided about it. */
export const explainAttempt = (facts: WhyFacts, lane: LaneFacts, attempt: WhyAttempt): Told => {
  const name = attempt.command
  const spec = lane.plan?.commands.find((one) => one.name === name)
  const isOver = lane.ended !== null
  if (attempt.endedAt === null) {
    return isOver || isDead(facts) ? lostWith(facts, 'its process', null, readLog(attempt)) : running(facts, lane, attempt, spec)
  }
  const ended = attempt.endedAt
  const decision = decisionsOf(lane.events.filter((event) => textOf(event, 'command') === name)).findLast(({ at }) => at >= ended)
  if (!isRetry(decision)) return over(facts, lane, attempt, decision, spec)
  if (isOver) return stoppedWhileWaiting(facts, lane, attempt)
  return isDead(facts) ? lostWith(facts, 'its next attempt', null, readLog(attempt)) : waitingForRetry(facts, lane, attempt, decision)
}

const stoppedWhileWaiting = (facts: WhyFacts, lane: LaneFacts, attempt: WhyAttempt): Told => ({
  state: 'stopped',
  since: lane.ended?.at ?? null,
  summary: `${sentence(failureText(attempt, lane.worktree))} It waited for its next attempt when its lane ended. ${askedText(facts, lane, attempt.command)}`,
  next: null,
  remedies: remediesOf(attempt, facts, lane.summary?.worktree ?? null),
})
