import { textOf } from '../event-text.ts'
import { laneFacts, stoppedBy, type Told, type WhyFacts } from './facts.ts'
import { explainLane } from './lane.ts'
import { isOrphan, lostWith } from './owner.ts'
import { remedy, why } from './remedies.ts'

const SHOWN = 5

/** A run, by its lanes: of those that failed each with its reason. */
export const explainRun = (facts: WhyFacts): Told => {
  const { run } = facts
  if (run === null) return { state: 'waiting', since: null, summary: 'Nothing is recorded of it yet.', next: null, remedies: [] }
  if (isOrphan(facts)) return lostWith(facts, 'the run', null, [])
  const lanes = run.plan.lanes.map(({ name }) => ({ name, told: explainLane(facts, laneFacts(facts, name)) }))
  const told = (names: typeof lanes): string => names.map(({ name, told: { summary } }) => `${name}: ${summary}`).join('\n')
  if (run.endedAt === null) {
    const up = lanes.filter((lane) => lane.told.next !== null)
    return {
      state: stoppedBy(facts) === null ? 'running' : 'stopping',
      since: run.startedAt,
      summary: told(up.slice(0, SHOWN)) || 'Its last lane is being recorded.',
      next: { what: 'it ends when its last lane has ended', at: null },
      remedies: up.slice(0, SHOWN).map(({ name }) => remedy(`see more of ${name}`, why(name))),
    }
  }
  const ended = facts.events.findLast(({ type }) => type === 'run.ended')
  if (ended?.payload['by'] === 'doctor') return lostWith(facts, 'the run', run.endedAt, [])
  const failed = lanes.filter((lane) => lane.told.state === 'failed')
  const stop = stoppedBy(facts)
  const outcome = run.outcome ?? 'ended'
  const whose = stop === null ? '' : `${textOf(stop, 'by')} stopped it.\n`
  const summary =
    outcome === 'succeeded' ? 'Every lane succeeded.' : `${whose}${told(failed.slice(0, SHOWN))}`.trim() || 'Not every lane succeeded.'
  return {
    state: outcome,
    since: run.endedAt,
    summary,
    next: null,
    remedies: failed.slice(0, SHOWN).map(({ name }) => remedy(`see more of ${name}`, `${why(name)} --run ${run.id}`)),
  }
}
