import { describe, expect, it } from 'vitest'
import { LOOK_HOLDS_MS } from '../../../src/kernel/meter.ts'
import { named } from '../../../src/kernel/types.ts'
import { probeChild, type ProbeProtocol, root, startSeeded, within } from '../kernel/seeded-system.ts'

const at = (name: string) => named<ProbeProtocol>(name)
const supervisorOf = (name: string, children: Parameters<typeof root>[0]) => ({ ...root(children), name })

/** A system that counts how often it reads the clock. */
const counted = async (...args: Parameters<typeof startSeeded>) => {
  const seeded = await startSeeded(...args)
  const { clock } = seeded.world
  let reads = 0
  for (const read of ['now', 'monotonic'] as const) {
    const original = clock[read]
    clock[read] = () => ((reads += 1), original())
  }
  const readsOf = async (act: () => unknown): Promise<number> => {
    reads = 0
    await act()
    await seeded.world.settle()
    return reads
  }
  const sleep = (ms: number) => new Promise<void>((resolve) => void clock.setTimer(ms, resolve))
  return { ...seeded, readsOf, sleep }
}

describe('inspect', () => {
  it('tells what an actor has done, how long it takes and what waits, from the first look on [SUP-9]', async () => {
    const { system, world, sleep } = await counted(root([supervisorOf('s', [probeChild('a')])]))
    system.tell(at('a'), 'add', { n: 1 })
    await world.advance(7)
    expect(system.inspect('a')).toEqual({
      name: 'a',
      incarnation: 1,
      kind: 'probe',
      supervisor: 's',
      state: 'running',
      upMs: 7,
      mailbox: { now: 0, most: 1, limit: 10_000, dropped: 0, oldestMs: null },
      handled: 1,
      handling: null,
      handlers: {
        forMs: 0,
        count: 0,
        sumMs: 0,
        maxMs: 0,
        p50Ms: 0,
        p95Ms: 0,
        p99Ms: 0,
        histogram: [],
        recent: { forMs: 0, perSecond: 0, busy: 0 },
      },
      restarts: 0,
      window: { used: 0, allowed: 1, withinMs: 5_000 },
      childWindow: null,
      lastExit: null,
    })
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
    expect(system.inspect('a')?.handling).toEqual({ type: 'wait', from: null, forMs: 70 })
    await world.advance(100)
    await within(world, system.stop())
  })

  it('tells how long handlers take: buckets of doubling µs, and percentiles of them [SUP-9]', async () => {
    const { system, world, sleep } = await counted(root([probeChild('a')]))
    system.inspect('a')
    for (const ms of [...Array.from({ length: 94 }, () => 1), ...Array.from({ length: 5 }, () => 10), 300]) {
      system.tell(at('a'), 'wait', { until: sleep(ms) })
      await world.advance(ms)
    }
    const { handlers } = system.inspect('a')!
    expect(handlers).toMatchObject({ count: 100, sumMs: 444, maxMs: 300, p50Ms: 1.024, p95Ms: 16.384, p99Ms: 16.384 })
    const { histogram } = handlers
    expect(histogram.length).toBe(20)
    expect(Object.entries(histogram).filter(([, count]) => count > 0)).toEqual([
      ['10', 94],
      ['14', 5],
      ['19', 1],
    ])
    await within(world, system.stop())
  })

  it('tells messages a second and the busy share since the look before, also where two look [SUP-9]', async () => {
    const { system, world, sleep } = await counted(root([probeChild('a')]))
    system.inspect('a')
    system.tell(at('a'), 'wait', { until: sleep(250) })
    await world.advance(1_000)
    const recent = () => system.inspect('a')?.handlers.recent
    expect(recent()).toEqual({ forMs: 1_000, perSecond: 1, busy: 0.25 })
    await world.advance(10)
    expect(recent()?.forMs).toBe(1_010)
    system.tell(at('a'), 'wait', { until: sleep(10_000) })
    await world.advance(990)
    expect(recent()).toEqual({ forMs: 1_000, perSecond: 0, busy: 0.99 })
    await world.advance(1_000)
    expect(recent()).toEqual({ forMs: 1_000, perSecond: 0, busy: 1 })
    await world.advance(10_000)
    await within(world, system.stop())
  })

  it('tells what an actor is at work on and what waits, though nobody looked when it came [SUP-9]', async () => {
    const { system, world, sleep } = await counted(root([probeChild('a')]))
    system.tell(at('a'), 'wait', { until: sleep(100) })
    system.tell(at('a'), 'add', { n: 1 })
    await world.advance(10)
    expect(system.inspect('a')).toMatchObject({ handling: { type: 'wait', from: null, forMs: null }, mailbox: { now: 1, oldestMs: 0 } })
    await world.advance(20)
    expect(system.inspect('a')).toMatchObject({ mailbox: { oldestMs: 20 }, handlers: { count: 0, recent: { forMs: 20, busy: 1 } } })
    await world.advance(100)
    expect(system.inspect('a')).toMatchObject({ handling: null, handlers: { count: 1, sumMs: 0 } })
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

  it('tells how many restarts there may still be, until the window is over [SUP-4, SUP-9]', async () => {
    const intensity = { restarts: 3, withinMs: 1_000 }
    const { system, world } = await startSeeded(root([{ ...supervisorOf('s', [probeChild('a')]), intensity }]))
    for (const text of ['one', 'two']) {
      system.tell(at('a'), 'crash', { text })
      await world.settle()
    }
    const used = { used: 2, allowed: 3, withinMs: 1_000 }
    expect(system.inspect('a')).toMatchObject({ restarts: 2, window: used, childWindow: null })
    expect(system.inspect('s')).toMatchObject({ restarts: 0, window: { used: 0, allowed: 1 }, childWindow: used })
    expect(system.inspect('root')).toMatchObject({ window: null, childWindow: { used: 0 } })
    await world.advance(1_001)
    expect(system.inspect('a')).toMatchObject({ restarts: 2, upMs: 1_001, window: { used: 0 } })
    await within(world, system.stop())
  })

  it('reads no clock for an actor that nobody looks at [SUP-9]', async () => {
    const { system, world, readsOf } = await counted(root([probeChild('a'), probeChild('b')]))
    const add = (name: string) => () => system.tell(at(name), 'add', { n: 1 })
    expect(await readsOf(add('a'))).toBe(0)
    system.inspect('b')
    expect(await readsOf(add('a'))).toBe(0)
    expect(await readsOf(add('b'))).toBeGreaterThan(0)
    await within(world, system.stop())
  })

  it('costs nothing any more some time after the last look, without a timer [SUP-9]', async () => {
    const { system, world, readsOf } = await counted(root([probeChild('a')]))
    const add = () => system.tell(at('a'), 'add', { n: 1 })
    system.inspect('a')
    await world.advance(LOOK_HOLDS_MS)
    expect(await readsOf(add)).toBeGreaterThan(0)
    system.inspect('a')
    await world.advance(LOOK_HOLDS_MS)
    expect(await readsOf(add)).toBeGreaterThan(0)
    await world.advance(1)
    await readsOf(add)
    expect(await readsOf(add)).toBe(0)
    expect(system.inspect('a')).toMatchObject({ handled: 4, handlers: { forMs: 0, count: 0 } })
    expect(await world.step()).toBe(false)
    await within(world, system.stop())
  })
})

describe('inspectAll', () => {
  it('looks at all, or at what is below a supervisor, in the order of the tree [SUP-9]', async () => {
    const spec = root([supervisorOf('left', [probeChild('a'), supervisorOf('deep', [probeChild('b')])]), probeChild('c')])
    const { system, world } = await startSeeded(spec)
    const names = (under?: string) => system.inspectAll(under === undefined ? {} : { under }).map(({ name }) => name)
    expect(names()).toEqual(['root', 'left', 'a', 'deep', 'b', 'c'])
    expect(names('left')).toEqual(['left', 'a', 'deep', 'b'])
    expect(names('c')).toEqual(['c'])
    expect(names('nobody')).toEqual([])
    for (const seen of system.inspectAll()) expect(seen).toEqual(system.inspect(seen.name))
    await within(world, system.stop())
    expect(system.inspectAll().map(({ name, state, upMs }) => [name, state, upMs])).toContainEqual(['root', 'ended', null])
  })

  it('takes one step for each of 1,000 actors: as many reads of the clock, not their square [SUP-9]', async () => {
    const groups = Array.from({ length: 10 }, (_, group) =>
      supervisorOf(
        `group-${group}`,
        Array.from({ length: 100 }, (_each, index) => probeChild(`a-${group}-${index}`)),
      ),
    )
    const { system, world, readsOf } = await counted(root(groups))
    expect(await readsOf(() => expect(system.inspectAll()).toHaveLength(1_011))).toBeLessThan(3 * 1_011)
    await within(world, system.stop())
  })
})
