import { textOf } from '../event-text.ts'
import { explainAttempt } from './attempt.ts'
import type { LaneFacts, Told, WhyFacts } from './facts.ts'
import { explainLane } from './lane.ts'
import { remedy, why } from './remedies.ts'

/** Before its first attempt. */
const notBegun = (facts: WhyFacts, lane: LaneFacts, name: string): Told => {
  const ofLane = explainLane(facts, lane)
  if (lane.ended !== null || lane.state === null || textOf(lane.state, 'to') !== 'running') {
    const never = lane.ended === null ? 'It has not started yet.' : 'It never started.'
    const state = lane.ended === null ? ofLane.state : ofLane.state === 'failed' ? 'skipped' : ofLane.state
    return { ...ofLane, state, summary: `${never} Lane ${lane.name}: ${ofLane.summary}` }
  }
  const commands = lane.plan?.commands ?? []
  const earlier = commands.slice(
    0,
    commands.findIndex((one) => one.name === name),
  )
  const before = earlier.findLast(({ restart }) => restart !== 'permanent')
  if (before === undefined) return { ...ofLane, state: 'waiting', summary: 'It is about to start.', next: { what: 'it starts', at: null } }
  return {
    state: 'waiting',
    since: lane.state.at,
    summary: `It waits for command ${before.name} to succeed: the commands of a lane run one after the other.`,
    next: { what: `it starts when ${before.name} has succeeded; it never starts if ${before.name} fails`, at: null },
    remedies: [remedy(`see what ${before.name} is doing`, why(`${lane.name}/${before.name}`))],
  }
}

/** A command of a lane. */
export const explainCommand = (facts: WhyFacts, lane: LaneFacts, name: string): Told => {
  const attempt = lane.attempts.findLast(({ command }) => command === name)
  return attempt === undefined ? notBegun(facts, lane, name) : explainAttempt(facts, lane, attempt)
}
