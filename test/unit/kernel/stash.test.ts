import { describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/adapters/system/system-clock.adapter.ts'
import { systemRandom } from '../../../src/adapters/system/system-random.adapter.ts'
import { type ActorContext, named } from '../../../src/kernel/types.ts'
import type { Runnable, Scheduler } from '../../../src/ports/scheduler.port.ts'
import { startSystem } from '../../../src/supervisors/system.ts'
import { codeOf, probeChild, type ProbeProtocol, root, startSeeded, within } from './seeded-system.ts'

const a = named<ProbeProtocol>('a')
const limit = { timeoutMs: 1_000 }

/** An actor whose second start waits for `go`. */
const restarting = async (limits: NonNullable<Parameters<typeof probeChild>[1]>['limits'] = {}) => {
  const notes: string[] = []
  const gate = Promise.withResolvers<void>()
  let starts = 0
  const init = (ctx: ActorContext<ProbeProtocol>): unknown => {
    if ((starts += 1) === 1) return
    ctx.setTimer('t', 5, '$note', { text: 'timer' })
    return gate.promise
  }
  const seeded = await startSeeded(root([probeChild('a', { init, notes, limits })]))
  seeded.system.tell(a, 'crash', { text: 'oops' })
  await seeded.world.settle()
  expect(seeded.system.inspect('a')).toMatchObject({ state: 'restarting', incarnation: 2 })
  return { ...seeded, notes, go: gate, close: () => within(seeded.world, seeded.system.stop()) }
}

describe('mail that comes during an init', () => {
  it('waits for its end, and is handled in order, system mail first [SUP-2, SUP-7]', async () => {
    const { system, world, notes, go, close } = await restarting()
    for (const text of ['1', '2']) system.tell(a, '$note', { text })
    const asked = system.ask(a, 'get', {}, limit)
    await world.advance(100)
    expect(notes).toEqual([])
    expect(system.inspect('a')?.mailbox.now).toBe(3)
    go.resolve()
    expect(await within(world, asked)).toBe(0)
    expect(notes).toEqual(['timer', '1', '2'])
    await close()
  })

  it('is bounded as all user mail is [SUP-7]', async () => {
    const { system, world, notes, letters, go, close } = await restarting({ mailboxLimit: 2 })
    for (const text of ['1', '2', '3']) system.tell(a, '$note', { text })
    expect(letters.filter(({ reason }) => reason === 'full')).toMatchObject([{ message: { text: '3' } }])
    go.resolve()
    await world.advance(100)
    expect(notes.toSorted()).toEqual(['1', '2', 'timer'])
    await close()
  })

  it('becomes dead letters when the init fails, and its asks fail [SUP-7]', async () => {
    const { system, world, letters, go, close } = await restarting()
    system.tell(a, '$note', { text: '1' })
    const asked = codeOf(system.ask(a, 'get', {}, { timeoutMs: 60_000 }))
    go.reject(new Error('no'))
    expect(await within(world, asked)).toMatch(/^ERR_ACTOR_(?:RESTARTED|STOPPED)$/)
    expect(letters.map(({ type }) => type)).toEqual(['crash', '$note', 'get'])
    await close()
  })
})

describe('a drain', () => {
  it('handles as many messages as its budget says and no more, promises included, and says whether there are more [SUP-2]', async () => {
    const places: { runnable: Runnable; wakes: number }[] = []
    const scheduler: Scheduler = {
      name: 'by hand',
      attach: (runnable) => {
        const place = { runnable, wakes: 0 }
        places.push(place)
        return { wake: () => void (place.wakes += 1), release: () => {} }
      },
      close: async () => {},
    }
    const system = await startSystem({ scheduler, clock: systemClock, random: systemRandom, root: root([probeChild('a')]) })
    // A start needs no drain: who is never written to takes no place.
    const placeOfChild = () => places.find(({ runnable }) => runnable.id === 'a$1')
    expect(placeOfChild()).toBeUndefined()
    const handled = () => system.inspect('a')?.handled
    for (let n = 0; n < 5; n += 1) system.tell(a, 'add', { n: 1 })
    for (let n = 0; n < 5; n += 1) system.tell(a, 'wait', { until: Promise.resolve() })
    const child = placeOfChild()!
    expect(child.wakes).toBe(1)
    const counts: unknown[] = []
    for (const budget of [1, 2, 4, 16]) counts.push([await child.runnable.drain(budget), handled()])
    expect(counts).toEqual([
      [true, 1],
      [true, 3],
      [true, 7],
      [false, 10],
    ])
    expect(child.wakes).toBe(1)
    system.tell(a, 'add', { n: 1 })
    expect(child.wakes).toBe(2)
  })
})
