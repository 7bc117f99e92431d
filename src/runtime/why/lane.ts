import type { RecordedEvent } from '../../protocols/events.ts'
import type { WhyNext, WhyRemedy } from '../../protocols/why.ts'
import { objectOf, textOf } from '../event-text.ts'
import { explainAttempt } from './attempt.ts'
import { sentence } from './failure.ts'
import { laneFacts, type LaneFacts, stoppedBy, type Told, upNow, type WhyFacts } from './facts.ts'
import { isOrphan, lostWith } from './owner.ts'
import { FIND_WHO_REMOVED_IT, freeLock, lookInside, quoted, remedy, remedyOfError, why } from './remedies.ts'

const list = (names: readonly string[]): string =>
  names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`

const notBegun = (facts: WhyFacts, lane: LaneFacts): Told => {
  const { run } = facts
  const since = run?.startedAt ?? null
  const before = (lane.plan?.after ?? []).filter((name) => laneFacts(facts, name).ended === null)
  if (before.length > 0) {
    const names = list(before)
    const doing = before.map((name) => `${name}: ${explainLane(facts, laneFacts(facts, name)).summary}`)
    return {
      state: 'waiting',
      since,
      summary: `It waits for lane ${names}, which its plan puts before it (\`after\`). Lane ${doing.join(' Lane ')}`,
      next: {
        what: `it starts when ${names} ${before.length === 1 ? 'has' : 'have'} succeeded; it is skipped if ${before.length === 1 ? names : 'one of them'} fails`,
        at: null,
      },
      remedies: before.map((name) => remedy(`see what ${name} is doing`, why(name))),
    }
  }
  const up = upNow(facts)
  const parallel = run?.plan.parallel ?? 1
  return {
    state: 'waiting',
    since,
    summary: `It waits for a free place: at most ${parallel} lane${parallel === 1 ? ' runs' : 's run'} at once (\`parallel\`), and ${up.length === 1 ? 'the place is' : 'the places are'} taken by ${list(up.map(({ name }) => name))}.`,
    next: { what: up.length === 1 ? `it starts when ${up[0]?.name} ends` : 'it starts when one of them ends', at: null },
    remedies: [
      ...up.slice(0, 3).map(({ name }) => remedy(`see what ${name} is doing`, why(name))),
      remedy('next time, let more run at once', `signalbox run PLAN --parallel ${parallel + 1}`),
    ],
  }
}

/** A lock of git that keeps it from going on. */
const lockedBy = ({ seen }: WhyFacts, doing: string, since: number): Told | null => {
  const [lock] = seen.locks
  if (lock === undefined) return null
  return {
    state: 'stuck',
    since,
    summary: `${doing}, and git cannot go on: another git holds the lock ${lock.path}`,
    next: { what: 'git tries again for about 4 s, then it fails', at: null },
    remedies: freeLock(lock.path),
    causes: [{ at: lock.since, sequence: null, what: `another git took the lock ${lock.path}`, by: null }],
  }
}

const preparing = (facts: WhyFacts, state: RecordedEvent): Told =>
  lockedBy(facts, 'Its worktree is being made', state.at) ?? {
    state: 'preparing',
    since: state.at,
    summary: 'Its worktree is being made (git checks the files out).',
    next: { what: 'its commands start when the files are there', at: null },
    remedies: [],
  }

/** Between attempts at the removal of a worktree, as the actor of a lane waits. ms */
const CLEANING_BACKOFF_MS = 250

const cleaning = (facts: WhyFacts, lane: LaneFacts, state: RecordedEvent): Told => {
  const failures = lane.events.filter((event) => event.type === 'lane.state-changed' && textOf(event, 'event') === 'cleanup-failed')
  const failed = failures.at(-1)
  const decided = lane.events.find((event) => event.type === 'lane.state-changed' && textOf(event, 'to') === 'cleaning')
  const why = decided === undefined ? '' : ` It ends because: ${sentence(textOf(decided, 'cause'))}`
  if (failed !== undefined) {
    return {
      state: 'stuck',
      since: failures[0]?.at ?? failed.at,
      summary: `Its worktree could not be removed: ${sentence(textOf(failed, 'cause'))}${why}`,
      next: {
        what: 'signalbox tries again; after four tries the worktree stays',
        at: failed.at + CLEANING_BACKOFF_MS * 2 ** failures.length,
      },
      remedies: [...remediesOfFailure(failed), remedy('if it stays, remove what is left later', 'signalbox doctor --fix')],
    }
  }
  const ends = lane.attempts.filter(({ endedAt }) => endedAt === null)
  const locked = ends.length === 0 ? lockedBy(facts, 'Its worktree is being removed', state.at) : null
  if (locked !== null) return locked
  const doing =
    ends.length === 0
      ? 'Its worktree is being removed.'
      : `What still runs in it is being ended: ${list(ends.map(({ command }) => command))}.`
  return {
    state: ends.length === 0 ? 'cleaning' : 'stopping',
    since: state.at,
    summary: `${doing}${why}`,
    next: { what: 'its worktree is removed, unless it holds uncommitted files or the plan keeps it', at: null },
    remedies: ends.map(({ command }) => remedy(`see what ${command} waits for`, `signalbox why ${lane.name}/${command}`)),
  }
}

/** What one can do about an error that a lane met. */
const remediesOfFailure = ({ payload }: RecordedEvent): readonly WhyRemedy[] => {
  const { code, context } = objectOf(payload['error'])
  const { lock } = objectOf(context)
  if (typeof lock === 'string') return freeLock(lock)
  return remedyOfError(typeof code === 'string' ? code : null)
}

const runningLane = (facts: WhyFacts, lane: LaneFacts, state: RecordedEvent, isGone: boolean): Told => {
  const inside = isGone ? [] : lookInside(lane.worktree)
  const open = lane.attempts.filter((attempt, index) => lane.attempts.findLastIndex(({ command }) => command === attempt.command) === index)
  const told = open
    .map((attempt) => ({ command: attempt.command, told: explainAttempt(facts, lane, attempt) }))
    .filter((one) => one.told.next !== null)
  if (told.length === 0) {
    const summary = lane.plan === null ? 'Its worktree is there; nothing runs in it.' : 'Its next command is about to start.'
    return { state: lane.plan === null ? 'ready' : 'running', since: state.at, summary, next: null, remedies: inside }
  }
  const first = told[0]
  const isWorst = told.find((one) => one.told.state !== 'running') ?? first
  return {
    state: isWorst?.told.state ?? 'running',
    since: isWorst?.told.since ?? state.at,
    summary: told.map((one) => `${one.command}: ${one.told.summary}`).join('\n'),
    next: nextOf(isWorst?.command, isWorst?.told.next ?? null),
    remedies: [...told.slice(0, 3).map(({ command }) => remedy(`see more of ${command}`, why(`${lane.name}/${command}`))), ...inside],
  }
}

/** Somebody removed its worktree; what runs there may go on without. */
const withoutWorktree = (lane: LaneFacts, told: Told): Told => ({
  ...told,
  state: 'stuck',
  summary: `Its worktree ${lane.worktree} is gone: somebody removed it, and no command can start there.${told.next === null ? '' : `\n${told.summary}`}`,
  remedies: [
    lane.plan === null
      ? remedy('let go of the lane, then make it again', `signalbox lane rm ${quoted(lane.name)}`)
      : remedy(FIND_WHO_REMOVED_IT),
    ...told.remedies,
  ],
})

const nextOf = (command: string | undefined, next: WhyNext | null): WhyNext | null =>
  next === null ? null : { ...next, what: `${command}: ${next.what}` }

const KEPT = /worktree kept: .*$/su

/** Why its worktree is still there. */
const keptText = (lane: LaneFacts): string => {
  const reason = KEPT.exec(lane.summary?.reason ?? '')?.[0]
  return reason === undefined || lane.summary?.worktree == null ? '' : ` ${sentence(reason)}`
}

const seeCommand = (lane: LaneFacts, command: string): readonly WhyRemedy[] => [
  remedy(`see more of ${command}`, why(`${lane.name}/${command}`)),
]

const failed = (facts: WhyFacts, lane: LaneFacts, since: number): Told => {
  const command = lane.summary?.commands.find(({ outcome }) => outcome === 'failed')
  const attempt = lane.attempts.findLast((one) => one.command === command?.name)
  if (command !== undefined && attempt !== undefined) {
    const told = explainAttempt(facts, lane, attempt)
    const summary = `Its command ${command.name} failed. ${told.summary}${keptText(lane)}`
    return { ...told, state: 'failed', since, summary, next: null, remedies: [...told.remedies, ...seeCommand(lane, command.name)] }
  }
  const failure = lane.events.find((event) => event.type === 'lane.state-changed' && textOf(event, 'event') === 'provision-failed')
  const reason = failure === undefined ? (lane.summary?.reason ?? 'no reason is recorded') : textOf(failure, 'cause')
  return {
    state: 'failed',
    since,
    summary: failure === undefined ? sentence(reason) : `Its worktree could not be made, so nothing ran in it: ${sentence(reason)}`,
    next: null,
    remedies: [...(failure === undefined ? [] : remediesOfFailure(failure)), ...lookInside(lane.summary?.worktree ?? null)],
  }
}

const skipped = (facts: WhyFacts, lane: LaneFacts, since: number): Told => {
  const broken = (lane.plan?.after ?? [])
    .map((name) => laneFacts(facts, name))
    .find((one) => one.summary !== null && one.summary.outcome !== 'succeeded')
  if (broken === undefined)
    return { state: 'skipped', since, summary: sentence(lane.summary?.reason ?? 'skipped'), next: null, remedies: [] }
  const told = explainLane(facts, broken)
  return {
    state: 'skipped',
    since,
    summary: `It never ran: lane ${broken.name}, which its plan puts before it (\`after\`), ${told.state === 'skipped' ? 'was skipped too' : `ended as ${broken.summary?.outcome}`}. Lane ${broken.name}: ${told.summary}`,
    next: null,
    remedies: [remedy(`see more of ${broken.name}`, why(broken.name)), remedy(`mend ${broken.name}, then run the plan again`)],
  }
}

const interrupted = (facts: WhyFacts, lane: LaneFacts, since: number): Told => {
  if (lane.ended?.payload['by'] === 'doctor') return lostWith(facts, 'the lane', since, lookInside(lane.summary?.worktree ?? null))
  const stop = stoppedBy(facts)
  const who = stop === null ? (lane.summary?.reason ?? 'somebody stopped it') : `${textOf(stop, 'by')} stopped its run`
  const began = lane.state === null ? ' before the lane had begun' : ''
  return {
    state: 'interrupted',
    since,
    summary: `${sentence(`${who}${began}`)}${keptText(lane)}`,
    next: null,
    remedies: [...lookInside(lane.summary?.worktree ?? null), remedy('run the plan again')],
  }
}

const overLane = (facts: WhyFacts, lane: LaneFacts, ended: RecordedEvent): Told => {
  switch (lane.summary?.outcome) {
    case 'failed':
      return failed(facts, lane, ended.at)
    case 'skipped':
      return skipped(facts, lane, ended.at)
    case 'interrupted':
      return interrupted(facts, lane, ended.at)
    case undefined:
      return { state: 'ended', since: ended.at, summary: 'It ended; how is not recorded.', next: null, remedies: [] }
    case 'succeeded': {
      const removed = lane.plan === null ? removedText(lane) : 'Every command succeeded.'
      return {
        state: lane.plan === null ? 'ended' : 'succeeded',
        since: ended.at,
        summary: `${removed}${keptText(lane)}`,
        next: null,
        remedies: lookInside(lane.summary?.worktree ?? null),
      }
    }
  }
}

/** Whose command removed a lane of its own. */
const removedText = (lane: LaneFacts): string => {
  const cleanup = lane.events.find((event) => event.type === 'lane.state-changed' && textOf(event, 'event') === 'cleanup')
  return sentence(`it was ${cleanup === undefined ? 'removed' : textOf(cleanup, 'cause').replace(/^removed: /u, 'removed by ')}`)
}

/** A lane: what its commands do, or what it waits for, or why it ended as it did. */
export const explainLane = (facts: WhyFacts, lane: LaneFacts): Told => {
  if (lane.ended !== null) return overLane(facts, lane, lane.ended)
  if (isOrphan(facts)) return lostWith(facts, 'the lane', null, lookInside(lane.state === null ? null : lane.worktree))
  if (lane.state === null) return notBegun(facts, lane)
  switch (textOf(lane.state, 'to')) {
    case 'new':
    case 'provisioning':
      return preparing(facts, lane.state)
    case 'cleaning':
      return cleaning(facts, lane, lane.state)
    default: {
      const isGone = facts.seen.isWorktreeGone && facts.lane?.name === lane.name
      const told = runningLane(facts, lane, lane.state, isGone)
      return isGone ? withoutWorktree(lane, told) : told
    }
  }
}
