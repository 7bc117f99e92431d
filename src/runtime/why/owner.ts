import type { RunRecord } from '../../protocols/records.ts'
import type { WhyCause, WhyRemedy } from '../../protocols/why.ts'
import { sentence } from './failure.ts'
import type { Told, WhyFacts } from './facts.ts'
import { quoted, remedy, remedyOfError } from './remedies.ts'

/** The process that ran it died: what is known of that. */
const howItDied = ({
  run,
  seen,
}: Pick<WhyFacts, 'run' | 'seen'>): {
  readonly text: string
  readonly causes: readonly WhyCause[]
  readonly remedies: readonly WhyRemedy[]
} => {
  const { owner, lastWords, disk } = seen
  // Over lanes of their own another may be by now.
  const pid = owner?.pid == null || (run === null && owner.state === 'alive') ? '' : ` (pid ${owner.pid})`
  if (lastWords !== null) {
    const { message, code } = lastWords.error
    return {
      text: `The signalbox that ran it${pid} could record nothing any more and ended all that it ran: ${message}`,
      causes: [{ at: lastWords.at, sequence: null, what: `signalbox could record nothing any more: ${message}`, by: null }],
      remedies:
        code === 'ERR_DISK_FULL' && disk !== null ? [remedy('free space there', `df -h ${quoted(disk.path)}`)] : remedyOfError(code),
    }
  }
  const how =
    owner?.state === 'rebooted'
      ? 'when the machine was started anew'
      : 'without a word: killed (kill -9, or by the system for lack of memory)'
  return { text: `The signalbox that ran it${pid} died ${how}.`, causes: [], remedies: [] }
}

const runAgain = ({ endedAt }: RunRecord): readonly WhyRemedy[] => [
  ...(endedAt === null ? [remedy('see what it left behind, and whether something still runs', 'signalbox doctor')] : []),
  remedy('run the plan again'),
]

/** Of a lane of its own, which an orchestrator brings back, and its terminals, which none does. */
const goOn = ({ seen, subject, lane }: WhyFacts): readonly WhyRemedy[] => {
  if (seen.owner?.state !== 'alive') return [remedy('bring its lane back', 'signalbox up')]
  return lane === null || !subject.name.includes('/')
    ? []
    : [
        remedy('start it again as it was', `signalbox term respawn ${quoted(subject.name)}`),
        remedy('see what it had put out', `signalbox term logs ${quoted(subject.name)}`),
      ]
}

/** Of what was lost with the process that ran it. */
export const lostWith = (facts: WhyFacts, what: string, since: number | null, remedies: readonly WhyRemedy[]): Told => {
  const { text, causes, remedies: known } = howItDied(facts)
  if (facts.seen.livesOn) {
    return {
      state: 'running',
      since,
      summary: `${sentence(text)} What it ran lives on in the terminal host.`,
      next: { what: 'the next orchestrator takes it over', at: null },
      remedies: [remedy('go on with it', 'signalbox up'), remedy('end it', 'signalbox down')],
      causes,
    }
  }
  return {
    state: 'lost',
    since: since ?? facts.seen.lastWords?.at ?? null,
    summary: `${sentence(text)} ${sentence(`${what} was lost with it`)}`,
    next: null,
    remedies: [...known, ...remedies, ...(facts.run === null ? goOn(facts) : runAgain(facts.run))],
    causes,
  }
}

/** Of what was lost though the process that ran it may live: the terminal host died, or the machine was started anew. */
export const lostBy = (facts: WhyFacts, cause: string, since: number | null, remedies: readonly WhyRemedy[]): Told => ({
  state: 'lost',
  since,
  summary: `${sentence(`its process was lost: ${cause}`)} What it had put out is in its log.`,
  next: null,
  remedies: [...remedies, ...(facts.run === null ? goOn(facts) : runAgain(facts.run))],
})

/** Whether the process that a run belongs to has died before the run had an end. */
export const isOrphan = ({ run, seen }: WhyFacts): boolean =>
  run !== null && run.endedAt === null && (seen.lastWords !== null || seen.owner?.state === 'dead' || seen.owner?.state === 'rebooted')
