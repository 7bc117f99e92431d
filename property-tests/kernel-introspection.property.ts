import fc from 'fast-check'
import { expect } from 'vitest'
import type { TraceEvent, TraceOptions } from '../src/kernel/trace.types.ts'
import { defineActor, named } from '../src/kernel/types.ts'
import { type SupervisorSpec, worker } from '../src/kernel/child-spec.ts'
import type { Clock } from '../src/ports/clock.port.ts'
import type { Inspection } from '../src/supervisors/system.types.ts'
import { note } from '../src/testing/recording.ts'
import type { Engine } from '../src/testing/simulate.ts'
import { engineProperty } from './engine-property.ts'
import type { Proven } from './proven.ts'

const HISTORY = 3
/** a and b are below `group`, c is below the root. */
const NAMES = ['a', 'b', 'c'] as const
type Name = (typeof NAMES)[number]
type Work = { readonly id: number; readonly waitMs: number; readonly ends: 'well' | 'throws' }
type Protocol = { work: { message: Work }; other: { message: Work } }

type Step =
  | { readonly do: 'tell'; readonly to: Name; readonly type: keyof Protocol; readonly work: Work }
  | { readonly do: 'advance'; readonly ms: number }
  | { readonly do: 'look'; readonly at: Name }
  | { readonly do: 'trace'; readonly what: TraceOptions }
type Scenario = { readonly seed: number; readonly initMs: number; readonly steps: readonly Step[] }

/** What the actors say of themselves: each handler that came to its end. */
type Done = { readonly id: number; readonly actor: string; readonly tookMs: number; readonly how: 'handled' | 'failed' }
type Looked = { readonly actor: string; readonly doneBefore: number }
type Traced = { readonly what: TraceOptions; readonly events: TraceEvent[]; readonly allBefore: number }
type Ledger = {
  readonly done: Done[]
  readonly all: TraceEvent[]
  readonly traces: Traced[]
  readonly looks: Map<string, Looked>
  readonly inspected: { readonly looked: Looked; readonly seen: Inspection; readonly doneBefore: number }[]
  readonly evidence: { readonly actor: string; readonly handling: number | null; readonly history: readonly number[] }[]
  readonly dead: { readonly id: number; readonly reason: string }[]
  readonly drains: { readonly budget: number; readonly began: number }[]
  began: number
  /** Handlers that had no state yet. */
  early: number
}

const newLedger = (): Ledger => ({
  done: [],
  all: [],
  traces: [],
  looks: new Map(),
  inspected: [],
  evidence: [],
  dead: [],
  drains: [],
  began: 0,
  early: 0,
})

const actor = (ledger: Ledger, clock: Clock, initMs: number) => {
  const sleep = (ms: number): Promise<void> => new Promise((resolve) => void clock.setTimer(ms, resolve))
  const finish = (self: string, { id, waitMs, ends }: Work): 'ready' => {
    ledger.done.push({ id, actor: self, tookMs: waitMs, how: ends === 'well' ? 'handled' : 'failed' })
    if (ends === 'throws') throw new Error('poison')
    return 'ready'
  }
  const handle = (self: string, state: 'ready' | undefined, work: Work): 'ready' | Promise<'ready'> => {
    ledger.began += 1
    if (state !== 'ready') ledger.early += 1
    return work.waitMs === 0 ? finish(self, work) : sleep(work.waitMs).then(() => finish(self, work))
  }
  return defineActor<Protocol, 'ready', null>({
    kind: 'actor',
    init: () => (initMs === 0 ? 'ready' : sleep(initMs).then(() => 'ready')),
    on: { work: (ctx, state, work) => handle(ctx.self.id, state, work), other: (ctx, state, work) => handle(ctx.self.id, state, work) },
  })
}

const idOf = (message: unknown): number => (message as Work).id

const run = async ({ startSystem, SeededScheduler }: Engine, { seed, initMs, steps }: Scenario): Promise<Ledger> => {
  const world = new SeededScheduler(seed)
  const ledger = newLedger()
  const attach = world.attach.bind(world)
  world.attach = (runnable) =>
    attach({
      id: runnable.id,
      drain: (budget) => {
        const before = ledger.began
        const more = runnable.drain(budget)
        // Where it waits, others may begin something meanwhile.
        if (typeof more === 'boolean') ledger.drains.push({ budget, began: ledger.began - before })
        return more
      },
    })
  const lenient = { intensity: { restarts: 1_000, withinMs: 1 } }
  const child = (name: Name) => worker(name, actor(ledger, world.clock, initMs), null)
  const group: SupervisorSpec = {
    type: 'supervisor',
    name: 'group',
    strategy: 'one_for_one',
    ...lenient,
    children: [child('a'), child('b')],
  }
  const starting = startSystem({
    scheduler: world,
    clock: world.clock,
    random: world.random,
    history: HISTORY,
    root: { type: 'supervisor', name: 'root', strategy: 'one_for_one', ...lenient, children: [group, child('c')] },
    observer: {
      exited: ({ name, incarnation, exit, evidence }) => {
        note(`exited ${name}$${incarnation} ${exit.reason}`)
        if (evidence === undefined) return
        const { handling, history } = evidence()
        ledger.evidence.push({
          actor: `${name}$${incarnation}`,
          handling: handling && idOf(handling.message),
          history: history.map(({ message }) => idOf(message)),
        })
      },
      deadLetter: ({ message, reason }) => void (reason === 'poison' || ledger.dead.push({ id: idOf(message), reason })),
    },
  })
  await world.advance(3 * initMs)
  const system = await starting
  system.trace({ max: 1_000_000 }, (event) => {
    note(`${event.actor} ${event.what} ${'message' in event ? event.message : ''}`)
    ledger.all.push(event)
  })
  for (const step of steps) {
    note(`step ${JSON.stringify(step)}`)
    if (step.do === 'advance') await world.advance(step.ms)
    else if (step.do === 'tell') system.tell(named<Protocol>(step.to), step.type, step.work)
    else if (step.do === 'trace') {
      const events: TraceEvent[] = []
      ledger.traces.push({ what: step.what, events, allBefore: ledger.all.length })
      system.trace(step.what, (event) => events.push(event))
    } else {
      await world.settle()
      const seen = system.inspect(step.at)!
      // It has no actor, and so nothing that could be measured.
      if (seen.mailbox.limit === 0) continue
      const id = `${seen.name}$${seen.incarnation}`
      const looked = ledger.looks.get(id) ?? { actor: id, doneBefore: ledger.done.length }
      ledger.looks.set(id, looked)
      ledger.inspected.push({ looked, seen, doneBefore: ledger.done.length })
    }
  }
  await world.advance(10_000)
  const stopped = system.stop()
  await world.advance(10_000)
  await stopped
  return ledger
}

/** Sent, then handled, failed or dropped, once: as the actor itself and the dead letters say. */
const expectWholeStories = ({ all, done, dead }: Ledger, told: readonly number[]): void => {
  const stories = new Map<number, string[]>()
  for (const event of all) {
    if (!('message' in event)) continue
    const id = Number(/id: (\d+)/.exec(event.message)?.[1])
    stories.set(id, [...(stories.get(id) ?? []), event.what])
  }
  const ends = new Map<number, string>([
    ...done.map(({ id, how }) => [id, how] as const),
    ...dead.map(({ id }) => [id, 'dropped'] as const),
  ])
  for (const id of told) {
    const story = stories.get(id)?.join(', ')
    expect([ends.get(id), `sent, ${ends.get(id)}`], `message ${id}: ${story}`).toContain(story)
    // Only what found nobody was never sent.
    if (ends.get(id) !== 'dropped') expect(story).toMatch(/^sent, /)
  }
}

const UNDER = new Set<string>(['group', 'a', 'b'])

/** A trace tells what the trace of everything tells, as far as it is in its scope. */
const expectScopes = ({ all, traces }: Ledger): void => {
  for (const { what, events, allBefore } of traces) {
    const wanted = all.slice(allBefore).filter((event) => {
      const name = event.actor.replace(/\$\d+$/, '')
      if (what.actor !== undefined && name !== what.actor) return false
      if (what.under !== undefined && !UNDER.has(name)) return false
      return what.type === undefined || ('type' in event && event.type === what.type)
    })
    expect(events, JSON.stringify(what)).toEqual(wanted.slice(0, what.max))
  }
}

/** What was counted and measured since the first look, and no more than a bucket's width beside the truth. */
const expectMeters = ({ done, inspected }: Ledger): void => {
  for (const { looked, seen, doneBefore } of inspected) {
    const all = done.slice(0, doneBefore).filter((one) => one.actor === looked.actor)
    const since = done.slice(looked.doneBefore, doneBefore).filter((one) => one.actor === looked.actor)
    const times = since.map(({ tookMs }) => tookMs).toSorted((one, other) => one - other)
    const { handlers, handled } = seen
    expect(handled).toBe(all.length)
    expect(handlers).toMatchObject({
      count: times.length,
      sumMs: times.reduce((sum, ms) => sum + ms, 0),
      maxMs: times.at(-1) ?? 0,
    })
    for (const [share, shown] of [
      [0.5, handlers.p50Ms],
      [0.95, handlers.p95Ms],
      [0.99, handlers.p99Ms],
    ] as const) {
      const exact = times[Math.ceil(share * times.length) - 1] ?? 0
      expect(shown).toBeGreaterThanOrEqual(exact)
      expect(shown).toBeLessThanOrEqual(Math.max(2 * exact, 0.001))
    }
  }
}

const expectEvidence = ({ evidence, done }: Ledger): void => {
  for (const { actor: id, handling, history } of evidence) {
    const own = done.filter((one) => one.actor === id)
    expect(handling).toBe(own.find(({ how }) => how === 'failed')?.id ?? null)
    const handled = own.filter(({ how }) => how === 'handled')
    expect(history).toEqual(handled.slice(-HISTORY).map((one) => one.id))
  }
}

/** Nobody sends more than a mailbox takes, so mail that comes during an init waits for it, in its order. */
const expectStash = ({ done, dead, early }: Ledger): void => {
  expect(early).toBe(0)
  expect(dead.filter(({ reason }) => reason === 'full')).toEqual([])
  const last = new Map<string, number>()
  for (const { id, actor: receiver } of done) {
    expect(id).toBeGreaterThan(last.get(receiver) ?? 0)
    last.set(receiver, id)
  }
}

const counted = (steps: readonly Step[]): Step[] => {
  let id = 0
  return steps.map((step) => (step.do === 'tell' ? { ...step, work: { ...step.work, id: (id += 1) } } : step))
}

const name = fc.constantFrom(...NAMES)
const type = fc.constantFrom<keyof Protocol>('work', 'other')
const what: fc.Arbitrary<TraceOptions> = fc.record({ max: fc.constantFrom(1, 2, 5, 1_000) }, { noNullPrototype: true }).chain((max) =>
  fc.oneof(
    fc.constant(max),
    fc.constant({ ...max, under: 'group' }),
    name.map((one) => ({ ...max, actor: one })),
    type.map((one) => ({ ...max, type: one })),
    fc.record({ type, max: fc.constant(max.max), under: fc.constant('group') }),
  ),
)
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('tell' as const),
      to: name,
      type,
      work: fc.record({
        id: fc.constant(0),
        waitMs: fc.constantFrom(0, 0, 0, 3, 20),
        ends: fc.oneof({ weight: 6, arbitrary: fc.constant('well' as const) }, fc.constant('throws' as const)),
      }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('advance' as const), ms: fc.constantFrom(0, 2, 10, 50) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('look' as const), at: name }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('trace' as const), what }) },
)
const scenarios: fc.Arbitrary<Scenario> = fc.record({
  seed: fc.nat(),
  initMs: fc.constantFrom(0, 5),
  steps: fc.array(step, { maxLength: 40, size: 'max' }).map(counted),
})

const watcher = 'kernel/watcher.ts'
const traceFile = 'kernel/trace.ts'

export const kernelIntrospection: readonly Proven<Scenario>[] = engineProperty(
  'kernel',
  'tells of actors what they say of themselves: traces, times, counts and evidence agree; mail waits for an init [SUP-2, SUP-9]',
  scenarios,
  async (engine, scenario) => {
    const ledger = await run(engine, scenario)
    const told = scenario.steps.flatMap((one) => (one.do === 'tell' ? [one.work.id] : []))
    expectStash(ledger)
    expectWholeStories(ledger, told)
    expectScopes(ledger)
    expectMeters(ledger)
    expectEvidence(ledger)
    for (const { budget, began } of ledger.drains) expect(began).toBeLessThanOrEqual(budget)
  },
  {
    runs: 200,
    catches: [
      {
        name: 'new incarnations not traced',
        file: 'kernel/tracing.ts',
        from: 'for (const trace of traces) trace.attach(watcher)',
        to: 'if (actor.ref.incarnation === 1) for (const trace of traces) trace.attach(watcher)',
      },
      {
        name: 'actors below the children not traced',
        file: 'kernel/tracing.ts',
        from: 'if (name.current !== null) this.attach(trace, name.current)',
        to: 'if (name.current !== null && actor.supervisor === null) this.attach(trace, name.current)',
      },
      {
        name: 'mail of a crashed actor not told as dropped',
        file: traceFile,
        from: '(under !== undefined && !this.names.has(to.name))',
        to: '(under !== undefined)',
      },
      { name: 'one event too many', file: traceFile, from: 'this.count >= this.options.max', to: 'this.count > this.options.max' },
      { name: 'scope forgotten', file: traceFile, from: 'if (one.ref.name === under) return true', to: 'return true' },
      {
        name: 'handler that threw not told',
        file: watcher,
        from: 'for (const trace of this.traces) trace.failed(this.actor, mail, message, tookMs, error)',
        to: '',
      },
      { name: 'poison told twice', file: 'kernel/tracing.ts', from: "if (reason === 'poison') return", to: '' },
      { name: 'buckets one too low', file: 'kernel/histogram.ts', from: '32 - Math.clz32', to: '31 - Math.clz32' },
      { name: 'percentile of the bucket after', file: 'kernel/histogram.ts', from: 'seen >= wanted', to: 'seen > wanted' },
      {
        name: 'history out of order',
        file: 'kernel/history.ts',
        from: '[...this.kept.slice(start), ...this.kept.slice(0, start)]',
        to: '[...this.kept]',
      },
      {
        name: 'what it failed at in its history',
        file: watcher,
        from: 'this.failed = {',
        to: 'this.history?.add({ at: 0, type: mail.type, from: null, message, lane: mail.lane })\n    this.failed = {',
      },
      {
        name: 'mail during an init refused',
        file: 'kernel/cell.ts',
        from: 'const lost = this.mailbox.addUser(mail)',
        to: "const lost = this.phase === 'starting' ? mail : this.mailbox.addUser(mail)",
      },
      {
        name: 'mail handled before the init is over',
        file: 'kernel/cell.ts',
        from: 'return isPromise(made) ? this.initialiseLater(made, definition.initLimitMs ?? INIT_LIMIT_MS) : this.started(made)',
        to: 'if (isPromise(made)) void this.initialiseLater(made, definition.initLimitMs ?? INIT_LIMIT_MS)\n    else this.started(made)\n    return undefined',
      },
      {
        name: 'no end to a drain',
        file: 'kernel/cell.ts',
        from: 'for (let left = budget; left > 0; left -= 1) {',
        to: 'for (let left = 1_000; left > 0; left -= 1) {',
        // Real schedulers give an actor several drains in a row where nobody waits.
        on: 'seeded',
      },
    ],
  },
)
