import { describe, expect, it } from 'vitest'
import { named } from '../../../src/kernel/types.ts'
import type { Backoff } from '../../../src/protocols/plan.ts'
import type { ChildSpec, SupervisorProtocol, SupervisorSpec } from '../../../src/kernel/child-spec.ts'
import { codeOf, probeChild, type ProbeProtocol, root, type SeededSystem, startSeeded, within } from '../kernel/seeded-system.ts'

const at = (name: string) => named<ProbeProtocol>(name)
const supervisor = (name: string, options: Partial<SupervisorSpec> = {}): SupervisorSpec => ({
  type: 'supervisor',
  name,
  strategy: 'one_for_one',
  ...options,
})
const many = { restarts: 100, withinMs: 5_000 }
const limit = { timeoutMs: 100_000 }
const never = new Promise<never>(() => {})
const throws = (): never => {
  throw new Error('init says no')
}
/** Fails at the nth starts, from 1. */
const failingAt = (...starts: number[]) => {
  let count = 0
  return () => {
    if (starts.includes((count += 1))) throws()
  }
}

const crash = async ({ system, world }: SeededSystem, ...names: string[]): Promise<void> => {
  for (const name of names) system.tell(at(name), 'crash', { text: `${name} failed` })
  await world.settle()
}
const startChild = ({ system, world }: SeededSystem, under: string, spec: ChildSpec) =>
  within(world, system.ask(named<SupervisorProtocol>(under), 'supervisor.start-child', { spec }, limit))
const stopChild = ({ system, world }: SeededSystem, under: string, name: string) =>
  within(world, system.ask(named<SupervisorProtocol>(under), 'supervisor.stop-child', { name }, limit))
const stop = ({ system, world }: SeededSystem) => within(world, system.stop())

describe('ordered start and stop', () => {
  it('starts left to right, each acknowledged before the next, and stops in reverse [SUP-6]', async () => {
    const gate = Promise.withResolvers<void>()
    const opening = startSeeded(
      root([probeChild('a', { init: () => gate.promise }), supervisor('s', { children: [probeChild('b')] }), probeChild('c')]),
    )
    gate.resolve()
    const seeded = await opening
    expect(seeded.log).toEqual(['started a$1', 'started b$1', 'started s$1', 'started c$1', 'started root$1'])
    seeded.log.length = 0
    await stop(seeded)
    expect(seeded.log).toEqual(['c$1', 'b$1', 's$1', 'a$1', 'root$1'].map((id) => `exited ${id} shutdown`))
    expect(await seeded.system.exited).toEqual({ reason: 'shutdown' })
  })

  it('waits for one to end before it stops the one before it [SUP-6]', async () => {
    const seeded = await startSeeded(root([probeChild('a'), probeChild('b', { terminate: () => never, shutdown: 700 })]))
    const stopped = seeded.system.stop()
    await seeded.world.advance(699)
    expect(seeded.log.at(-1)).toBe('started root$1')
    await seeded.world.advance(1)
    await stopped
    expect(seeded.log.slice(-3)).toEqual(['exited b$1 killed', 'exited a$1 shutdown', 'exited root$1 shutdown'])
  })

  it('stops children of a dynamic supervisor at once, not one after the other [SUP-6]', async () => {
    const seeded = await startSeeded(root([supervisor('s', { strategy: 'dynamic' })]))
    for (const name of ['a', 'b', 'c']) await startChild(seeded, 's', probeChild(name, { terminate: () => never, shutdown: 500 }))
    const stopped = seeded.system.stop()
    await seeded.world.advance(500)
    await stopped
    expect(seeded.log.filter((line) => line.endsWith('killed')).toSorted()).toEqual(
      ['a', 'b', 'c'].map((name) => `exited ${name}$1 killed`),
    )
  })

  it('stops those already started, in reverse, when a first start fails, and says which and why [SUP-6]', async () => {
    const ended: string[] = []
    const noted = (name: string) => probeChild(name, { terminate: (exit) => void ended.push(`${name} ${exit.reason}`) })
    const failing = startSeeded(root([noted('a'), noted('b'), probeChild('c', { init: throws }), noted('d')]))
    await expect(failing).rejects.toMatchObject({
      code: 'ERR_ACTOR_INIT_FAILED',
      context: { child: 'c' },
      cause: { message: 'init says no' },
    })
    expect(ended).toEqual(['b shutdown', 'a shutdown'])
  })

  it('hands the reason on, so that actors may leave processes alive [SUP-6]', async () => {
    const reasons: string[] = []
    const seeded = await startSeeded(
      root([supervisor('s', { children: [probeChild('a', { terminate: ({ reason }) => void reasons.push(reason) })] })]),
    )
    await within(seeded.world, seeded.system.stop('handover'))
    expect(reasons).toEqual(['handover'])
    expect(await seeded.system.exited).toEqual({ reason: 'handover' })
  })

  it('stops a supervisor that is still starting, the child in its init included [SUP-6]', async () => {
    const seeded = await startSeeded(root([supervisor('d', { strategy: 'dynamic' })]))
    const slow = supervisor('s', { children: [probeChild('a'), probeChild('b', { init: () => never, shutdown: 100 })] })
    const code = codeOf(seeded.system.ask(named<SupervisorProtocol>('d'), 'supervisor.start-child', { spec: slow }, limit))
    await seeded.world.settle()
    const stopped = seeded.system.stop()
    await seeded.world.advance(100)
    await stopped
    expect(seeded.log.slice(-5)).toEqual([
      'exited b$1 killed',
      'exited a$1 shutdown',
      'exited s$1 shutdown',
      'exited d$1 shutdown',
      'exited root$1 shutdown',
    ])
    expect(await code).toBe('ERR_ACTOR_STOPPED')
  })

  it('kills everything below a supervisor that does not end in its time [SUP-6]', async () => {
    const inner = supervisor('s', { shutdown: 50, children: [probeChild('a', { terminate: () => never, shutdown: 'infinity' })] })
    const seeded = await startSeeded(root([inner]))
    const stopped = seeded.system.stop()
    await seeded.world.advance(50)
    await stopped
    expect(seeded.log.slice(-3)).toEqual(['exited a$1 killed', 'exited s$1 killed', 'exited root$1 shutdown'])
  })

  it('refuses two children of one name, wherever they are [SUP-3]', async () => {
    const twice = root([probeChild('a'), supervisor('s', { children: [probeChild('a')] })])
    expect(await codeOf(startSeeded(twice))).toBe('ERR_ACTOR_INIT_FAILED')
    expect(await codeOf(startSeeded(root([probeChild('a'), probeChild('a')])))).toBe('ERR_SUPERVISOR_CHILD_EXISTS')
  })
})

describe('a spec', () => {
  it.each([
    ['restarts below 0', { intensity: { restarts: -1, withinMs: 1 } }],
    ['restarts that are no number', { intensity: { restarts: NaN, withinMs: 1 } }],
    ['a window of no time', { intensity: { restarts: 1, withinMs: 0 } }],
    ['a window that is no number', { intensity: { restarts: 1, withinMs: NaN } }],
    ['a child with less than no time to stop', { children: [probeChild('a', { shutdown: -1 })] }],
    ['a child with a time to stop that is no number', { children: [probeChild('a', { shutdown: NaN })] }],
  ])('with %s is refused [SUP-3, SUP-4]', async (_what, wrong) => {
    expect(await codeOf(startSeeded(root([], wrong)))).toBe('ERR_SUPERVISOR_SPEC_INVALID')
    const seeded = await startSeeded(root([supervisor('d', { strategy: 'dynamic' })]))
    await expect(startChild(seeded, 'd', supervisor('s', wrong))).rejects.toMatchObject({ cause: { code: 'ERR_SUPERVISOR_SPEC_INVALID' } })
    await stop(seeded)
  })

  it('that cannot start says so at each level above it, down to the cause [SUP-6]', async () => {
    const failing = startSeeded(root([supervisor('s', { children: [probeChild('a', { init: throws })] })]))
    await expect(failing).rejects.toMatchObject({
      context: { supervisor: 'root', child: 's' },
      cause: { context: { supervisor: 's', child: 'a' }, cause: { message: 'init says no' } },
    })
  })

  it('of a child that has nothing to do stays when it ends normally in its init; it can be started again [SUP-3]', async () => {
    let starts = 0
    const init: NonNullable<Parameters<typeof probeChild>[1]>['init'] = (ctx) => ((starts += 1) === 1 ? ctx.exit('normal') : undefined)
    const seeded = await startSeeded(root([probeChild('a', { restart: 'transient', init }), probeChild('b')]))
    await seeded.world.settle()
    expect(seeded.log).toEqual(['started a$1', 'started b$1', 'started root$1', 'exited a$1 normal'])
    const again = seeded.system.ask(named<SupervisorProtocol>('root'), 'supervisor.restart-child', { name: 'a' }, limit)
    expect((await within(seeded.world, again)).ref.id).toBe('a$2')
    await stop(seeded)
  })
})

describe('a supervisor', () => {
  it('that is sent what it does not know crashes: its children are stopped, and its own supervisor starts it again [SUP-3, SUP-8]', async () => {
    const seeded = await startSeeded(root([supervisor('s', { children: [probeChild('a')] }), probeChild('b')]))
    seeded.log.length = 0
    seeded.system.tell(named<{ unknown: { message: object } }>('s'), 'unknown', {})
    await seeded.world.settle()
    expect(seeded.log).toEqual(['exited a$1 shutdown', 'exited s$1 crashed', 'started a$2', 'started s$2'])
    await stop(seeded)
  })

  it('gives up a child whose restarts all fail [SUP-4]', async () => {
    const seeded = await startSeeded(
      root([probeChild('a', { init: failingAt(2, 3, 4, 5) })], { intensity: { restarts: 3, withinMs: 1_000 } }),
    )
    await crash(seeded, 'a')
    expect(seeded.decisions.map(({ exit, decision }) => `${exit.reason} ${decision}`)).toEqual([
      'crashed restart',
      ...['restart', 'restart', 'escalate'].map((decision) => `init_failed ${decision}`),
    ])
    expect(seeded.log.at(-1)).toBe('exited root$1 escalated')
    await stop(seeded)
  })
})

describe('strategies', () => {
  const three = () => ['a', 'b', 'c'].map((name) => probeChild(name))

  it('one_for_one restarts the one that ended, alone [SUP-3]', async () => {
    const seeded = await startSeeded(root(three()))
    seeded.log.length = 0
    await crash(seeded, 'b')
    expect(seeded.log).toEqual(['exited b$1 crashed', 'started b$2'])
    expect(seeded.decisions).toMatchObject([
      { supervisor: 'root', child: 'b', incarnation: 1, decision: 'restart', restarts: 1, group: [], delayMs: 0 },
    ])
    await stop(seeded)
  })

  it('rest_for_one stops what comes after in reverse and starts it again in order; a group counts once [SUP-3, SUP-4]', async () => {
    const children = [...three(), probeChild('t', { restart: 'temporary' }), probeChild('n', { restart: 'transient' })]
    const seeded = await startSeeded(root(children, { strategy: 'rest_for_one' }))
    seeded.system.tell(at('n'), 'exit', { reason: 'normal' })
    await seeded.world.settle()
    seeded.log.length = 0
    await crash(seeded, 'b')
    expect(seeded.log).toEqual([
      'exited b$1 crashed',
      'exited t$1 shutdown',
      'exited c$1 shutdown',
      'started b$2',
      'started c$2',
      'started n$2',
    ])
    expect(seeded.decisions.at(-1)).toMatchObject({ child: 'b', decision: 'restart', restarts: 1, group: ['c', 'n'] })
    expect(seeded.system.tree().children.map(({ name, restarts }) => `${name} ${restarts}`)).toEqual(['a 0', 'b 1', 'c 1', 'n 1'])
    await stop(seeded)
  })

  it('rest_for_one goes back further when one before it ends during a group restart [SUP-3]', async () => {
    const gate = Promise.withResolvers<void>()
    let starts = 0
    const slow = probeChild('b', { init: () => ((starts += 1) === 2 ? gate.promise : undefined) })
    const seeded = await startSeeded(root([probeChild('a'), slow, probeChild('c')], { strategy: 'rest_for_one', intensity: many }))
    await crash(seeded, 'b')
    seeded.log.length = 0
    await crash(seeded, 'a')
    gate.resolve()
    await seeded.world.settle()
    expect(seeded.log).toEqual(['exited a$1 crashed', 'started b$2', 'exited b$2 shutdown', 'started a$2', 'started b$3', 'started c$2'])
    await stop(seeded)
  })

  it('one_for_all stops all others in reverse and starts all in order; a group counts once [SUP-3, SUP-4]', async () => {
    const children = [probeChild('a'), probeChild('b'), probeChild('t', { restart: 'temporary' }), probeChild('c')]
    const seeded = await startSeeded(root(children, { strategy: 'one_for_all', intensity: { restarts: 1, withinMs: 5_000 } }))
    seeded.log.length = 0
    await crash(seeded, 'b')
    expect(seeded.log).toEqual([
      'exited b$1 crashed',
      'exited c$1 shutdown',
      'exited t$1 shutdown',
      'exited a$1 shutdown',
      'started a$2',
      'started b$2',
      'started c$2',
    ])
    expect(seeded.decisions).toMatchObject([{ child: 'b', decision: 'restart', restarts: 1, group: ['a', 'c'] }])
    expect(seeded.system.lookup('t')).toBeUndefined()
    await stop(seeded)
  })

  it('one_for_all begins again with all when a start in the middle fails, each try counted [SUP-3, SUP-4]', async () => {
    const children = [probeChild('a'), probeChild('b', { init: failingAt(2) }), probeChild('c')]
    const seeded = await startSeeded(root(children, { strategy: 'one_for_all', intensity: { restarts: 2, withinMs: 5_000 } }))
    seeded.log.length = 0
    await crash(seeded, 'c')
    expect(seeded.log).toEqual([
      'exited c$1 crashed',
      'exited b$1 shutdown',
      'exited a$1 shutdown',
      'started a$2',
      'exited b$2 init_failed',
      'exited a$2 shutdown',
      'started a$3',
      'started b$3',
      'started c$2',
    ])
    expect(seeded.decisions.map(({ child, restarts }) => [child, restarts])).toEqual([
      ['c', 1],
      ['b', 2],
    ])
    await stop(seeded)
  })

  it('one_for_all stops the others at once and starts none before the backoff is over [SUP-3, SUP-5]', async () => {
    const backoff = { minMs: 100, maxMs: 100, jitter: 0, resetAfterMs: 1_000 }
    const seeded = await startSeeded(root([probeChild('a'), probeChild('b')], { strategy: 'one_for_all', intensity: many, backoff }))
    seeded.log.length = 0
    await crash(seeded, 'b')
    await seeded.world.advance(99)
    expect(seeded.log).toEqual(['exited b$1 crashed', 'exited a$1 shutdown'])
    await seeded.world.advance(1)
    expect(seeded.log.slice(2)).toEqual(['started a$2', 'started b$2'])
    await stop(seeded)
  })

  it.each(['one_for_all', 'rest_for_one'] as const)(
    '%s counts once where several of a group crash together [SUP-3, SUP-4]',
    async (strategy) => {
      const children = ['a', 'b', 'c', 'd'].map((name) => probeChild(name))
      for (const seed of [1, 2, 3, 4]) {
        const seeded = await startSeeded(root(children, { strategy, intensity: many }), seed)
        // All before the supervisor has its turn.
        const gate = Promise.withResolvers<void>()
        for (const name of ['b', 'c', 'd']) seeded.system.tell(at(name), 'wait', { until: gate.promise })
        await seeded.world.settle()
        for (const name of ['b', 'c', 'd']) seeded.system.tell(at(name), 'crash', { text: name })
        gate.resolve()
        await seeded.world.settle()
        const { children: now } = seeded.system.tree()
        expect(now.every(({ state }) => state === 'running')).toBe(true)
        if (strategy === 'one_for_all') expect(seeded.decisions).toHaveLength(1)
        for (const { name, incarnation } of now)
          expect(incarnation, name).toBeGreaterThanOrEqual(name === 'a' && strategy === 'rest_for_one' ? 1 : 2)
        await stop(seeded)
      }
    },
  )

  it('a start that fails during a restart counts as one more try [SUP-4]', async () => {
    const seeded = await startSeeded(
      root([probeChild('a', { init: failingAt(2, 3) }), probeChild('b')], { intensity: { restarts: 3, withinMs: 100 } }),
    )
    await crash(seeded, 'a')
    expect(seeded.decisions.map(({ exit, decision, restarts }) => `${exit.reason} ${decision} ${restarts}`)).toEqual([
      'crashed restart 1',
      'init_failed restart 2',
      'init_failed restart 3',
    ])
    expect(seeded.log.at(-1)).toBe('started a$4')
    await stop(seeded)
  })

  it('restarts permanent always, transient after an unclean end, temporary never [SUP-3]', async () => {
    const types = ['permanent', 'transient', 'temporary'] as const
    const seeded = await startSeeded(
      root(
        types.map((restart) => probeChild(restart, { restart })),
        { intensity: many },
      ),
    )
    for (const reason of ['normal', 'shutdown', 'crashed'] as const) {
      for (const type of types) seeded.system.tell(at(type), 'exit', { reason })
      await seeded.world.settle()
      await stopChild(seeded, 'root', 'transient')
      await startChild(seeded, 'root', probeChild('transient', { restart: 'transient' }))
    }
    const counts = types.map((type) => seeded.decisions.filter(({ child, decision }) => child === type && decision === 'restart').length)
    expect(counts).toEqual([3, 1, 0])
    await stop(seeded)
  })
})

describe('restart intensity', () => {
  it('allows so many within the window, ends of the window included; one more escalates with its cause [SUP-4]', async () => {
    const seeded = await startSeeded(root([probeChild('x'), probeChild('a')], { intensity: { restarts: 2, withinMs: 1_000 } }))
    await crash(seeded, 'a')
    await seeded.world.advance(1_000)
    await crash(seeded, 'a')
    await seeded.world.advance(1)
    await crash(seeded, 'a')
    expect(seeded.decisions.map(({ decision, restarts }) => `${decision} ${restarts}`)).toEqual(['restart 1', 'restart 2', 'restart 2'])
    seeded.log.length = 0
    await crash(seeded, 'a')
    expect(seeded.decisions.at(-1)).toMatchObject({ decision: 'escalate', restarts: 3, allowed: { restarts: 2, withinMs: 1_000 } })
    expect(seeded.log).toEqual(['exited a$4 crashed', 'exited x$1 shutdown', 'exited root$1 escalated'])
    expect(await seeded.system.exited).toMatchObject({
      reason: 'escalated',
      error: { code: 'ERR_SUPERVISOR_INTENSITY' },
      cause: { reason: 'crashed', error: { message: 'a failed' } },
    })
    await stop(seeded)
  })

  it('is 1 in 5 s by default [SUP-4]', async () => {
    const seeded = await startSeeded(root([probeChild('a')]))
    await crash(seeded, 'a')
    await seeded.world.advance(5_001)
    await crash(seeded, 'a')
    await crash(seeded, 'a')
    expect(seeded.decisions.map(({ decision }) => decision)).toEqual(['restart', 'restart', 'escalate'])
    await stop(seeded)
  })

  it('exceeded in a temporary supervisor stays there: what is above and beside runs on [SUP-4, SUP-8]', async () => {
    const seeded = await startSeeded(
      root([
        probeChild('a'),
        supervisor('s', { restart: 'temporary', intensity: { restarts: 0, withinMs: 1 }, children: [probeChild('b')] }),
      ]),
    )
    await crash(seeded, 'b')
    expect(seeded.decisions.map(({ child, decision, exit }) => `${child} ${decision} ${exit.reason}`)).toEqual([
      'b escalate crashed',
      's remove escalated',
    ])
    expect(await within(seeded.world, seeded.system.ask(at('a'), 'get', {}, limit))).toBe(0)
    await stop(seeded)
  })

  it('exceeded in a permanent supervisor makes its parent start it again, with all its children [SUP-4]', async () => {
    const seeded = await startSeeded(
      root([supervisor('s', { intensity: { restarts: 0, withinMs: 1 }, children: [probeChild('b'), probeChild('c')] })]),
    )
    seeded.log.length = 0
    await crash(seeded, 'b')
    expect(seeded.log).toEqual([
      'exited b$1 crashed',
      'exited c$1 shutdown',
      'exited s$1 escalated',
      'started b$2',
      'started c$2',
      'started s$2',
    ])
    await stop(seeded)
  })
})

describe('backoff', () => {
  const backoff: Backoff = { minMs: 100, maxMs: 300, jitter: 0, resetAfterMs: 1_000 }

  it('doubles up to its maximum, and starts again after a stable period [SUP-5]', async () => {
    const seeded = await startSeeded(root([probeChild('a')], { intensity: many, backoff }))
    for (const _ of [1, 2, 3, 4]) {
      await crash(seeded, 'a')
      await seeded.world.advance(seeded.decisions.at(-1)!.delayMs)
    }
    await seeded.world.advance(1_000)
    await crash(seeded, 'a')
    expect(seeded.decisions.map(({ delayMs }) => delayMs)).toEqual([100, 200, 300, 300, 100])
    await stop(seeded)
  })

  it('takes up to its jitter off [SUP-5]', async () => {
    const seeded = await startSeeded(
      root([probeChild('a')], { intensity: many, backoff: { ...backoff, minMs: 100, maxMs: 100, jitter: 0.5 } }),
    )
    for (let n = 0; n < 20; n += 1) {
      await crash(seeded, 'a')
      await seeded.world.advance(100)
    }
    const delays = seeded.decisions.map(({ delayMs }) => delayMs)
    expect(Math.min(...delays)).toBeGreaterThan(50)
    expect(Math.max(...delays)).toBeLessThanOrEqual(100)
    expect(new Set(delays).size).toBeGreaterThan(10)
    await stop(seeded)
  })

  it('waits without being deaf: starts, lists and stops children, and stops itself [SUP-5]', async () => {
    const seeded = await startSeeded(root([probeChild('a')], { backoff }))
    await crash(seeded, 'a')
    expect(await codeOf(seeded.system.ask(at('a'), 'get', {}, limit))).toBe('ERR_ACTOR_NOT_FOUND')
    expect(seeded.system.tree().children[0]).toMatchObject({ name: 'a', state: 'restarting', incarnation: 1 })
    const before = seeded.world.clock.monotonic()
    seeded.system.tell(named<SupervisorProtocol>('root'), 'supervisor.start-child', { spec: probeChild('b') })
    await seeded.world.settle()
    expect(seeded.log.at(-1)).toBe('started b$1')
    const stopped = seeded.system.stop()
    await seeded.world.settle()
    await stopped
    expect(seeded.world.clock.monotonic()).toBe(before)
    expect(seeded.log.slice(-2)).toEqual(['exited b$1 shutdown', 'exited root$1 shutdown'])
  })

  it('of a child that is stopped meanwhile is cancelled [SUP-5]', async () => {
    const seeded = await startSeeded(root([probeChild('a')], { backoff }))
    await crash(seeded, 'a')
    seeded.log.length = 0
    expect(await stopChild(seeded, 'root', 'a')).toEqual({ stopped: true })
    await seeded.world.advance(1_000)
    expect(seeded.log).toEqual([])
    expect(await stopChild(seeded, 'root', 'a')).toEqual({ stopped: false })
    await stop(seeded)
  })
})

describe('start-child and stop-child', () => {
  it('answer when the start is acknowledged and when the child has ended [SUP-3]', async () => {
    const seeded = await startSeeded(root([supervisor('s', { strategy: 'dynamic' })]))
    const { ref } = await startChild(seeded, 's', probeChild('a', { terminate: () => never, shutdown: 100 }))
    expect(ref.id).toBe('a$1')
    expect(await codeOf(startChild(seeded, 's', probeChild('a')))).toBe('ERR_SUPERVISOR_CHILD_EXISTS')
    expect(await stopChild(seeded, 's', 'a')).toEqual({ stopped: true })
    expect(seeded.log.at(-1)).toBe('exited a$1 killed')
    expect((await startChild(seeded, 's', probeChild('a'))).ref.id).toBe('a$2')
    await stop(seeded)
  })

  it('fail with the cause when the child cannot start, which is then gone [SUP-3]', async () => {
    const seeded = await startSeeded(root([supervisor('s', { strategy: 'dynamic' })]))
    const failed = startChild(seeded, 's', probeChild('a', { init: throws }))
    await expect(failed).rejects.toMatchObject({ code: 'ERR_ACTOR_INIT_FAILED', cause: { message: 'init says no' } })
    expect(seeded.decisions).toEqual([])
    expect((await startChild(seeded, 's', probeChild('a'))).ref.id).toBe('a$2')
    await stop(seeded)
  })

  it('tell 300 children added at once apart [SUP-3]', async () => {
    const seeded = await startSeeded(root([supervisor('s', { strategy: 'dynamic' })]))
    const names = Array.from({ length: 300 }, (_, index) => `ünï:${index} ${index % 2 === 0 ? '/' : '$1'}`)
    const asked = names.map((name) =>
      seeded.system.ask(named<SupervisorProtocol>('s'), 'supervisor.start-child', { spec: probeChild(name) }, limit),
    )
    const refs = await within(seeded.world, Promise.all(asked))
    expect(new Set(refs.map(({ ref }) => ref.id)).size).toBe(300)
    await stop(seeded)
    expect(seeded.log.filter((line) => line.startsWith('exited'))).toHaveLength(302)
  })

  it('list what runs and what waits for its restart [SUP-9]', async () => {
    const backoff = { minMs: 10, maxMs: 10, jitter: 0, resetAfterMs: 10 }
    const seeded = await startSeeded(root([probeChild('a'), probeChild('b')], { backoff }))
    seeded.system.tell(at('b'), 'crash', { text: '' })
    await seeded.world.settle()
    const { children } = await within(
      seeded.world,
      seeded.system.ask(named<SupervisorProtocol>('root'), 'supervisor.children', {}, { timeoutMs: 5 }),
    )
    expect(children.map(({ name, ref, restarting }) => [name, ref?.id ?? null, restarting])).toEqual([
      ['a', 'a$1', false],
      ['b', null, true],
    ])
    await stop(seeded)
  })
})

describe('significant children', () => {
  const significant = (autoShutdown: 'any_significant' | 'all_significant') =>
    root([
      supervisor('s', {
        restart: 'temporary',
        autoShutdown,
        children: [
          probeChild('p'),
          probeChild('a', { significant: true, restart: 'transient' }),
          probeChild('b', { significant: true, restart: 'temporary' }),
        ],
      }),
    ])

  it('end their supervisor when one ends for good, under any_significant [SUP-3]', async () => {
    const seeded = await startSeeded(significant('any_significant'))
    await crash(seeded, 'a')
    expect(seeded.log.at(-1)).toBe('started a$2')
    seeded.system.tell(at('a'), 'exit', { reason: 'normal' })
    await seeded.world.settle()
    expect(seeded.decisions.map(({ child, decision }) => `${child} ${decision}`)).toEqual(['a restart', 'a auto-shutdown', 's remove'])
    expect(seeded.log.slice(-3)).toEqual(['exited b$1 shutdown', 'exited p$1 shutdown', 'exited s$1 shutdown'])
    await stop(seeded)
  })

  it('end their supervisor when the last ends, under all_significant; an unclean end counts for a temporary one [SUP-3]', async () => {
    const seeded = await startSeeded(significant('all_significant'))
    await crash(seeded, 'b')
    seeded.system.tell(at('a'), 'exit', { reason: 'normal' })
    await seeded.world.settle()
    expect(seeded.decisions.map(({ child, decision }) => `${child} ${decision}`)).toEqual(['b remove', 'a auto-shutdown', 's remove'])
    await stop(seeded)
  })

  it('that wait for their restart are not gone, under all_significant [SUP-3]', async () => {
    const backoff = { minMs: 100, maxMs: 100, jitter: 0, resetAfterMs: 1_000 }
    const children = [
      probeChild('a', { significant: true, restart: 'transient' }),
      probeChild('b', { significant: true, restart: 'temporary' }),
    ]
    const seeded = await startSeeded(root(children, { autoShutdown: 'all_significant', backoff }))
    await crash(seeded, 'a', 'b')
    expect(seeded.decisions.map(({ child, decision }) => `${child} ${decision}`).toSorted()).toEqual(['a restart', 'b remove'])
    await seeded.world.advance(100)
    expect(seeded.log.at(-1)).toBe('started a$2')
    seeded.system.tell(at('a'), 'exit', { reason: 'normal' })
    await seeded.world.settle()
    expect(await seeded.system.exited).toEqual({ reason: 'shutdown' })
    await stop(seeded)
  })

  it('are refused where they make no sense [SUP-3]', async () => {
    const permanent = root([probeChild('a', { significant: true })], { autoShutdown: 'any_significant' })
    const without = root([probeChild('a', { significant: true, restart: 'temporary' })])
    expect(await codeOf(startSeeded(permanent))).toBe('ERR_SUPERVISOR_SPEC_INVALID')
    expect(await codeOf(startSeeded(without))).toBe('ERR_SUPERVISOR_SPEC_INVALID')
  })
})
