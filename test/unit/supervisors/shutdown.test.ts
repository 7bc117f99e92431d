import { describe, expect, it } from 'vitest'
import { named } from '../../../src/kernel/types.ts'
import type { SupervisorProtocol, SupervisorSpec } from '../../../src/kernel/child-spec.ts'
import { probeChild, root, startSeeded, within } from '../kernel/seeded-system.ts'

const never = () => new Promise<never>(() => {})
const supervisor = (name: string, children: SupervisorSpec['children'] = []): SupervisorSpec => ({
  type: 'supervisor',
  name,
  strategy: 'one_for_one',
  children,
})

describe('shutdown in phases', () => {
  it('ends one phase before the next begins, then the rest in reverse order of start [SUP-6]', async () => {
    const slow = (ms: number) => () => new Promise<void>((resolve) => void seeded.world.clock.setTimer(ms, resolve))
    const seeded = await startSeeded(
      root([
        probeChild('store'),
        supervisor('lanes', [probeChild('lane', { terminate: () => slow(20)() })]),
        supervisor('runs', [probeChild('run', { terminate: () => slow(30)() })]),
      ]),
    )
    seeded.log.length = 0
    const phases = [
      { name: 'runs', stops: ['runs'], limitMs: 100 },
      { name: 'lanes', stops: ['lanes', 'not-there'], limitMs: 100 },
    ]
    const reports = await within(seeded.world, seeded.system.shutdown(phases, 100))
    expect(seeded.log).toEqual(['run', 'runs', 'lane', 'lanes', 'store', 'root'].map((name) => `exited ${name}$1 shutdown`))
    expect(reports).toEqual([
      { phase: 'runs', tookMs: 30, late: [] },
      { phase: 'lanes', tookMs: 20, late: [] },
      { phase: 'rest', tookMs: 0, late: [] },
    ])
    expect(await seeded.system.exited).toEqual({ reason: 'shutdown' })
  })

  it('names what does not stop in its time, kills it with all below, and goes on [SUP-6]', async () => {
    const stubborn = { terminate: never, shutdown: 'infinity' as const }
    const inner = supervisor('inner', [probeChild('good'), probeChild('stuck', stubborn), probeChild('also', stubborn)])
    const seeded = await startSeeded(
      root([probeChild('last', stubborn), probeChild('store'), supervisor('lanes', [inner, probeChild('fine')])]),
    )
    const reports = await within(seeded.world, seeded.system.shutdown([{ name: 'lanes', stops: ['lanes'], limitMs: 50 }], 70))
    // `also` is stopped first; `stuck` and `good` wait for it.
    expect(reports).toEqual([
      { phase: 'lanes', tookMs: 50, late: ['good', 'stuck', 'also'] },
      { phase: 'rest', tookMs: 70, late: ['last'] },
    ])
    expect(seeded.log.filter((line) => line.endsWith('killed'))).toEqual([
      'exited also$1 killed',
      'exited stuck$1 killed',
      'exited good$1 killed',
      'exited inner$1 killed',
      'exited lanes$1 killed',
      'exited last$1 killed',
      'exited root$1 killed',
    ])
    expect(await seeded.world.step(), 'no timer is left').toBe(false)
  })

  it('ends together what a phase names, deep in the tree too, and starts nothing of it again [SUP-6]', async () => {
    const crashing = { terminate: () => Promise.reject(new Error('no')) }
    const seeded = await startSeeded(root([supervisor('s', [probeChild('a', crashing), probeChild('b'), probeChild('c')])]))
    const shutdown = seeded.system.shutdown([{ name: 'some', stops: ['a', 'c'], limitMs: 10 }], 10)
    const reports = await within(seeded.world, shutdown)
    expect(reports.map(({ late }) => late)).toEqual([[], []])
    expect(seeded.log.slice(0, 5)).toEqual(['started a$1', 'started b$1', 'started c$1', 'started s$1', 'started root$1'])
    expect(seeded.log.slice(5, 7).toSorted()).toEqual(['exited a$1 crashed', 'exited c$1 shutdown'])
    expect(seeded.log.slice(7)).toEqual(['b', 's', 'root'].map((name) => `exited ${name}$1 shutdown`))
    expect(seeded.decisions).toEqual([])
  })

  it('is not kept out by a supervisor that is flooded [SUP-6]', async () => {
    const seeded = await startSeeded(root([supervisor('s', [probeChild('a')])]))
    for (let n = 0; n < 10_001; n += 1) seeded.system.tell(named<SupervisorProtocol>('s'), 'supervisor.children', {})
    expect(seeded.letters).toHaveLength(1)
    const reports = await within(seeded.world, seeded.system.shutdown([{ name: 'a', stops: ['a'], limitMs: 10 }], 10))
    expect(reports.map(({ late }) => late)).toEqual([[], []])
    expect(seeded.log).toContain('exited a$1 shutdown')
  })

  it('may be asked for twice, and beside a stop [SUP-6]', async () => {
    const seeded = await startSeeded(root([probeChild('a'), probeChild('b')]))
    const phases = [{ name: 'b', stops: ['b'], limitMs: 10 }]
    const all = Promise.all([seeded.system.shutdown(phases, 10), seeded.system.stop(), seeded.system.shutdown(phases, 10)])
    const [first, , second] = await within(seeded.world, all)
    for (const reports of [first, second]) expect(reports.flatMap(({ late }) => late)).toEqual([])
  })
})
