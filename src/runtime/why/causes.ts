import type { RecordedEvent } from '../../protocols/events.ts'
import type { LaneSummary } from '../../protocols/summary.ts'
import type { SignalRecord } from '../../protocols/pty-exit.ts'
import type { WhyCause } from '../../protocols/why.ts'
import { decisionOf, decisionText, errorMessage, laneOf, listOf, numberOf, objectOf, textOf } from '../event-text.ts'
import { BY_CLOSE } from '../close-phases.ts'
import { laneFacts, upNow, type WhyFacts } from './facts.ts'

type Step = { readonly what: string; readonly by?: string; readonly at?: number; readonly sequence?: null }

const attemptOf = (event: RecordedEvent): string => `attempt ${numberOf(event, 'attempt') ?? 1}`

/** A supervisor does what somebody else decided, which is a step of its own. */
const OURSELVES = /^its supervisor/u

const signalsOf = (event: RecordedEvent): readonly Step[] =>
  listOf<SignalRecord>(event, 'signals')
    .filter(({ signal, outcome, target }) => outcome === 'delivered' && signal !== 'SIGCONT' && target.scope !== 'survivor')
    .map(({ at, signal, askedBy }) => ({
      at,
      sequence: null,
      what: `${signal} was sent to it${askedBy === BY_CLOSE ? ' as signalbox was closed' : ''}`,
      by: OURSELVES.test(askedBy) || askedBy === BY_CLOSE ? '' : askedBy,
    }))

const exited = (event: RecordedEvent): readonly Step[] => {
  const signal = textOf(event, 'signal')
  const how = signal === '' ? `ended with exit code ${numberOf(event, 'exitCode') ?? '?'}` : `was ended by ${signal}`
  return [...signalsOf(event), { what: `${attemptOf(event)} ${how}` }]
}

const laneChanged = (event: RecordedEvent): readonly Step[] => {
  const cause = textOf(event, 'cause')
  switch (textOf(event, 'event')) {
    case 'provision':
      return [{ what: 'its worktree is being made' }]
    case 'provisioned':
      return [{ what: 'its worktree was ready' }]
    case 'provision-failed':
      return [{ what: `its worktree could not be made: ${cause}` }]
    case 'cleanup':
      return [{ what: `it ends: ${cause}` }]
    case 'cleanup-failed':
      return [{ what: `its worktree could not be removed: ${cause}` }]
    default:
      return []
  }
}

/** What followed from the restart type alone is no news. */
const decided = (event: RecordedEvent): readonly Step[] => {
  const decision = decisionOf(event)
  const isPlain = (decision.decision === 'remove' || decision.decision === 'auto-shutdown') && decision.reason == null
  return isPlain ? [] : [{ what: `decision: ${decisionText(decision)}` }]
}

const ptyChanged = (event: RecordedEvent): readonly Step[] => {
  switch (textOf(event, 'event')) {
    case 'terminate':
      return [{ what: 'it was asked to end' }]
    case 'lost':
      return [{ what: `its process was lost: ${textOf(event, 'cause')}` }]
    default:
      return []
  }
}

const steps: Readonly<Record<string, (event: RecordedEvent) => readonly Step[]>> = {
  'run.started': (event) => [{ what: 'the run was started', by: textOf(event, 'by') || `process ${numberOf(event, 'pid') ?? '?'}` }],
  'run.adopted': (event) => [
    { what: `the process that ran it (pid ${numberOf(event, 'before') ?? '?'}) died; ${textOf(event, 'by')} went on with it` },
  ],
  'run.stopping': (event) => [{ what: 'the run was asked to stop', by: textOf(event, 'by') }],
  'run.killing': (event) => [{ what: 'the run was to be killed', by: textOf(event, 'by') }],
  'run.ended': (event) => (textOf(event, 'by') === '' ? [] : [{ what: 'the run was found dead, and closed', by: textOf(event, 'by') }]),
  'lane.created': (event) => (textOf(event, 'by') === '' ? [] : [{ what: 'it was asked for', by: textOf(event, 'by') }]),
  'lane.state-changed': laneChanged,
  'lane.ended': (event) => [
    { what: `it ended: ${(event.payload['summary'] as LaneSummary | undefined)?.outcome ?? 'no outcome is recorded'}` },
  ],
  'terminal.opening': (event) => [{ what: 'it was asked for', by: textOf(event, 'by') }],
  'terminal.ending': (event) => [{ what: 'it was to be ended', by: textOf(event, 'by') }],
  'pty.adopted': (event) => [{ what: `${attemptOf(event)} outlived its orchestrator, and was taken over by the next` }],
  'pty.spawned': (event) => [{ what: `${attemptOf(event)} started (pid ${numberOf(event, 'pid') ?? '?'})` }],
  'pty.error': (event) => [{ what: `${attemptOf(event)} could not start: ${errorMessage(event.payload['error'])}` }],
  'pty.exited': exited,
  'pty.state-changed': ptyChanged,
  'supervisor.decided': decided,
  'actor.crashed': (event) => [
    { what: `${textOf(event, 'name')}, a part of signalbox, crashed: ${errorMessage(objectOf(event.payload['exit'])['error'])}` },
  ],
}

const stepsOf = (event: RecordedEvent): readonly Step[] => {
  try {
    return steps[event.type]?.(event) ?? []
  } catch {
    // written by another version: a step less is better than no answer
    return []
  }
}

/** Lanes whose story belongs to that of a lane: those before it, and of a lane that waits for a place those that have one. */
const concernedLanes = (facts: WhyFacts, name: string): ReadonlySet<string> => {
  const found = new Set<string>()
  const add = (lane: string): void => {
    if (found.has(lane)) return
    found.add(lane)
    for (const before of laneFacts(facts, lane).plan?.after ?? []) add(before)
  }
  add(name)
  const before = [...found].filter((one) => one !== name && laneFacts(facts, one).ended === null)
  if (laneFacts(facts, name).state === null && before.length === 0) for (const lane of upNow(facts)) add(lane.name)
  return found
}

/** Of other lanes only what they do, not how they were made. */
const DEEDS: ReadonlySet<string> = new Set(['lane.ended', 'pty.spawned', 'pty.error', 'pty.exited', 'supervisor.decided'])

type Subject = {
  readonly lane: string | null
  readonly command: string | null
  /** Commands that it waits for. */
  readonly before: readonly string[]
  readonly actor: string | null
}

const concerns = (event: RecordedEvent, { lane, command, before, actor }: Subject, lanes: ReadonlySet<string>): boolean => {
  if (actor !== null) return textOf(event, 'name') === actor || (event.type === 'supervisor.decided' && decisionOf(event).child === actor)
  if (event.type.startsWith('run.')) return true
  if (lane === null)
    return event.type === 'lane.ended' || (event.type === 'supervisor.decided' && decisionOf(event).decision === 'escalate')
  const of = laneOf(event)
  if (of !== lane) return lanes.has(of) && DEEDS.has(event.type)
  const own = textOf(event, 'command')
  return command === null || own === '' || own === command || before.includes(own)
}

/** A step, with whom it is about where that is not the subject itself. */
const told = (event: RecordedEvent, { lane, command, actor }: Subject, what: string): string => {
  const of = laneOf(event)
  const own = textOf(event, 'command')
  if (event.type.startsWith('run.') || event.type === 'actor.crashed' || actor !== null) return what
  if (of !== lane) return of === '' ? what : `${of}${own === '' ? '' : `/${own}`}: ${what}`
  if (own === command || (own === '' && command === null)) return what
  return own === '' ? what.replace(/^its worktree/u, 'the worktree of its lane').replace(/^it /u, 'its lane ') : `${own}: ${what}`
}

/** The chain of what is recorded, oldest first. */
export const causesOf = (facts: WhyFacts, subject: Subject): readonly WhyCause[] => {
  const lanes = subject.lane === null ? new Set<string>() : concernedLanes(facts, subject.lane)
  const concerned = facts.events.filter((event) => concerns(event, subject, lanes))
  const last = subject.command === null ? -1 : concerned.findLastIndex((event) => textOf(event, 'command') === subject.command)
  const found = (last < 0 ? concerned : concerned.slice(0, last + 1)).flatMap((event) =>
    stepsOf(event).map(({ what, by, at = event.at, sequence = event.sequence }): WhyCause => ({
      at,
      sequence,
      what: told(event, subject, what),
      by: by === undefined || by === '' ? null : by,
    })),
  )
  return found.toSorted((one, other) => one.at - other.at)
}
