import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { countedScheduler } from '../../../src/adapters/schedulers/counted-scheduler.ts'
import { directScheduler } from '../../../src/adapters/schedulers/direct-scheduler.adapter.ts'
import { nactScheduler } from '../../../src/adapters/schedulers/nact-scheduler.adapter.ts'
import { SeededScheduler } from '../../../src/adapters/schedulers/seeded-scheduler.adapter.ts'
import { systemClock } from '../../../src/adapters/system/system-clock.adapter.ts'
import { systemRandom } from '../../../src/adapters/system/system-random.adapter.ts'
import { named } from '../../../src/kernel/types.ts'
import type { Scheduler } from '../../../src/ports/scheduler.port.ts'
import type { SupervisorProtocol } from '../../../src/kernel/child-spec.ts'
import { startSystem } from '../../../src/supervisors/system.ts'
import { probeChild, type ProbeProtocol, root } from './seeded-system.ts'

const schedulers: readonly { readonly name: string; readonly make: () => Scheduler }[] = [
  { name: 'nact', make: nactScheduler },
  { name: 'direct', make: directScheduler },
  { name: 'seeded', make: () => new SeededScheduler(3) },
]
const timeoutMs = 30_000
const at = (index: number) => named<ProbeProtocol>(`p${index}`)

describe.each(schedulers)('a system on $name', ({ make }) => {
  it('runs a drain for every token, and none besides, through messages, crashes, starts and stops [SUP-2]', async () => {
    const { scheduler, counts } = countedScheduler(make())
    const system = await startSystem({
      scheduler,
      clock: systemClock,
      random: systemRandom,
      root: root([{ type: 'supervisor', name: 'some', strategy: 'dynamic', intensity: { restarts: 1_000, withinMs: 60_000 } }]),
    })
    const some = named<SupervisorProtocol>('some')
    const indexes = Array.from({ length: 30 }, (_, index) => index)
    await Promise.all(indexes.map((index) => system.ask(some, 'supervisor.start-child', { spec: probeChild(`p${index}`) }, { timeoutMs })))
    for (const index of indexes) for (let n = 0; n < 3 * index; n += 1) system.tell(at(index), 'add', { n: 1 })
    for (const index of indexes) expect(await system.ask(at(index), 'get', {}, { timeoutMs })).toBe(3 * index)
    for (const index of indexes.slice(0, 10)) system.tell(at(index), 'crash', { text: 'crash' })
    for (const index of indexes.slice(20)) void system.ask(some, 'supervisor.stop-child', { name: `p${index}` }, { timeoutMs })
    const settled = async (): Promise<boolean> => {
      await nextTurn()
      const { children } = await system.ask(some, 'supervisor.children', {}, { timeoutMs })
      return children.length === 20 && children.every(({ ref, restarting }) => ref !== null && !restarting)
    }
    for (let turn = 0; !(await settled()); turn += 1) expect(turn).toBeLessThan(10_000)
    for (const index of indexes.slice(0, 20)) await system.ask(at(index), 'get', {}, { timeoutMs })
    for (let turn = 0; turn < 20; turn += 1) await nextTurn()
    expect(counts.drains + counts.forfeited).toBe(counts.tokens)
    expect(counts.drains).toBeGreaterThan(100)
    const { drains } = counts
    for (let turn = 0; turn < 50; turn += 1) await nextTurn()
    expect(counts.drains, 'nothing runs at idle').toBe(drains)
    await system.stop()
    expect(counts.drains + counts.forfeited).toBe(counts.tokens)
  })

  it('wakes an actor once for a batch, not for each message [SUP-2]', async () => {
    const { scheduler, counts } = countedScheduler(make())
    const system = await startSystem({ scheduler, clock: systemClock, random: systemRandom, root: root([probeChild('p0')]) })
    const { tokens } = counts
    for (let n = 0; n < 1_600; n += 1) system.tell(at(0), 'add', { n: 1 })
    expect(counts.tokens - tokens).toBe(1)
    expect(await system.ask(at(0), 'get', {}, { timeoutMs })).toBe(1_600)
    expect(counts.tokens - tokens).toBeLessThan(1_600)
    await system.stop()
  })
})
