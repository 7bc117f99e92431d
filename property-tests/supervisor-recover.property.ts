import fc from 'fast-check'
import { expect } from 'vitest'
import type { SeededScheduler as World } from '../src/adapters/schedulers/seeded-scheduler.adapter.ts'
import { type SupervisorProtocol, type SupervisorSpec, worker } from '../src/kernel/child-spec.ts'
import type { Registry } from '../src/kernel/registry.ts'
import { type ActorContext, defineActor, named } from '../src/kernel/types.ts'
import type { System } from '../src/supervisors/system.types.ts'
import { note } from '../src/testing/recording.ts'
import type { Engine } from '../src/testing/simulate.ts'
import { engineProperty } from './engine-property.ts'
import type { Proven } from './proven.ts'

type Protocol = { end: { message: object } }
type Step =
  | { readonly do: 'add'; readonly child: number }
  | { readonly do: 'end'; readonly child: number }
  | { readonly do: 'crash' }
  | { readonly do: 'kill' }
  | { readonly do: 'advance'; readonly ms: number }
type Scenario = {
  readonly seed: number
  /** How long the nth search of the records takes; no time after the last. */
  readonly searches: readonly (0 | 5 | 'hangs')[]
  readonly steps: readonly Step[]
}
type Life = { readonly name: string; readonly did: 'started' | 'exited'; readonly reason: string }
type Trace = {
  readonly lives: readonly Life[]
  /** At the end: whom the records name, and who runs, in order; null while a search hangs. */
  readonly recorded: readonly string[]
  readonly running: readonly string[] | null
  readonly found: readonly string[]
}

const POOL = 'pool'
const nameOf = (child: number): string => `child-${child}`
const pool = named<SupervisorProtocol & { boom: { message: object } }>(POOL)

/** A pool of children that each have a record from their first start to the end that they come to by themselves. */
class Pool {
  readonly records = new Set<string>()
  readonly ended = new Set<string>()
  hangs = false
  /** By the last search. */
  found: readonly string[] = []
  private readonly world: World
  private readonly scenario: Scenario
  private searched = 0
  private registry: Registry | null = null

  constructor(world: World, scenario: Scenario) {
    this.world = world
    this.scenario = scenario
  }

  readonly tree = (): SupervisorSpec => ({
    type: 'supervisor',
    name: 'root',
    strategy: 'one_for_one',
    intensity: { restarts: 1_000, withinMs: 1_000 },
    children: [
      worker('first', this.child(false), null),
      { type: 'supervisor', name: POOL, strategy: 'dynamic', recover: ({ signal }) => this.search(signal) },
    ],
  })

  readonly spec = (name: string) => worker(name, this.child(true), null, { restart: 'temporary' })

  kill(): void {
    this.registry?.lookup(POOL)?.kill()
  }

  private async search(signal: AbortSignal): Promise<SupervisorSpec['children'] & {}> {
    const takes = this.scenario.searches[this.searched++] ?? 0
    this.hangs = takes === 'hangs'
    signal.addEventListener('abort', () => (this.hangs = false))
    if (takes === 'hangs') await new Promise(() => {})
    else if (takes > 0) await new Promise<void>((resolve) => void this.world.clock.setTimer(takes, resolve))
    this.found = [...this.records]
    return this.found.map(this.spec)
  }

  private child(isRecorded: boolean) {
    return defineActor<Protocol, null, null>({
      kind: 'child',
      init: (ctx) => {
        // What no actor may do: a supervisor is killed by nobody but the kernel.
        this.registry = (ctx as unknown as { kernel: { registry: Registry } }).kernel.registry
        if (isRecorded) this.records.add(ctx.self.name)
        return null
      },
      on: {
        end: (ctx: ActorContext<Protocol>) => {
          this.records.delete(ctx.self.name)
          this.ended.add(ctx.self.name)
          ctx.exit('normal')
          return null
        },
      },
    })
  }
}

const apply = (system: System, kept: Pool, step: Step): void => {
  if (step.do === 'crash') return system.tell(pool, 'boom', {})
  if (step.do === 'kill') return kept.kill()
  if (step.do === 'advance') return
  const name = nameOf(step.child)
  if (step.do === 'end') return system.tell(named<Protocol>(name), 'end', {})
  // A name of its own for each life that is recorded: one that ended must not come back.
  if (!kept.ended.has(name))
    system.ask(pool, 'supervisor.start-child', { spec: kept.spec(name) }, { timeoutMs: 1_000_000 }).catch(() => undefined)
}

const run = async ({ startSystem, SeededScheduler }: Engine, scenario: Scenario): Promise<Trace> => {
  const world = new SeededScheduler(scenario.seed)
  const lives: Life[] = []
  const kept = new Pool(world, { ...scenario, searches: [0, ...scenario.searches] })
  const system = await startSystem({
    scheduler: world,
    clock: world.clock,
    random: world.random,
    root: kept.tree(),
    observer: {
      started: ({ name }) => {
        note(`started ${name}`)
        lives.push({ name, did: 'started', reason: '' })
      },
      exited: ({ name, exit }) => {
        note(`exited ${name} ${exit.reason}`)
        lives.push({ name, did: 'exited', reason: exit.reason })
      },
    },
  })
  for (const step of scenario.steps) {
    apply(system, kept, step)
    if (step.do === 'advance') await world.advance(step.ms)
    else await world.settle()
  }
  await world.advance(50)
  const node = system.tree().children.find(({ name }) => name === POOL)
  const running = kept.hangs ? null : (node?.children ?? []).map(({ name }) => name)
  const recorded = [...kept.records]
  const stopped = system.stop()
  await world.advance(50)
  if ((await Promise.race([stopped, Promise.resolve('hangs' as const)])) === 'hangs') throw new Error('the search keeps the stop waiting')
  return { lives, recorded, running, found: kept.found }
}

/** Never two of a name; none again that came to its end; with a crash of their supervisor, children hand over. */
const expectLives = ({ lives }: Trace): void => {
  const alive = new Set<string>()
  const over = new Set<string>()
  for (const { name, did, reason } of lives) {
    if (!name.startsWith('child-')) continue
    if (did === 'started') {
      expect(alive.has(name), `${name} runs twice`).toBe(false)
      expect(over.has(name), `${name} had ended`).toBe(false)
      alive.add(name)
    } else {
      alive.delete(name)
      if (reason === 'normal') over.add(name)
    }
  }
  expect([...alive]).toEqual([])
}

const expectHandover = ({ lives }: Trace): void => {
  const at = lives.findLastIndex(({ name, did }) => name === 'root' && did === 'started')
  const stop = lives.findLastIndex(({ name, reason }) => name === POOL && reason !== '' && reason !== 'shutdown')
  const before = lives.slice(at, Math.max(at, stop)).filter(({ name, did }) => name.startsWith('child-') && did === 'exited')
  expect(before.filter(({ reason }) => !['normal', 'killed', 'handover'].includes(reason))).toEqual([])
}

const child = fc.nat(5)
const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('add' as const), child }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('end' as const), child }) },
  { weight: 1, arbitrary: fc.constant({ do: 'crash' as const }) },
  { weight: 1, arbitrary: fc.constant({ do: 'kill' as const }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('advance' as const), ms: fc.constantFrom(1, 5, 30) }) },
)
const scenarios: fc.Arbitrary<Scenario> = fc.record({
  seed: fc.nat(),
  searches: fc.array(
    fc.oneof({ weight: 3, arbitrary: fc.constantFrom(0 as const, 5 as const) }, { weight: 1, arbitrary: fc.constant('hangs' as const) }),
    { maxLength: 4 },
  ),
  steps: fc.array(steps, { maxLength: 20 }),
})

const recover = 'supervisors/recover.ts'
const supervisor = 'supervisors/supervisor.ts'

export const supervisorRecover: readonly Proven<Scenario>[] = engineProperty(
  'supervisors',
  'brings back after its own end, once each and in order, the children that the records know, and none that ended [SUP-3, SUP-8]',
  scenarios,
  async (engine, scenario) => {
    const trace = await run(engine, scenario)
    expectLives(trace)
    expectHandover(trace)
    if (trace.running === null) return
    expect(trace.running.toSorted()).toEqual(trace.recorded.toSorted())
    const again = trace.found.filter((name) => trace.running?.includes(name))
    expect(trace.running.slice(0, again.length)).toEqual(again)
  },
  {
    runs: 300,
    catches: [
      {
        name: 'nothing recovered',
        file: supervisor,
        from: 'for (const spec of specs) {',
        to: 'for (const spec of specs.slice(specs.length)) {',
      },
      {
        name: 'first recovered only',
        file: supervisor,
        from: 'for (const spec of specs) {',
        to: 'for (const spec of specs.slice(0, 1)) {',
      },
      {
        name: 'recovered in reverse',
        file: supervisor,
        from: 'for (const spec of specs) {',
        to: 'for (const spec of specs.toReversed()) {',
      },
      { name: 'crash of a pool shuts down', file: recover, from: "(reason === 'crashed' && recover !== undefined)", to: 'false' },
      { name: 'search keeps a stop waiting', file: recover, from: "ctx.signal.addEventListener('abort', stop, { once: true })", to: '' },
    ],
  },
)
