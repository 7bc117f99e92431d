import fc from 'fast-check'
import { expect } from 'vitest'
import { busActor } from '../src/actors/bus.actor.ts'
import { EventHub } from '../src/actors/event-hub.ts'
import { journalActor } from '../src/actors/journal.actor.ts'
import { BUS, JOURNAL } from '../src/actors/names.ts'
import { createMemoryStore } from '../src/adapters/memory/memory-store.adapter.ts'
import { SeededScheduler } from '../src/adapters/schedulers/seeded-scheduler.adapter.ts'
import { named } from '../src/kernel/types.ts'
import { worker } from '../src/kernel/child-spec.ts'
import type { EventStore } from '../src/ports/event-store.port.ts'
import type { NewEvent } from '../src/protocols/events.ts'
import { startSystem } from '../src/supervisors/system.ts'
import { property } from '../src/testing/property.ts'
import { note } from '../src/testing/recording.ts'
import {
  type BusEngine,
  type Calls,
  expectLive,
  expectOneOrder,
  expectOrderOfSubscription,
  expectRecorded,
  type Manner,
  subscribe,
  type Witness,
} from './bus-model.ts'
import { type Mutant, withMutantSources } from './engine.ts'
import type { Planted, Proven } from './proven.ts'

type Step =
  /** Stored by this process, or by another one that has the same store. */
  | { readonly do: 'record'; readonly topics: readonly string[] }
  | { readonly do: 'record-elsewhere'; readonly topics: readonly string[] }
  | { readonly do: 'publish'; readonly topics: readonly string[]; readonly key: string | null }
  | {
      readonly do: 'subscribe'
      readonly topics: readonly string[]
      readonly since: number | Readonly<Record<string, number>> | null
      readonly live: boolean
      readonly manner: Manner
    }
  | { readonly do: 'unsubscribe'; readonly index: number }
  | { readonly do: 'crash'; readonly actor: 'bus' | 'journal' }
  | { readonly do: 'advance'; readonly ms: number }
  | { readonly do: 'settle' }
type Scenario = { readonly seed: number; readonly storeMs: number; readonly steps: readonly Step[] }

const QUEUE_LIMIT = 3

const run = async (engine: BusEngine, { seed, storeMs, steps }: Scenario): Promise<void> => {
  const world = new SeededScheduler(seed)
  const { clock, random } = world
  const memory = createMemoryStore({ workspaceId: 'ws_1' })
  /** Takes its time, and outlives its actor as a file does. */
  const store: EventStore = {
    ...memory,
    commit: async (commit) => (await wait(), memory.commit(commit)),
    events: async (query) => {
      await wait()
      const events = await memory.events(query)
      await wait()
      return events
    },
    close: () => Promise.resolve(),
  }
  const wait = (): Promise<void> => new Promise((resolve) => void clock.setTimer(random.next() * storeMs, resolve))
  const failures: unknown[] = []
  const hub = new engine.EventHub(() => clock.now(), { queueLimit: QUEUE_LIMIT })
  const starting = startSystem({
    scheduler: world,
    clock,
    random,
    root: {
      type: 'supervisor',
      name: 'root',
      strategy: 'rest_for_one',
      intensity: { restarts: 1_000, withinMs: 1 },
      children: [
        worker(JOURNAL.name, engine.journalActor, { open: () => Promise.resolve(store), onFailure: (error) => failures.push(error) }),
        worker(BUS.name, engine.busActor, { hub, link: null }),
      ],
    },
  })
  await world.advance(1_000)
  const system = await starting

  const calls: Calls = { log: [], inside: false, problems: [] }
  const witnesses: Witness[] = []
  const add = (topics: readonly string[], { since, manner, live }: Omit<Step & { do: 'subscribe' }, 'do' | 'topics'>): Witness => {
    const witness: Witness = {
      index: witnesses.length,
      manner,
      request: { topics, ...(since === null ? {} : { since }), ...(live ? {} : { live }) },
      given: [],
      gaps: [],
      seenBefore: witnesses[0]?.given.length ?? 0,
      position: hub.position ?? 0,
      subscription: null,
      isOver: false,
    }
    witnesses.push(witness)
    subscribe(witness, hub, clock, calls)
    return witness
  }
  const all = add(['*'], { since: null, live: true, manner: { is: 'quick' } })
  let published = 0
  const event = (type: string): NewEvent => ({ type, at: 1, payload: { after: published } })
  const isCalm = !steps.some((step) => step.do === 'crash')
  const record = async (topics: readonly string[]): Promise<void> => {
    const committing = system.ask(JOURNAL, 'journal.commit', { events: topics.map(event) }, { timeoutMs: 100_000 })
    const { events } = await committing.catch(() => ({ events: [] }))
    const before = new Set(all.given.map(({ position }) => position))
    if (isCalm && events.some(({ sequence }) => !before.has(sequence))) calls.problems.push('answered before it was published')
  }
  const pending: Promise<void>[] = []
  for (const step of steps) {
    note(`step ${JSON.stringify(step)}`)
    if (step.do === 'settle') await world.settle()
    else if (step.do === 'advance') await world.advance(step.ms)
    else if (step.do === 'record') pending.push(record(step.topics))
    else if (step.do === 'record-elsewhere') await memory.commit({ events: step.topics.map(event) })
    else if (step.do === 'crash') system.tell(named<{ boom: { message: object } }>(step.actor), 'boom', {})
    else if (step.do === 'subscribe') add(step.topics, step)
    else if (step.do === 'unsubscribe') {
      const witness = witnesses[1 + step.index]
      if (witness === undefined) continue
      witness.subscription?.close()
      witness.isOver = true
    } else for (const topic of step.topics) hub.publish(topic, { n: (published += 1) }, step.key === null ? {} : { key: step.key })
  }
  // What another process stored is seen with the next that this one stores.
  await world.advance(10_000)
  pending.push(record(['a.end']))
  hub.publish('live.end', { n: (published += 1) }, { key: 'end' })
  hub.publish('live.end', { n: (published += 1) }, { key: 'end' })
  await world.advance(1_000_000)
  await Promise.all(pending)

  const stored = await memory.events({})
  const live = all.given
  expect(live.filter(({ topic }) => topic === 'live.end').map(({ payload }) => payload['n'])).toEqual([published])
  for (const witness of witnesses) {
    expectRecorded(witness, stored)
    expectLive(
      witness,
      live.filter(({ position }, index) => position === undefined || index < witness.seenBefore),
    )
  }
  expectOneOrder(all, witnesses)
  expectOrderOfSubscription(calls, witnesses)
  expect(calls.problems).toEqual([])
  expect(failures).toEqual([])
  const stopped = system.stop()
  await world.advance(10_000)
  await stopped
}

const recordedTopics = fc.array(fc.constantFrom('a.x', 'a.y', 'b.x'), { minLength: 1, maxLength: 6 })
const liveTopics = fc.array(fc.constantFrom('live.m', 'live.n'), { minLength: 1, maxLength: 8 })
const patterns = fc.constantFrom(['*'], ['*'], ['*'], ['a.*'], ['a.x', 'b.x'], ['live.*'], ['live.m', 'a.y'])
const after = fc.nat(4)
const manner: fc.Arbitrary<Manner> = fc.oneof(
  { weight: 2, arbitrary: fc.record({ is: fc.constant('quick' as const) }) },
  { weight: 4, arbitrary: fc.record({ is: fc.constant('slow' as const), ms: fc.constantFrom(0, 3, 20) }) },
  { weight: 2, arbitrary: fc.record({ is: fc.constantFrom('throws' as const, 'rejects' as const, 'closes' as const), after }) },
  { weight: 1, arbitrary: fc.record({ is: fc.constant('publishes' as const) }) },
)
const since = fc.oneof(
  fc.constant(null),
  fc.nat(12),
  fc.dictionary(fc.constantFrom('a.x', 'a.y', 'b.x'), fc.integer({ min: 1, max: 5 }), { minKeys: 1, maxKeys: 2, noNullPrototype: true }),
)
const live = fc.constantFrom(true, true, true, false)
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('record' as const), topics: recordedTopics }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('record-elsewhere' as const), topics: recordedTopics }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('publish' as const), topics: liveTopics, key: fc.constantFrom(null, null, 'k') }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('subscribe' as const), topics: patterns, since, live, manner }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('unsubscribe' as const), index: fc.nat(4) }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('crash' as const), actor: fc.constantFrom('bus' as const, 'bus' as const, 'journal' as const) }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('advance' as const), ms: fc.constantFrom(1, 2, 5, 30) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('settle' as const) }) },
)
const scenarios: fc.Arbitrary<Scenario> = fc.record({
  seed: fc.nat(),
  storeMs: fc.constantFrom(0, 2, 10),
  steps: fc.array(step, { maxLength: 24 }),
})

const TITLE = 'every subscriber gets what it asked for, in order and once, or is told of the gap, whoever is slow, fails or crashes [BUS-3]'
const on = (engine: BusEngine) => property(TITLE, scenarios, (scenario) => run(engine, scenario), { runs: 300 })

const listener = 'actors/bus-listener.ts'
const hub = 'actors/event-hub.ts'
const bus = 'actors/bus.actor.ts'
const journal = 'actors/journal.actor.ts'
const MUTANTS: readonly Mutant[] = [
  {
    name: 'what is published while a page is read is lost',
    file: listener,
    from: 'this.isBehind = this.cursor < published',
    to: 'this.isBehind = false',
  },
  { name: 'what was read is given again', file: listener, from: 'this.cursor = event.position ?? this.cursor', to: '' },
  { name: 'a slow subscriber loses what does not fit', file: listener, from: 'this.isBehind = true\n      return', to: 'return' },
  { name: 'a slow subscriber is not waited for', file: listener, from: 'this.isBusy = true', to: '' },
  { name: 'a subscriber that rejects goes on', file: listener, from: '() => this.close(),\n', to: '() => void (this.isBusy = false),\n' },
  { name: 'lost live events are not told', file: listener, from: 'this.lost.set(topic, {', to: 'new Map<string, BusGap>().set(topic, {' },
  { name: 'jumps in a topic are not told', file: listener, from: 'from: this.lost.get(topic)?.from ?? sequence,', to: 'from: sequence,' },
  { name: 'a closed subscriber is called', file: listener, from: 'this.isClosed = true\n', to: '' },
  {
    name: 'where a topic begins is forgotten',
    file: listener,
    from: 'if (position !== undefined && sequence <= last) return',
    to: 'if (sequence < last) return',
  },
  {
    name: 'a recorded event overtakes live ones that wait',
    file: listener,
    from: 'return (recorded.position ?? 0) > live.after',
    to: 'return false',
  },
  {
    name: 'a live event overtakes recorded ones that are to be read',
    file: listener,
    from: 'return !this.isBehind || this.cursor >= live.after',
    to: 'return true',
  },
  {
    name: 'a live event overtakes recorded ones that wait',
    file: listener,
    from: 'return (recorded.position ?? 0) > live.after',
    to: 'return true',
  },
  { name: 'live events are given to who wants none', file: listener, from: 'if (this.request.live === false) return', to: '' },
  { name: 'what is recorded overtakes what was published before it', file: hub, from: 'this.handOutLive(this.pending.size)', to: '' },
  {
    name: 'what is read overtakes what was published before it',
    file: bus,
    from: 'await catchUp(ctx, state.hub)\n      take()',
    to: 'await Promise.resolve()\n      take()',
  },
  { name: 'the last who came is called first', file: hub, from: '[...this.listeners, listener]', to: '[listener, ...this.listeners]' },
  {
    name: 'what a subscriber publishes is handed out at once',
    file: hub,
    from: 'if (this.isAwake) return',
    to: 'if (this.isAwake) return this.flush()',
  },
  { name: 'an older value of a key stays', file: hub, from: 'waiting.payload = event.payload', to: '' },
  { name: 'a page that a crash took is waited for', file: hub, from: 'listener.isReading = false', to: '' },
  {
    name: 'what was read before it was published is given again',
    file: listener,
    from: 'if (this.isBehind || position <= this.cursor) return',
    to: 'if (this.isBehind) return',
  },
  {
    name: 'a restarted bus begins anew',
    file: bus,
    from: '(hub.position === null ? begin(ctx, hub) : catchUp(ctx, hub))',
    to: 'begin(ctx, hub)',
  },
  {
    name: 'what other processes stored is passed over',
    file: bus,
    from: 'isNext(hub, events) ? publish() : catchUp(ctx, hub).then(publish)',
    to: 'publish()',
  },
  { name: 'answered before published', file: journal, from: 'await ctx.ask(BUS,', to: 'void ctx.ask(BUS,' },
]

const planted = (mutant: Mutant): Planted<Scenario> => ({
  name: mutant.name,
  with: (use) =>
    withMutantSources(mutant, async (load) => {
      const engine: BusEngine = {
        ...(await load<Pick<BusEngine, 'busActor'>>(bus)),
        ...(await load<Pick<BusEngine, 'journalActor'>>(journal)),
        ...(await load<Pick<BusEngine, 'EventHub'>>(hub)),
      }
      await use(on(engine))
    }),
})

/** Any interleaving of recording, publishing, subscribing, leaving, being slow, failing and crashing. */
export const busDelivery: Proven<Scenario> = {
  ...on({ busActor, journalActor, EventHub }),
  area: 'bus',
  bugs: MUTANTS.map(planted),
  control: planted({ name: 'a copy without a bug', file: hub, from: 'Who listens, and what has been published.', to: 'Who listens.' }),
}
