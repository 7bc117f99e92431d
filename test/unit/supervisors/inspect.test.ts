import { describe, expect, it } from 'vitest'
import { named } from '../../../src/kernel/types.ts'
import { probeChild, type ProbeProtocol, root, startSeeded, within } from '../kernel/seeded-system.ts'

const at = (name: string) => named<ProbeProtocol>(name)

describe('inspect', () => {
  it('tells what an actor has done, how long it takes and what waits, from the first look on [SUP-9]', async () => {
    const seeded = await startSeeded(root([{ type: 'supervisor', name: 's', strategy: 'one_for_one', children: [probeChild('a')] }]))
    const { system, world } = seeded
    system.tell(at('a'), 'add', { n: 1 })
    await world.settle()
    expect(system.inspect('a')).toEqual({
      name: 'a',
      incarnation: 1,
      kind: 'probe',
      state: 'running',
      mailbox: { now: 0, most: 1, limit: 10_000, dropped: 0, oldestMs: null },
      handled: 1,
      handlers: { forMs: 0, count: 0, sumMs: 0, maxMs: 0 },
      restarts: 0,
      lastExit: null,
    })
    const sleep = (ms: number) => new Promise<void>((resolve) => void world.clock.setTimer(ms, resolve))
    for (const ms of [30, 50]) {
      system.tell(at('a'), 'wait', { until: sleep(ms) })
      await world.advance(ms)
    }
    expect(system.inspect('a')).toMatchObject({ handled: 3, handlers: { forMs: 80, count: 2, sumMs: 80, maxMs: 50 } })
    system.tell(at('a'), 'wait', { until: sleep(100) })
    system.tell(at('a'), 'add', { n: 1 })
    await world.advance(40)
    system.tell(at('a'), 'add', { n: 1 })
    await world.advance(30)
    expect(system.inspect('a')?.mailbox).toEqual({ now: 2, most: 2, limit: 10_000, dropped: 0, oldestMs: 70 })
    await world.advance(100)
    await within(world, system.stop())
  })

  it('tells restarts, the exit before, and what waits for its restart or was terminated [SUP-9]', async () => {
    const backoff = { minMs: 100, maxMs: 100, jitter: 0, resetAfterMs: 1_000 }
    const { system, world } = await startSeeded(root([probeChild('a')], { backoff }))
    system.inspect('a')
    system.tell(at('a'), 'crash', { text: 'no' })
    await world.settle()
    expect(system.inspect('a')).toMatchObject({ state: 'restarting', incarnation: 1, handled: 0, lastExit: { reason: 'crashed' } })
    await world.advance(100)
    expect(system.inspect('a')).toMatchObject({
      state: 'running',
      incarnation: 2,
      handled: 0,
      restarts: 1,
      lastExit: { reason: 'crashed' },
    })
    expect(system.inspect('a')?.lastExit?.error?.message).toBe('no')
    await within(
      world,
      system.ask(
        named<{ 'supervisor.terminate-child': { message: { name: string }; reply: object } }>('root'),
        'supervisor.terminate-child',
        { name: 'a' },
        { timeoutMs: 1_000 },
      ),
    )
    expect(system.inspect('a')).toMatchObject({ state: 'ended', lastExit: { reason: 'shutdown' } })
    expect(system.inspect('root')).toMatchObject({ kind: 'supervisor', state: 'running', restarts: 0 })
    expect(system.inspect('nobody')).toBeUndefined()
    await within(world, system.stop())
  })

  it('reads no clock for an actor that nobody looks at [SUP-9]', async () => {
    const { system, world } = await startSeeded(root([probeChild('a'), probeChild('b')]))
    let reads = 0
    const { monotonic } = world.clock
    world.clock.monotonic = () => ((reads += 1), monotonic())
    for (let n = 0; n < 100; n += 1) system.tell(at('a'), 'add', { n: 1 })
    await world.settle()
    expect(reads).toBe(0)
    system.inspect('b')
    reads = 0
    for (let n = 0; n < 100; n += 1) system.tell(at('a'), 'add', { n: 1 })
    await world.settle()
    expect(reads).toBe(0)
    system.tell(at('b'), 'add', { n: 1 })
    await world.settle()
    expect(reads).toBeGreaterThan(0)
    await within(world, system.stop())
  })
})
