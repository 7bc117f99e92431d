import type { DeadLetter } from '../../kernel/types.ts'
import type { CrashBrief } from '../../protocols/dossier.ts'
import type { ErrorRecord } from '../../protocols/errors.ts'
import type { PtyHealth } from '../../protocols/health.ts'
import type { RecordedEvent } from '../../protocols/events.ts'
import type { PlanLane } from '../../protocols/plan.ts'
import type { LaneRecord, RunRecord } from '../../protocols/records.ts'
import type { LaneSummary } from '../../protocols/summary.ts'
import type { WhyAnswer, WhyAttempt, WhyCause, WhySubject } from '../../protocols/why.ts'
import type { Inspection } from '../../supervisors/system.types.ts'
import { laneOf, textOf } from '../event-text.ts'
import { attemptsOf } from './evidence.ts'

/** A lock of git that is there at the moment. */
export type SeenLock = { readonly path: string; /** ms since the epoch. */ readonly since: number }

/** What is seen at the moment of the question, and recorded nowhere. */
export type Seen = {
  /** The process that a run or lane belongs to. null: it is not known which. */
  readonly owner: { readonly pid: number | null; readonly state: 'alive' | 'dead' | 'rebooted' } | null
  /** It died, and what it ran lives on in the terminal host. */
  readonly livesOn: boolean
  /** What that process wrote down when it could record nothing any more. */
  readonly lastWords: { readonly at: number; readonly error: ErrorRecord } | null
  readonly locks: readonly SeenLock[]
  /** The worktree of the lane that is asked about was there, and is not any more. */
  readonly isWorktreeGone: boolean
  /** Where records are kept. */
  readonly disk: { readonly path: string; readonly freeBytes: number; readonly isWritable: boolean } | null
  /** How the process of the command is, where it runs and can be seen. */
  readonly health: PtyHealth | null
  /** Actors behind the subject, where they run in the process that answers. */
  readonly actors: readonly Inspection[]
  readonly deadLetters: readonly DeadLetter[]
}

export const NOTHING_SEEN: Seen = {
  owner: null,
  livesOn: false,
  lastWords: null,
  locks: [],
  isWorktreeGone: false,
  disk: null,
  health: null,
  actors: [],
  deadLetters: [],
}

/** All that an answer is made from. */
export type WhyFacts = {
  /** ms since the epoch. */
  readonly now: number
  readonly subject: WhySubject
  readonly run: RunRecord | null
  readonly lane: LaneRecord | null
  /** Recorded of the run, or of a lane of its own, in order. */
  readonly events: readonly RecordedEvent[]
  readonly crash: CrashBrief | null
  readonly seen: Seen
}

/** How it stands, before the evidence is added. */
export type Told = Pick<WhyAnswer, 'state' | 'since' | 'summary' | 'next' | 'remedies'> & {
  /** What is seen now and belongs to the chain. */
  readonly causes?: readonly WhyCause[]
}

/** A lane as its events tell it. */
export type LaneFacts = {
  readonly name: string
  readonly plan: PlanLane | null
  readonly events: readonly RecordedEvent[]
  /** Its last state; null: it has not begun. */
  readonly state: RecordedEvent | null
  readonly ended: RecordedEvent | null
  readonly summary: LaneSummary | null
  readonly attempts: readonly WhyAttempt[]
  readonly worktree: string | null
}

export const laneFacts = ({ events, run, lane }: WhyFacts, name: string): LaneFacts => {
  const own = events.filter((event) => laneOf(event) === name)
  const ended = own.findLast(({ type }) => type === 'lane.ended') ?? null
  const created = own.find(({ type }) => type === 'lane.created')
  return {
    name,
    plan: run?.plan.lanes.find((one) => one.name === name) ?? null,
    events: own,
    state: own.findLast(({ type }) => type === 'lane.state-changed') ?? null,
    ended,
    summary: (ended?.payload['summary'] as LaneSummary | undefined) ?? null,
    attempts: attemptsOf(own),
    worktree: created === undefined ? (lane?.worktree.path ?? null) : textOf(created, 'worktree') || null,
  }
}

/** Lanes of the run that have begun and not ended. */
export const upNow = (facts: WhyFacts): readonly LaneFacts[] =>
  (facts.run?.plan.lanes ?? []).map(({ name }) => laneFacts(facts, name)).filter(({ state, ended }) => state !== null && ended === null)

/** Who asked the run to stop; null: nobody. */
export const stoppedBy = ({ events }: Pick<WhyFacts, 'events'>): RecordedEvent | null =>
  events.findLast(({ type }) => type === 'run.killing') ?? events.find(({ type }) => type === 'run.stopping') ?? null
