import { expect } from 'vitest'
import type * as BusModule from '../src/actors/bus.actor.ts'
import type * as HubModule from '../src/actors/event-hub.ts'
import type * as JournalModule from '../src/actors/journal.actor.ts'
import type { Clock } from '../src/ports/clock.port.ts'
import type { Bus, BusEvent, BusGap, BusSubscription, SubscribeRequest } from '../src/protocols/bus.ts'
import type { RecordedEvent } from '../src/protocols/events.ts'
import { note } from '../src/testing/recording.ts'

/** What delivers events: ours, or a copy of it with a planted bug. */
export type BusEngine = Pick<typeof BusModule, 'busActor'> & Pick<typeof JournalModule, 'journalActor'> & Pick<typeof HubModule, 'EventHub'>

/** How a subscriber takes what it is given. `after` counts events. */
export type Manner =
  | { readonly is: 'quick' }
  | { readonly is: 'slow'; readonly ms: number }
  | { readonly is: 'throws' | 'rejects' | 'closes'; readonly after: number }
  | { readonly is: 'publishes' }

/** One subscriber of a scenario: what it was promised, and what it was given. */
export type Witness = {
  readonly index: number
  readonly manner: Manner
  readonly request: SubscribeRequest
  readonly given: BusEvent[]
  readonly gaps: BusGap[]
  /** Events that somebody who saw all had seen when it subscribed. */
  readonly seenBefore: number
  /** Position at which it subscribed. */
  readonly position: number
  subscription: BusSubscription | null
  isOver: boolean
}

/** What all subscribers saw, in the order of the calls. */
export type Calls = { readonly log: { readonly id: string; readonly index: number }[]; inside: boolean; readonly problems: string[] }

const take = (witness: Witness, event: BusEvent, bus: Bus, clock: Clock): void | Promise<void> => {
  const { manner, given } = witness
  if (manner.is === 'slow') return new Promise((resolve) => void clock.setTimer(manner.ms, resolve))
  if (manner.is === 'publishes' && event.topic === 'a.x') bus.publish('live.echo', { of: event.sequence })
  if (!('after' in manner) || given.length <= manner.after) return
  witness.isOver = true
  if (manner.is === 'closes') return witness.subscription?.close()
  if (manner.is === 'throws') throw new Error('a subscriber that throws')
  return Promise.reject(new Error('a subscriber that rejects'))
}

export const subscribe = (witness: Witness, bus: Bus, clock: Clock, calls: Calls): void => {
  let isTaking = false
  const name = `subscriber ${witness.index}`
  witness.subscription = bus.subscribe(witness.request, {
    next: (event) => {
      note(`${name} is given ${event.id}`)
      // Not thrown: the bus would close the subscriber, and the problem would be gone.
      if (witness.isOver) calls.problems.push(`${name} is given something after its end`)
      if (isTaking) calls.problems.push(`${name} is given something while it is busy`)
      if (calls.inside) calls.problems.push(`${name} is called from within another`)
      calls.inside = true
      witness.given.push(event)
      calls.log.push({ id: event.id, index: witness.index })
      try {
        const taken = take(witness, event, bus, clock)
        if (taken === undefined) return
        isTaking = true
        return taken.finally(() => (isTaking = false))
      } finally {
        calls.inside = false
      }
    },
    gap: (gap) => {
      note(`${name} is told of a gap ${gap.topic} ${gap.from}-${gap.to}`)
      if (witness.isOver) calls.problems.push(`${name} is told of a gap after its end`)
      witness.gaps.push(gap)
    },
  })
}

const wants = ({ topics, live }: SubscribeRequest, topic: string): boolean =>
  (live !== false || !topic.startsWith('live.')) &&
  topics.some((pattern) => pattern === '*' || pattern === topic || (pattern.endsWith('.*') && topic.startsWith(pattern.slice(0, -1))))

/** What a subscriber must have been given of what was stored, by its request alone. */
const promised = ({ request, position }: Witness, stored: readonly RecordedEvent[]): RecordedEvent[] => {
  const { since } = request
  return stored.filter(({ type, sequence, topicSequence }) => {
    if (!wants(request, type)) return false
    if (since === undefined) return sequence > position
    return typeof since === 'number' ? sequence >= since : topicSequence >= (since[type] ?? 1)
  })
}

/** Everything stored, in order, once; of one that ended, the beginning of it. */
export const expectRecorded = (witness: Witness, stored: readonly RecordedEvent[]): void => {
  const given = witness.given.filter(({ position }) => position !== undefined).map(({ position, id }) => `${position} ${id}`)
  const all = promised(witness, stored).map(({ sequence, type, topicSequence }) => `${sequence} ${type}#${topicSequence}`)
  expect(given).toEqual(witness.isOver ? all.slice(0, given.length) : all)
  expect(witness.gaps.filter(({ topic }) => !topic.startsWith('live.'))).toEqual([])
}

/** Of each live topic, what is given and what is told as a gap are together what was published since, in order. */
export const expectLive = (witness: Witness, published: readonly BusEvent[]): void => {
  if (witness.request.live === false) expect(witness.given.filter(({ position }) => position === undefined)).toEqual([])
  const since = published.slice(witness.seenBefore).filter(({ topic }) => wants(witness.request, topic))
  for (const topic of new Set(since.map((event) => event.topic))) {
    const given = witness.given.filter((event) => event.topic === topic).map(({ sequence }) => sequence)
    expect(given).toEqual(given.toSorted((a, b) => a - b))
    const missed = witness.gaps
      .filter((gap) => gap.topic === topic)
      .flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, index) => from + index))
    const known = [...given, ...missed].toSorted((a, b) => a - b)
    const all = since.filter((event) => event.topic === topic).map(({ sequence }) => sequence)
    expect(known).toEqual(witness.isOver ? all.slice(0, known.length) : all)
  }
}

/**
 * Everybody is given events in the order in which they were handed out, as one saw it who saw all; and what was published
 * live before something was recorded comes before it.
 */
export const expectOneOrder = ({ given }: Witness, witnesses: readonly Witness[]): void => {
  const places = new Map(given.map(({ id }, place) => [id, place]))
  for (const witness of witnesses) {
    const order = witness.given.map(({ id }) => places.get(id)).filter((place) => place !== undefined)
    expect(order, `the order of subscriber ${witness.index}`).toEqual(order.toSorted((a, b) => a - b))
  }
  let after = 0
  for (const { id, position, payload } of given) {
    if (position !== undefined) after = Math.max(after, Number(payload['after']))
    else if (typeof payload['n'] === 'number') expect(payload['n'], `${id} was published before what came before it`).toBeGreaterThan(after)
  }
}

/** Those who take each event at once get it one after another, in the order in which they subscribed. */
export const expectOrderOfSubscription = ({ log }: Calls, witnesses: readonly Witness[]): void => {
  const isQuick = (index: number): boolean => {
    const { manner, request } = witnesses[index]!
    return manner.is !== 'slow' && request.since === undefined
  }
  const last = new Map<string, number>()
  for (const { id, index } of log) {
    if (!isQuick(index)) continue
    expect(index, `subscriber ${index} was given ${id} after ${last.get(id)}`).toBeGreaterThan(last.get(id) ?? -1)
    last.set(id, index)
  }
}
