import { describe, expect, it } from 'vitest'
import { SeededScheduler } from '../../../src/adapters/schedulers/seeded-scheduler.adapter.ts'
import type { Evidence } from '../../../src/kernel/history.ts'
import { named } from '../../../src/kernel/types.ts'
import { startSystem } from '../../../src/supervisors/system.ts'
import { codeOf, probe, probeChild, type ProbeProtocol, root, within } from './seeded-system.ts'

const a = named<ProbeProtocol>('a')
const never = new Promise<never>(() => {})

const start = async (history: number | undefined, options: Parameters<typeof probeChild>[1] = {}) => {
  const world = new SeededScheduler(1)
  const exits: { readonly id: string; readonly reason: string; readonly evidence: (() => Evidence) | undefined }[] = []
  const system = await within(
    world,
    startSystem({
      scheduler: world,
      clock: world.clock,
      random: world.random,
      root: root([probeChild('a', options)], { intensity: { restarts: 100, withinMs: 1 } }),
      ...(history !== undefined && { history }),
      observer: {
        exited: ({ name, incarnation, exit, evidence }) => exits.push({ id: `${name}$${incarnation}`, reason: exit.reason, evidence }),
      },
    }),
  )
  return { system, world, exits, close: () => within(world, system.stop()) }
}

describe('evidence of an abnormal exit', () => {
  it('is what it failed at, its last good state and its last messages, oldest first [SUP-9]', async () => {
    const { system, world, exits, close } = await start(3)
    for (const n of [1, 2, 3]) system.tell(a, 'add', { n })
    system.tell(a, 'act', { act: (ctx) => ctx.setTimer('t', 5, '$note', { text: 'timer' }) })
    await world.advance(5)
    system.tell(a, 'crash', { text: 'oops' })
    system.tell(a, 'add', { n: 4 })
    await world.settle()
    const { handling, state, history } = exits[0]!.evidence!()
    expect(exits[0]).toMatchObject({ id: 'a$1', reason: 'crashed' })
    expect(handling).toEqual({ type: 'crash', message: { text: 'oops' }, from: null })
    expect(state).toMatchObject({ total: 6 })
    expect(history).toEqual([
      { at: 0, type: 'add', from: null, message: { n: 3 }, lane: 'user' },
      { at: 0, type: 'act', from: null, message: { act: expect.any(Function) as unknown }, lane: 'user' },
      { at: 5, type: '$note', from: 'a$1', message: { text: 'timer' }, lane: 'system' },
    ])
    system.tell(a, 'crash', { text: 'again' })
    await world.settle()
    expect(exits[1]!.evidence!().history).toEqual([])
    await close()
  })

  it('is without history where none is kept; clean exits have none [SUP-9]', async () => {
    const { system, world, exits, close } = await start(undefined)
    system.tell(a, 'add', { n: 1 })
    system.tell(a, 'crash', { text: 'oops' })
    await world.settle()
    expect(exits[0]!.evidence!()).toMatchObject({ handling: { type: 'crash' }, state: { total: 1 }, history: [] })
    system.tell(a, 'exit', { reason: 'normal' })
    await world.settle()
    await close()
    expect(exits.slice(1).map(({ id, reason, evidence }) => [id, reason, evidence])).toEqual([
      ['a$2', 'normal', undefined],
      ['a$3', 'shutdown', undefined],
      ['root$1', 'shutdown', undefined],
    ])
  })

  it('is there for a handler that takes too long, one that is killed, a terminate that throws, an init that fails [SUP-9]', async () => {
    const late = await start(2, { limits: { handlerLimitMs: 50 } })
    late.system.tell(a, 'wait', { until: never })
    await late.world.advance(50)
    expect(late.exits[0]).toMatchObject({ reason: 'timeout' })
    expect(late.exits[0]!.evidence!().handling).toMatchObject({ type: 'wait' })
    await late.close()

    const killed = await start(2, { shutdown: 10 })
    killed.system.tell(a, 'wait', { until: never })
    await killed.world.settle()
    const stopped = killed.system.stop()
    await killed.world.advance(10)
    await stopped
    expect(killed.exits[0]).toMatchObject({ reason: 'killed' })
    expect(killed.exits[0]!.evidence!().handling).toMatchObject({ type: 'wait', from: null })

    // Of its own mail too, where somebody has kept an eye on it.
    const timed = await start(1, { shutdown: 10, notes: [], limits: { on: { ...probe().on, $note: () => never } } })
    timed.system.tell(a, 'act', { act: (ctx) => ctx.setTimer('t', 1, '$note', { text: 'timer' }) })
    await timed.world.advance(1)
    const timedStop = timed.system.stop()
    await timed.world.advance(10)
    await timedStop
    expect(timed.exits[0]!.evidence!().handling).toEqual({ type: '$note', message: { text: 'timer' }, from: 'a$1' })

    const terminate = (): never => {
      throw new Error('terminate')
    }
    const ending = await start(2, { terminate })
    ending.system.tell(a, 'add', { n: 1 })
    await ending.world.settle()
    await ending.close()
    expect(ending.exits[0]).toMatchObject({ reason: 'crashed' })
    expect(ending.exits[0]!.evidence!()).toMatchObject({ handling: null, history: [{ type: 'add' }] })

    let starts = 0
    const failing = await start(2, {
      init: () => {
        if ((starts += 1) === 2) throw new Error('init')
      },
    })
    failing.system.tell(a, 'crash', { text: 'oops' })
    await failing.world.settle()
    expect(failing.exits[1]).toMatchObject({ reason: 'init_failed' })
    expect(failing.exits[1]!.evidence!()).toEqual({ handling: null, state: undefined, history: [] })
    await failing.close()
  })

  it('is not lost when the last trace ends with the failure that it tells of [SUP-9]', async () => {
    const { system, world, exits, close } = await start(undefined)
    const trace = system.trace({ actor: 'a', type: 'crash', max: 2 }, () => {})
    system.tell(a, 'crash', { text: 'oops' })
    await world.settle()
    expect(await trace.ended).toBe('max')
    expect(exits[0]!.evidence!().handling).toEqual({ type: 'crash', message: { text: 'oops' }, from: null })
    await close()
  })

  it('refuses a size of history that is none [SUP-9]', async () => {
    expect(await codeOf(start(-1))).toBe('ERR_OPTION_INVALID')
    expect(await codeOf(start(1.5))).toBe('ERR_OPTION_INVALID')
  })
})
