import { describe, expect, it } from 'vitest'
import type { TraceEvent, TraceOptions } from '../../../src/kernel/trace.types.ts'
import { named } from '../../../src/kernel/types.ts'
import type { SupervisorProtocol } from '../../../src/kernel/child-spec.ts'
import { codeOf, probeChild, type ProbeProtocol, root, startSeeded, within } from './seeded-system.ts'

const at = (name: string) => named<ProbeProtocol>(name)
const limit = { timeoutMs: 1_000 }
const lenient = { intensity: { restarts: 100, withinMs: 1 } }

/** Two supervisors: `left` with a and b, `right` with c. */
const start = async (what: TraceOptions, limits: Parameters<typeof probeChild>[1] = {}) => {
  const group = (name: string, children: readonly string[]) => ({
    ...root(
      children.map((child) => probeChild(child, limits)),
      lenient,
    ),
    name,
  })
  const seeded = await startSeeded(root([group('left', ['a', 'b']), group('right', ['c'])], lenient))
  const events: TraceEvent[] = []
  const trace = seeded.system.trace(what, (event) => events.push(event))
  const lines = () =>
    events.map((event) => ['type' in event ? `${event.actor} ${event.what} ${event.type}` : `${event.actor} ${event.what}`].join())
  return { ...seeded, events, trace, lines, close: () => within(seeded.world, seeded.system.stop()) }
}

describe('trace', () => {
  it('of an actor tells what is sent, handled, failed and dropped, and its exits and restarts [SUP-9]', async () => {
    const { system, world, events, lines, close } = await start({ actor: 'a', max: 100 })
    system.tell(at('a'), 'add', { n: 1 })
    system.tell(at('b'), 'add', { n: 1 })
    await world.advance(5)
    const sleep = new Promise<void>((resolve) => void world.clock.setTimer(20, resolve))
    system.tell(at('a'), 'wait', { until: sleep })
    system.tell(at('a'), 'crash', { text: 'oops' })
    system.tell(at('a'), 'add', { n: 2 })
    await world.advance(20)
    expect(lines()).toEqual([
      'a$1 sent add',
      'a$1 handled add',
      'a$1 sent wait',
      'a$1 sent crash',
      'a$1 sent add',
      'a$1 handled wait',
      'a$1 failed crash',
      'a$1 exited',
      'a$1 dropped add',
      'a$2 restarted',
    ])
    expect(events[0]).toEqual({ at: 0, what: 'sent', actor: 'a$1', waiting: 1, type: 'add', from: null, message: '{ n: 1 }' })
    expect(events.find(({ what }) => what === 'handled')).toMatchObject({ waiting: 0, tookMs: 0 })
    expect(events[5]).toMatchObject({ at: 25, what: 'handled', tookMs: 20, waiting: 2, message: '{ until: ‹Promise› }' })
    expect(events[6]).toMatchObject({ what: 'failed', error: 'oops', waiting: 1 })
    expect(events[7]).toMatchObject({ exit: { reason: 'crashed' } })
    expect(events[8]).toMatchObject({ reason: 'restarted', message: '{ n: 2 }' })
    await close()
  })

  it('of a subtree sees actors that start later in it, and none of another [SUP-9]', async () => {
    const { system, world, lines, close } = await start({ under: 'left', max: 1_000 })
    const child = (name: string) => ({ spec: probeChild(name) })
    for (const [supervisor, name] of [
      ['left', 'late'],
      ['right', 'other'],
    ] as const) {
      await within(world, system.ask(named<SupervisorProtocol>(supervisor), 'supervisor.start-child', child(name), limit))
    }
    for (const name of ['a', 'c', 'late', 'other']) system.tell(at(name), 'crash', { text: 'oops' })
    for (const name of ['late', 'other']) system.tell(at(name), 'add', { n: 1 })
    await world.settle()
    system.tell(at('late'), 'add', { n: 1 })
    await world.settle()
    const seen = lines()
    expect(seen).toEqual(expect.arrayContaining(['left$1 sent supervisor.start-child', 'late$1 started', 'a$2 restarted']))
    expect(seen.filter((line) => line.startsWith('late$'))).toEqual([
      'late$1 started',
      'late$1 sent crash',
      'late$1 sent add',
      'late$1 failed crash',
      'late$1 exited',
      'late$1 dropped add',
      'late$2 restarted',
      'late$2 sent add',
      'late$2 handled add',
    ])
    expect(seen.filter((line) => /^(?:c|other|right|root)\$/.test(line))).toEqual([])
    await close()
  })

  it('of a type tells of these messages only, of whoever gets them, or of a name that nobody has [SUP-9]', async () => {
    const { system, world, lines, close } = await start({ type: 'add', max: 100 })
    for (const name of ['a', 'c', 'nobody']) system.tell(at(name), 'add', { n: 1 })
    system.tell(at('a'), 'crash', { text: 'oops' })
    await world.settle()
    expect(lines().toSorted()).toEqual(['a$1 handled add', 'a$1 sent add', 'c$1 handled add', 'c$1 sent add', 'nobody dropped add'])
    await close()
  })

  it('stops by itself after so many events, and costs nothing from then on [SUP-9]', async () => {
    const { system, world, events, trace, close } = await start({ max: 3 })
    let reads = 0
    for (let n = 0; n < 5; n += 1) system.tell(at('a'), 'add', { n })
    await world.settle()
    expect([events.length, trace.count, await trace.ended]).toEqual([3, 3, 'max'])
    const { monotonic } = world.clock
    world.clock.monotonic = () => ((reads += 1), monotonic())
    system.tell(at('a'), 'add', { n: 1 })
    await world.settle()
    expect(reads).toBe(0)
    await close()
  })

  it('stops when it is told to, and with its system [SUP-9]', async () => {
    const { system, world, events, trace, close } = await start({ max: 100 })
    const second = system.trace({ max: 100 }, () => {})
    trace.stop()
    trace.stop()
    system.tell(at('a'), 'add', { n: 1 })
    await world.settle()
    expect([events.length, second.count]).toEqual([0, 2])
    await close()
    expect([await trace.ended, await second.ended]).toEqual(['stopped', 'system-ended'])
    expect(await system.trace({ max: 1 }, () => {}).ended).toBe('system-ended')
  })

  it('takes every n-th message, with all that becomes of it [SUP-9]', async () => {
    const { system, world, events, close } = await start(
      { actor: 'a', type: 'add', max: 100, everyNth: 3 },
      { limits: { mailboxLimit: 8 } },
    )
    system.tell(at('a'), 'wait', { until: new Promise<void>((resolve) => void world.clock.setTimer(5, resolve)) })
    await world.settle()
    for (let n = 0; n < 12; n += 1) system.tell(at('a'), 'add', { n })
    await world.advance(5)
    const of = (what: string) => events.filter((event) => event.what === what).map((event) => 'message' in event && event.message)
    expect(of('sent')).toEqual(['{ n: 0 }', '{ n: 3 }', '{ n: 6 }'])
    expect(of('handled')).toEqual(of('sent'))
    expect(of('dropped')).toEqual(['{ n: 9 }'])
    await close()
  })

  it('tells each of what it wants, where there are several at once [SUP-9]', async () => {
    const { system, world, lines, close } = await start({ actor: 'a', max: 100 })
    const others: TraceEvent[] = []
    const other = system.trace({ type: 'add', max: 3 }, (event) => others.push(event))
    for (const name of ['a', 'b']) for (const n of [1, 2]) system.tell(at(name), 'add', { n })
    await world.settle()
    expect(await other.ended).toBe('max')
    expect(others).toHaveLength(3)
    expect(lines()).toEqual(['a$1 sent add', 'a$1 sent add', 'a$1 handled add', 'a$1 handled add'])
    await close()
  })

  it('tells of mail from the kernel when it is handled, and of an ask that a full mailbox refused [SUP-9]', async () => {
    const { system, lines, events, close } = await start({ actor: 'a', max: 100 }, { limits: { mailboxLimit: 0 } })
    expect(await codeOf(system.ask(at('a'), 'get', {}, limit))).toBe('ERR_MAILBOX_FULL')
    expect(lines()).toEqual(['a dropped get'])
    await close()
    const open = await start({ actor: 'a', max: 100 })
    open.system.tell(at('a'), 'act', { act: (ctx) => ctx.setTimer('t', 5, '$note', { text: 'timer' }) })
    await open.world.advance(5)
    expect(open.events.at(-1)).toMatchObject({ what: 'handled', type: '$note', from: 'a$1', message: '{ text: "timer" }' })
    await open.close()
    expect(events.some(({ what }) => what === 'exited')).toBe(true)
  })

  it('suffers no harm from a sink that throws or sends, nor does the actor [SUP-8, SUP-9]', async () => {
    const { system, world, log, close } = await start({ max: 1 })
    let told = 0
    system.trace({ actor: 'a', max: 10 }, () => {
      told += 1
      throw new Error('sink')
    })
    const busy = system.trace({ actor: 'a', max: 100 }, () => {
      system.tell(at('a'), 'add', { n: 1 })
      system.tell(at('nobody'), 'add', { n: 1 })
    })
    system.tell(at('a'), 'add', { n: 1 })
    expect(await within(world, busy.ended)).toBe('max')
    await world.settle()
    expect(told).toBe(10)
    expect(log.filter((line) => line.startsWith('exited'))).toEqual([])
    expect(system.deadLetters().every(({ to }) => to === 'nobody')).toBe(true)
    await close()
  })

  it('refuses what it could never fulfil [SUP-9]', async () => {
    const { system, close } = await start({ max: 1 })
    for (const what of [{ max: 0 }, { max: Number.NaN }, { max: 1, everyNth: 0 }, { max: 1, everyNth: 1.5 }]) {
      expect(() => system.trace(what, () => {})).toThrow(expect.objectContaining({ code: 'ERR_OPTION_INVALID' }))
    }
    await close()
  })
})
