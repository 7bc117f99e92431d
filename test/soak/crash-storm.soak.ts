import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { directScheduler } from '../../src/adapters/schedulers/direct-scheduler.adapter.ts'
import { nactScheduler } from '../../src/adapters/schedulers/nact-scheduler.adapter.ts'
import { systemClock } from '../../src/adapters/system/system-clock.adapter.ts'
import { systemRandom } from '../../src/adapters/system/system-random.adapter.ts'
import { type SupervisorSpec, worker } from '../../src/kernel/child-spec.ts'
import { defineActor, named } from '../../src/kernel/types.ts'
import { startSystem } from '../../src/supervisors/system.ts'

const ROUNDS = 5
const MEASURED_MS = 1_000
const ACTORS = 10
const AIM = 0.8

type Protocol = { work: { message: object } }
const AGAIN = {}

const median = (values: readonly number[]): number => values.toSorted((one, other) => one - other)[values.length >> 1] ?? NaN

/** Ten actors that always have one message more, beside ten that rest, or crash as often as their backoff lets them. */
const measure = async (scheduler: 'direct' | 'nact', storms: boolean): Promise<{ perSecond: number; crashes: number }> => {
  let handled = 0
  let crashes = 0
  let isOver = false
  const calm = defineActor<Protocol, null, string>({
    kind: 'calm',
    init: (ctx, name) => (ctx.tell(named<Protocol>(name), 'work', AGAIN), null),
    on: {
      work: (ctx) => {
        handled += 1
        if (!isOver) ctx.tell(ctx.self as never, 'work' as never, AGAIN as never)
        return null
      },
    },
  })
  const stormy = defineActor<Protocol, null, string>({
    kind: 'stormy',
    init: (ctx, name) => {
      if (storms) ctx.tell(named<Protocol>(name), 'work', AGAIN)
      return null
    },
    on: {
      work: () => {
        crashes += 1
        throw new Error('storm')
      },
    },
  })
  const group = (name: string, definition: typeof calm): SupervisorSpec => ({
    type: 'supervisor',
    name,
    strategy: 'one_for_one',
    intensity: { restarts: Infinity, withinMs: 1 },
    backoff: { minMs: 10, maxMs: 100, jitter: 0.5, resetAfterMs: 1_000 },
    children: Array.from({ length: ACTORS }, (_, index) => worker(`${name}-${index}`, definition, `${name}-${index}`)),
  })
  const system = await startSystem({
    scheduler: scheduler === 'direct' ? directScheduler() : nactScheduler(),
    clock: systemClock,
    random: systemRandom,
    root: { type: 'supervisor', name: 'root', strategy: 'one_for_one', children: [group('calm', calm), group('near', stormy)] },
  })
  const [from, begun, before] = [handled, performance.now(), crashes]
  await sleep(MEASURED_MS)
  const result = { perSecond: ((handled - from) / (performance.now() - begun)) * 1_000, crashes: crashes - before }
  isOver = true
  await system.stop()
  return result
}

describe.each(['direct', 'nact'] as const)('a crash storm on the %s scheduler', (scheduler) => {
  it('beside ten calm actors: what they still handle, by the clock [SUP-8]', async () => {
    const rates = { idle: [] as number[], storm: [] as number[] }
    let crashes = 0
    await measure(scheduler, true)
    for (let round = 0; round < ROUNDS; round += 1) {
      rates.idle.push((await measure(scheduler, false)).perSecond)
      const inStorm = await measure(scheduler, true)
      rates.storm.push(inStorm.perSecond)
      crashes += inStorm.crashes
    }
    const [idle, storm] = [median(rates.idle), median(rates.storm)]
    console.log(
      `crash storm, ${scheduler}: ${Math.round(storm)} messages/s beside ${Math.round(crashes / ROUNDS)} crashes/s, ` +
        `${Math.round(idle)} beside idle actors, ratio ${(storm / idle).toFixed(2)} (aim ${AIM})`,
    )
    expect(crashes).toBeGreaterThan(0)
    expect(storm).toBeGreaterThan(0)
  }, 120_000)
})
