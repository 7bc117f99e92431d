import fc from 'fast-check'
import { expect } from 'vitest'
import { type SupervisorSpec, worker } from '../src/kernel/child-spec.ts'
import { defineActor } from '../src/kernel/types.ts'
import type { Scheduler } from '../src/ports/scheduler.port.ts'
import type { Engine } from '../src/testing/simulate.ts'
import { engineProperty } from './engine-property.ts'
import type { Proven } from './proven.ts'

/** Turns in which is counted: enough that the chance in a seeded order levels out. */
const TURNS = 6_000
const LEAST_SHARE = 0.8

type Scenario = {
  readonly seed: number
  readonly strategy: 'one_for_one' | 'one_for_all' | 'rest_for_one'
  readonly calm: number
  readonly neighbours: number
}
type Protocol = { work: { message: object } }
type Counts = { turns: number; handled: number }

const counting = (scheduler: Scheduler, counts: Counts): Scheduler => ({
  name: scheduler.name,
  close: () => scheduler.close(),
  attach: (runnable) =>
    scheduler.attach({
      id: runnable.id,
      drain: (budget) => {
        counts.turns += 1
        return runnable.drain(budget)
      },
    }),
})

/** Has always one more message for itself, until the turns are over. */
const busy = (counts: Counts, handled: () => void) =>
  defineActor<Protocol, null, null>({
    kind: 'busy',
    init: (ctx) => (ctx.tell(ctx.self as never, 'work' as never, {} as never), null),
    on: {
      work: (ctx) => {
        if (counts.turns >= TURNS) return null
        handled()
        ctx.tell(ctx.self as never, 'work' as never, {} as never)
        return null
      },
    },
  })

/** @returns messages that the calm subtree handles in so many turns of all */
const calmHandles = async (
  { startSystem, SeededScheduler }: Engine,
  { seed, strategy, calm, neighbours }: Scenario,
  storms: boolean,
): Promise<number> => {
  const world = new SeededScheduler(seed)
  const counts: Counts = { turns: 0, handled: 0 }
  const neighbour = busy(counts, () => {
    if (storms) throw new Error('storm')
  })
  const group = (name: string, count: number, definition: typeof neighbour, how: SupervisorSpec['strategy']): SupervisorSpec => ({
    type: 'supervisor',
    name,
    strategy: how,
    intensity: { restarts: 1_000_000, withinMs: 1 },
    children: Array.from({ length: count }, (_, index) => worker(`${name}-${index}`, definition, null)),
  })
  const starting = startSystem({
    scheduler: counting(world, counts),
    clock: world.clock,
    random: world.random,
    root: {
      type: 'supervisor',
      name: 'root',
      strategy: 'one_for_one',
      children: [
        group(
          'calm',
          calm,
          busy(counts, () => void (counts.handled += 1)),
          'one_for_one',
        ),
        group('near', neighbours, neighbour, strategy),
      ],
    },
  })
  await world.settle()
  const system = await starting
  await world.settle()
  const { handled } = counts
  const stopped = system.stop()
  await world.settle()
  await stopped
  return handled
}

const scenarios: fc.Arbitrary<Scenario> = fc.record({
  seed: fc.nat(),
  strategy: fc.constantFrom('one_for_one' as const, 'one_for_all' as const, 'rest_for_one' as const),
  calm: fc.integer({ min: 6, max: 9 }),
  neighbours: fc.integer({ min: 2, max: 5 }),
})

export const crashStorm: readonly Proven<Scenario>[] = engineProperty(
  'supervisors',
  'a subtree whose actors crash without end takes no more from others than one that is busy: they handle at least 80 % of it [SUP-8]',
  scenarios,
  async (engine, scenario) => {
    const beside = await calmHandles(engine, scenario, false)
    const inStorm = await calmHandles(engine, scenario, true)
    expect(beside).toBeGreaterThan(TURNS)
    expect(inStorm / beside).toBeGreaterThanOrEqual(LEAST_SHARE)
  },
  {
    runs: 20,
    catches: [
      {
        name: 'what has ended goes on to take turns',
        file: 'kernel/cell.ts',
        from: '    this.slot?.release()\n',
        to: '    let turns = 50\n    Object.assign(this, { drain: () => (turns -= 1) > 0 })\n    this.slot?.wake()\n',
      },
    ],
  },
)
