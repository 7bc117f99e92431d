import { describe, expect, it } from 'vitest'
import { named } from '../../../src/kernel/types.ts'
import type { SupervisorProtocol, SupervisorSpec } from '../../../src/kernel/child-spec.ts'
import { codeOf, probeChild, type ProbeProtocol, root, type SeededSystem, startSeeded, within } from '../kernel/seeded-system.ts'

const limit = { timeoutMs: 100_000 }
const many = { restarts: 100, withinMs: 5_000 }
const throws = (): never => {
  throw new Error('init says no')
}

/** Asks the root supervisor. */
const asking = ({ system, world }: SeededSystem) => ({
  start: (spec: ReturnType<typeof probeChild>) => within(world, system.ask(ROOT, 'supervisor.start-child', { spec }, limit)),
  stop: (name: string) => within(world, system.ask(ROOT, 'supervisor.stop-child', { name }, limit)),
  terminate: (name: string) => within(world, system.ask(ROOT, 'supervisor.terminate-child', { name }, limit)),
  restart: (name: string) => within(world, system.ask(ROOT, 'supervisor.restart-child', { name }, limit)),
  delete: (name: string) => within(world, system.ask(ROOT, 'supervisor.delete-child', { name }, limit)),
  replace: (name: string, spec: ReturnType<typeof probeChild>) =>
    within(world, system.ask(ROOT, 'supervisor.replace-child', { name, spec }, limit)),
  count: () => within(world, system.ask(ROOT, 'supervisor.count-children', {}, limit)),
  names: async () => (await within(world, system.ask(ROOT, 'supervisor.children', {}, limit))).children.map(({ name }) => name),
})
const ROOT = named<SupervisorProtocol>('root')
const open = async (options: Partial<SupervisorSpec> = {}, children = ['a', 'b', 'c'].map((name) => probeChild(name))) => {
  const seeded = await startSeeded(root(children, options))
  seeded.log.length = 0
  return { seeded, ask: asking(seeded) }
}
const close = ({ system, world }: SeededSystem) => within(world, system.stop())

describe('terminate-child, restart-child and delete-child', () => {
  it.each(['one_for_one', 'one_for_all', 'rest_for_one'] as const)('touch no other child under %s [SUP-3]', async (strategy) => {
    const { seeded, ask } = await open({ strategy })
    expect(await ask.terminate('b')).toEqual({})
    expect(await ask.names()).toEqual(['a', 'b', 'c'])
    expect(await ask.count()).toEqual({ specs: 3, active: 2, supervisors: 0, workers: 3 })
    expect((await ask.restart('b')).ref.id).toBe('b$2')
    await ask.terminate('b')
    await ask.delete('b')
    expect(await ask.names()).toEqual(['a', 'c'])
    expect(seeded.log).toEqual(['exited b$1 shutdown', 'started b$2', 'exited b$2 shutdown'])
    expect(seeded.decisions).toEqual([])
    await close(seeded)
  })

  it('say so where there is no such child, or it runs [SUP-3]', async () => {
    const { seeded, ask } = await open()
    for (const what of ['terminate', 'restart', 'delete'] as const)
      expect(await codeOf(ask[what]('x'))).toBe('ERR_SUPERVISOR_CHILD_NOT_FOUND')
    for (const what of ['restart', 'delete'] as const) expect(await codeOf(ask[what]('a'))).toBe('ERR_SUPERVISOR_CHILD_RUNS')
    await ask.terminate('a')
    expect(await ask.terminate('a')).toEqual({})
    await close(seeded)
  })

  it('a start at request that fails is the asker’s alone: not counted, the spec stays [SUP-3, SUP-4]', async () => {
    let starts = 0
    const init = () => ((starts += 1) === 2 ? throws() : undefined)
    const { seeded, ask } = await open({ strategy: 'rest_for_one' }, [probeChild('a', { init }), probeChild('b')])
    await ask.terminate('a')
    await expect(ask.restart('a')).rejects.toMatchObject({ code: 'ERR_ACTOR_INIT_FAILED', context: { child: 'a' } })
    expect(seeded.decisions).toEqual([])
    expect((await ask.restart('a')).ref.id).toBe('a$3')
    expect(seeded.system.lookup('b')?.id).toBe('b$1')
    await close(seeded)
  })

  it('a terminated child is started again with its group, as OTP does [SUP-3]', async () => {
    const { seeded, ask } = await open({ strategy: 'one_for_all', intensity: many })
    await ask.terminate('b')
    seeded.system.tell(named<ProbeProtocol>('a'), 'crash', { text: 'a' })
    await seeded.world.settle()
    expect(seeded.log.slice(1)).toEqual(['exited a$1 crashed', 'exited c$1 shutdown', 'started a$2', 'started b$2', 'started c$2'])
    await close(seeded)
  })

  it('of a temporary or dynamic child remove it at once [SUP-3]', async () => {
    const { seeded, ask } = await open({ strategy: 'dynamic' }, [])
    await ask.start(probeChild('x'))
    await ask.terminate('x')
    expect(await ask.count()).toEqual({ specs: 0, active: 0, supervisors: 0, workers: 0 })
    expect(await codeOf(ask.restart('x'))).toBe('ERR_SUPERVISOR_CHILD_NOT_FOUND')
    await close(seeded)
  })

  it('of a temporary child forget it; the name of another stays taken until it is deleted [SUP-3]', async () => {
    const { seeded, ask } = await open({}, [probeChild('a'), probeChild('t', { restart: 'temporary' })])
    await ask.terminate('t')
    await ask.terminate('a')
    expect(await ask.names()).toEqual(['a'])
    expect(await codeOf(ask.start(probeChild('a')))).toBe('ERR_SUPERVISOR_CHILD_EXISTS')
    expect((await ask.start(probeChild('t'))).ref.id).toBe('t$2')
    await ask.delete('a')
    expect((await ask.start(probeChild('a'))).ref.id).toBe('a$2')
    expect(await ask.names()).toEqual(['t', 'a'])
    await close(seeded)
  })

  it('let a transient child that ended normally be started again; it counts as one that does not run [SUP-3]', async () => {
    const inner: SupervisorSpec = { type: 'supervisor', name: 's', strategy: 'one_for_one' }
    const seeded = await startSeeded(root([probeChild('a', { restart: 'transient' }), inner]))
    const ask = asking(seeded)
    seeded.system.tell(named<ProbeProtocol>('a'), 'exit', { reason: 'normal' })
    await seeded.world.settle()
    expect(await ask.count()).toEqual({ specs: 2, active: 1, supervisors: 1, workers: 1 })
    expect((await ask.restart('a')).ref.id).toBe('a$2')
    expect(await ask.count()).toMatchObject({ active: 2 })
    await close(seeded)
  })

  it('end the wait for a restart, and let those after it start [SUP-5]', async () => {
    const backoff = { minMs: 1_000, maxMs: 1_000, jitter: 0, resetAfterMs: 10_000 }
    const { seeded, ask } = await open({ strategy: 'rest_for_one', backoff, intensity: many })
    seeded.system.tell(named<ProbeProtocol>('a'), 'crash', { text: 'a' })
    await seeded.world.settle()
    expect(await codeOf(ask.restart('a'))).toBe('ERR_SUPERVISOR_CHILD_RUNS')
    await ask.terminate('a')
    await seeded.world.settle()
    expect(seeded.log).toEqual(['exited a$1 crashed', 'exited c$1 shutdown', 'exited b$1 shutdown', 'started b$2', 'started c$2'])
    expect((await ask.restart('a')).ref.id).toBe('a$2')
    await close(seeded)
  })

  it('may come all at once, also with stop-child: each is answered [SUP-3]', async () => {
    for (const seed of [1, 2, 3, 4, 5]) {
      const seeded = await startSeeded(root([probeChild('a', { terminate: () => new Promise(() => {}), shutdown: 10 })]), seed)
      const ask = asking(seeded)
      const answers = [
        ask.terminate('a'),
        ask.terminate('a'),
        ask.replace('a', probeChild('a')),
        ask.stop('a'),
        ask.stop('a'),
        ask.terminate('a'),
      ]
      const settled = await Promise.allSettled(answers)
      expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled', 'fulfilled', 'fulfilled'])
      expect(await ask.names()).toEqual([])
      await close(seeded)
    }
  })
})

describe('replace-child', () => {
  it('stops a child and starts another in its place, of its own name or a new one [SUP-3]', async () => {
    const { seeded, ask } = await open({ strategy: 'rest_for_one', intensity: many })
    expect((await ask.replace('b', probeChild('b'))).ref.id).toBe('b$2')
    expect((await ask.replace('b', probeChild('n'))).ref.id).toBe('n$1')
    expect(await ask.names()).toEqual(['a', 'n', 'c'])
    expect(seeded.log).toEqual(['exited b$1 shutdown', 'started b$2', 'exited b$2 shutdown', 'started n$1'])
    seeded.log.length = 0
    seeded.system.tell(named<ProbeProtocol>('n'), 'crash', { text: 'n' })
    await seeded.world.settle()
    expect(seeded.log).toEqual(['exited n$1 crashed', 'exited c$1 shutdown', 'started n$2', 'started c$2'])
    expect((await ask.start(probeChild('b'))).ref.id).toBe('b$3')
    await close(seeded)
  })

  it('refuses before it stops anything: a taken name, a spec that contradicts itself, a child that is not there [SUP-3]', async () => {
    const { seeded, ask } = await open()
    expect(await codeOf(ask.replace('a', probeChild('b')))).toBe('ERR_SUPERVISOR_CHILD_EXISTS')
    expect(await codeOf(ask.replace('a', probeChild('a', { significant: true })))).toBe('ERR_SUPERVISOR_SPEC_INVALID')
    expect(await codeOf(ask.replace('x', probeChild('x')))).toBe('ERR_SUPERVISOR_CHILD_NOT_FOUND')
    expect(seeded.log).toEqual([])
    await close(seeded)
  })

  it('keeps the place where the new one cannot start [SUP-3]', async () => {
    const { seeded, ask } = await open()
    let starts = 0
    const init = () => ((starts += 1) === 1 ? throws() : undefined)
    expect(await codeOf(ask.replace('b', probeChild('n', { init })))).toBe('ERR_ACTOR_INIT_FAILED')
    expect(await ask.names()).toEqual(['a', 'n', 'c'])
    expect((await ask.restart('n')).ref.id).toBe('n$2')
    await close(seeded)
  })

  it('twice at once: the last wins, and who asked for the other is told [SUP-3]', async () => {
    const { seeded, ask } = await open()
    const [first, second] = [ask.replace('a', probeChild('a')), ask.replace('a', probeChild('a'))]
    expect(await codeOf(first)).toBe('ERR_ACTOR_INIT_FAILED')
    expect((await second).ref.name).toBe('a')
    expect(seeded.system.tree().children.map(({ name, state }) => `${name} ${state}`)).toEqual(['a running', 'b running', 'c running'])
    expect(await ask.count()).toMatchObject({ specs: 3, active: 3 })
    await close(seeded)
  })

  it('in the midst of a group restart waits for its turn in the group [SUP-3]', async () => {
    const backoff = { minMs: 1_000, maxMs: 1_000, jitter: 0, resetAfterMs: 10_000 }
    const { seeded, ask } = await open({ strategy: 'one_for_all', backoff, intensity: many })
    seeded.system.tell(named<ProbeProtocol>('c'), 'crash', { text: 'c' })
    await seeded.world.settle()
    seeded.log.length = 0
    expect((await ask.replace('a', probeChild('n'))).ref.id).toBe('n$1')
    await seeded.world.settle()
    expect(seeded.log).toEqual(['started n$1', 'started b$2', 'started c$2'])
    expect(seeded.world.clock.monotonic()).toBeGreaterThanOrEqual(1_000)
    await close(seeded)
  })
})
