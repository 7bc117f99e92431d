import { describe, expect, it } from 'vitest'
import type { ChildSpec, SupervisorProtocol, SupervisorSpec } from '../../../src/kernel/child-spec.ts'
import { named } from '../../../src/kernel/types.ts'
import { codeOf, probeChild, root, type SeededSystem, startSeeded, within } from '../kernel/seeded-system.ts'

const POOL = named<SupervisorProtocol & { boom: { message: object } }>('pool')
const limit = { timeoutMs: 100_000 }
const pool = (recover: NonNullable<SupervisorSpec['recover']>): SupervisorSpec => ({
  type: 'supervisor',
  name: 'pool',
  strategy: 'dynamic',
  recover,
})
const start = (recover: NonNullable<SupervisorSpec['recover']>) =>
  startSeeded(root([pool(recover)], { intensity: { restarts: 3, withinMs: 1_000 } }))
const crash = async ({ system, world }: SeededSystem): Promise<void> => {
  system.tell(POOL, 'boom', {})
  await world.settle()
}
const names = ({ system }: SeededSystem): string[] => system.tree().children[0]?.children.map(({ name }) => name) ?? []

describe('a dynamic supervisor that finds its children again', () => {
  it('begins with them in each incarnation, in order, and waits for none [SUP-3]', async () => {
    const slow = probeChild('slow', { init: () => new Promise(() => {}), limits: { initLimitMs: 100_000 } })
    const seeded = await start(() => [slow, probeChild('a'), probeChild('b')])
    expect(names(seeded)).toEqual(['slow', 'a', 'b'])
    seeded.log.length = 0
    await crash(seeded)
    // One that does not stop has its time.
    await seeded.world.advance(5_000)
    expect(names(seeded)).toEqual(['slow', 'a', 'b'])
    expect(seeded.log).toEqual(
      expect.arrayContaining(['exited a$1 handover', 'exited pool$1 crashed', 'started a$2', 'started b$2', 'started pool$2']),
    )
  })

  it('leaves out one that cannot start, and has the others [SUP-3]', async () => {
    const bad = probeChild('bad', { init: () => Promise.reject(new Error('no')) })
    const seeded = await start(() => Promise.resolve([bad, probeChild('a')]))
    await seeded.world.settle()
    expect(names(seeded)).toEqual(['a'])
  })

  it('takes requests when it has found them: a name that it has again is taken [SUP-3]', async () => {
    const found = Promise.withResolvers<readonly ChildSpec[]>()
    let searches = 0
    const seeded = await start(() => (searches++ === 0 ? [] : found.promise))
    await crash(seeded)
    const added = ['a', 'b'].map((name) => codeOf(seeded.system.ask(POOL, 'supervisor.start-child', { spec: probeChild(name) }, limit)))
    await seeded.world.settle()
    expect(names(seeded)).toEqual([])
    found.resolve([probeChild('a')])
    expect(await within(seeded.world, Promise.all(added))).toEqual(['ERR_SUPERVISOR_CHILD_EXISTS', 'no error'])
    expect(names(seeded)).toEqual(['a', 'b'])
  })

  it('fails to start, and is tried again, while its children cannot be found [SUP-4]', async () => {
    let searches = 0
    const seeded = await start(() => {
      searches += 1
      if (searches === 2) throw new Error('the records cannot be read')
      return [probeChild('a')]
    })
    await crash(seeded)
    expect(searches).toBe(3)
    expect(names(seeded)).toEqual(['a'])
    expect(seeded.decisions.map(({ child, exit }) => [child, exit.reason])).toEqual([
      ['pool', 'crashed'],
      ['pool', 'init_failed'],
    ])
  })

  it('is stopped while it searches, though that never ends [SUP-6]', async () => {
    let searches = 0
    const seeded = await start(() => (searches++ === 0 ? [] : new Promise(() => {})))
    await crash(seeded)
    await within(seeded.world, seeded.system.stop())
    expect(seeded.log.at(-1)).toBe('exited root$1 shutdown')
  })

  it('that is not dynamic is refused [SUP-3]', async () => {
    expect(await codeOf(startSeeded(root([], { recover: () => [] })))).toBe('ERR_SUPERVISOR_SPEC_INVALID')
  })
})
