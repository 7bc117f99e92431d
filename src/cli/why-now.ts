import type { RecordedEvent } from '../protocols/events.ts'
import type { PlanLane } from '../protocols/plan.ts'
import type { RunRecord } from '../protocols/records.ts'
import { decisionOf, numberOf, textOf } from './payload.ts'

/** What a place in a run that goes on is doing, or waits for. */
type Asked = {
  readonly run: RunRecord
  /** Everything recorded of the run, in order. */
  readonly events: readonly RecordedEvent[]
  readonly lane: string
  readonly command: string | null
  /** Whether the process of the run lives. */
  readonly isAlive: boolean
}

const isOf = (event: RecordedEvent, lane: string): boolean => textOf(event, 'lane') === lane || textOf(event, 'name') === lane

const waitsForPlace = ({ run, events }: Asked, lane: PlanLane): string => {
  const ended = new Set(events.filter(({ type }) => type === 'lane.ended').map((event) => textOf(event, 'name')))
  const before = lane.after.filter((name) => !ended.has(name))
  if (before.length > 0) return `it waits until ${before.join(' and ')} has succeeded (after)`
  return `it waits for a free place: at most ${run.plan.parallel} lanes run at once (parallel)`
}

const timeOf = (at: number): string => `${new Date(at).toISOString().slice(11, 19)}Z`

/** The last that is known of a command decides what it does. */
const commandNow = (own: readonly RecordedEvent[], lane: PlanLane, name: string): string => {
  const last = own.findLast(
    (event) => textOf(event, 'command') === name && (event.type === 'supervisor.decided' || event.type.startsWith('pty.')),
  )
  if (last === undefined) {
    const earlier = lane.commands.slice(
      0,
      lane.commands.findIndex((command) => command.name === name),
    )
    const before = earlier.findLast(({ restart }) => restart !== 'permanent')
    return before === undefined
      ? 'it waits for its worktree'
      : `it waits until ${before.name} has succeeded: commands of a lane run one after the other`
  }
  if (last.type === 'supervisor.decided') {
    const { decision, delayMs, reason } = decisionOf(last)
    if (decision === 'wait') return `${reason ?? 'it waits'}: the next attempt starts at ${timeOf(last.at + delayMs)}`
    return decision === 'restart'
      ? `it is in backoff: the next attempt starts at ${timeOf(last.at + delayMs)}`
      : 'it is over; its lane goes on'
  }
  const pid = own.findLast((event) => event.type === 'pty.spawned' && textOf(event, 'command') === name)
  return `attempt ${numberOf(last, 'attempt') ?? 1} is ${textOf(last, 'to') || 'starting'}${pid === undefined ? '' : ` (pid ${numberOf(pid, 'pid')})`}`
}

/** @returns what it is doing now and what it waits for, in words; null when its run is over */
export const whatHolds = (asked: Asked): string | null => {
  const { run, events, lane: name, command, isAlive } = asked
  const lane = run.plan.lanes.find((one) => one.name === name)
  if (run.endedAt !== null || lane === undefined) return null
  const own = events.filter((event) => isOf(event, name))
  if (own.some(({ type }) => type === 'lane.ended')) return null
  if (!isAlive) return `the process of its run (${run.owner.pid}) has died; \`signalbox doctor --fix\` cleans up after it`
  const state = own.findLast(({ type }) => type === 'lane.state-changed')
  if (state === undefined) return waitsForPlace(asked, lane)
  if (command !== null) return commandNow(own, lane, command)
  const to = textOf(state, 'to')
  const begun = lane.commands.filter((one) => own.some((event) => textOf(event, 'command') === one.name))
  return to === 'running'
    ? `it is running: ${begun.map((one) => `${one.name}: ${commandNow(own, lane, one.name)}`).join('; ')}`
    : `it is ${to}: ${textOf(state, 'cause')}`
}
