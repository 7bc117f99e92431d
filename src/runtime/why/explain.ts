import type { WhyAnswer } from '../../protocols/why.ts'
import { textOf } from '../event-text.ts'
import { explainActor, stuckActor } from './actor.ts'
import { causesOf } from './causes.ts'
import { explainCommand } from './command.ts'
import { attemptsOf, crashesOf, decisionsOf, transitionsOf } from './evidence.ts'
import { laneFacts, type LaneFacts, type Told, type WhyFacts } from './facts.ts'
import { explainLane } from './lane.ts'
import { explainRun } from './run.ts'
import { quoted, remedy } from './remedies.ts'

/** Less is a full disk: a record needs some pages. */
const DISK_IS_FULL_BYTES = 65_536

/** Where nothing can be recorded, that is what matters. */
const withDisk = (facts: WhyFacts, told: Told): Told => {
  const { disk } = facts.seen
  if (disk === null || (disk.isWritable && disk.freeBytes >= DISK_IS_FULL_BYTES)) return told
  const what = disk.isWritable ? `the disk of ${disk.path} is full` : `${disk.path} cannot be written to`
  return {
    ...told,
    summary: `Nothing can be recorded: ${what}. ${told.summary}`,
    remedies: [remedy(disk.isWritable ? 'free space there' : 'make it writable again', `df -h ${quoted(disk.path)}`), ...told.remedies],
  }
}

const tell = (facts: WhyFacts, lane: LaneFacts | null, command: string | null): Told => {
  if (facts.subject.kind === 'actor') return explainActor(facts)
  const stuck = stuckActor(facts)
  const told = lane === null ? explainRun(facts) : command === null ? explainLane(facts, lane) : explainCommand(facts, lane, command)
  // What is over cannot be stuck.
  return stuck === null || told.next === null ? told : { ...stuck, summary: `${stuck.summary}\n${told.summary}` }
}

/** The commands before one that has not begun. */
const waitedFor = ({ plan, attempts }: LaneFacts, command: string | null): readonly string[] => {
  const names = plan?.commands.map(({ name }) => name) ?? []
  return command === null || attempts.some((one) => one.command === command) ? [] : names.slice(0, names.indexOf(command))
}

/**
 * The answer to "why": what a run, lane, command or actor does or how it ended, because of what, what comes next, and
 * what one can do. Pure: the same facts give the same answer, in an orchestrator that runs and from the records of one
 * that is dead.
 */
export const explain = (facts: WhyFacts): WhyAnswer => {
  const { subject, events, now, crash } = facts
  const [laneName = '', command = null] = subject.kind === 'command' || subject.kind === 'terminal' ? split(subject.name) : [subject.name]
  const lane = subject.kind === 'run' || subject.kind === 'actor' ? null : laneFacts(facts, laneName)
  const told = withDisk(facts, tell(facts, lane, command))
  const own = lane === null ? events : lane.events
  const concerned = command === null ? own : own.filter((event) => event.type.startsWith('lane.') || textOf(event, 'command') === command)
  const actor = subject.kind === 'actor' ? subject.name : null
  const summary = command === null ? lane?.summary : lane?.summary?.commands.find(({ name }) => name === command)
  // What was seen came before the event that it led to, where the clock does not tell them apart.
  const causes = [
    ...(told.causes ?? []),
    ...causesOf(facts, { lane: lane?.name ?? null, command, before: lane === null ? [] : waitedFor(lane, command), actor }),
  ]
  return {
    type: 'why',
    at: now,
    subject,
    state: told.state,
    since: told.since,
    summary: told.summary,
    causes: causes.toSorted((one, other) => one.at - other.at),
    next: told.next,
    remedies: told.remedies.filter(({ what }, index, all) => all.findIndex((one) => one.what === what) === index),
    outcome: (lane === null ? (subject.kind === 'run' ? facts.run?.outcome : null) : summary?.outcome) ?? null,
    reason: summary?.reason ?? null,
    worktree: lane?.summary?.worktree ?? null,
    attempts: actor === null ? attemptsOf(concerned) : [],
    decisions: decisionsOf(concerned),
    transitions: actor === null ? transitionsOf(concerned) : [],
    crashes: crashesOf(concerned),
    dossier: crash,
  }
}

const split = (name: string): readonly [string, string] => {
  const slash = name.indexOf('/')
  return [name.slice(0, slash), name.slice(slash + 1)]
}
