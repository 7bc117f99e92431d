import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { OutputNews } from '../../../src/actors/output-news.ts'
import { systemClock } from '../../../src/adapters/system/system-clock.adapter.ts'
import type { Pty } from '../../../src/ports/terminal-host.port.ts'
import { memoryStore, newEvent, type Process, startProcess, until, untilLast } from '../../helpers/bus-kit.ts'

const numbered = (topic: string, count: number, from = 1): string[] =>
  Array.from({ length: count }, (_, index) => `${topic}#${from + index}`)

const putsOut = (ptyId: Pty['ptyId'], outputBytes: number): Pty =>
  ({ ptyId, onOutput: () => undefined, onPressure: () => undefined, stats: () => ({ outputBytes }) }) as unknown as Pty

describe('the bus', () => {
  let bus: Process
  beforeEach(async () => void (bus = await startProcess()))
  afterEach(() => bus.stop())

  it('gives a recorded event in its envelope: id, correlation, cause, topic, payload, time, sequence, and what it is about [BUS-1]', async () => {
    const got = bus.subscribe({ topics: ['lane.created'] })
    await bus.record(
      'lane.ended',
      newEvent('lane.created', { runId: 'rn_1', laneId: 'ln_1', correlationId: 'cor_1', causationId: 'c', payload: { a: 1 } }),
    )
    expect(got.events).toEqual([
      {
        id: 'lane.created#1',
        correlation_id: 'cor_1',
        causation_id: 'c',
        timestamp: 1,
        topic: 'lane.created',
        sequence: 1,
        position: 2,
        ids: { runId: 'rn_1', laneId: 'ln_1' },
        payload: { a: 1 },
      },
    ])
  })

  it('gives a live event a sequence of its topic, a time, and no position: it is never stored [BUS-1, BUS-3]', async () => {
    const store = memoryStore()
    const other = await startProcess(store)
    const got = other.subscribe({ topics: ['*'] })
    other.hub.publish('pty.output', { offset: 3 }, { ids: { ptyId: 'pt_1' } })
    other.hub.publish('pty.output', { offset: 5 })
    await untilLast(got, 'pty.output#2')
    expect(got.events[0]).toEqual({
      id: 'pty.output#1',
      timestamp: 7,
      topic: 'pty.output',
      sequence: 1,
      ids: { ptyId: 'pt_1' },
      payload: { offset: 3 },
    })
    expect(await store.events({})).toEqual([])
    await other.stop()
  })

  it('gives what another process stored between two events of this one in its place [BUS-3]', async () => {
    const memory = memoryStore()
    let before: Promise<unknown> = Promise.resolve()
    const commit: typeof memory.commit = (own) => {
      const committing = before.then(() => memory.commit(own))
      before = committing.then(() => memory.commit({ events: [newEvent('of.another')] }))
      return committing
    }
    const one = await startProcess({ ...memory, commit })
    const got = one.subscribe({ topics: ['*'] })
    await Promise.all(Array.from({ length: 20 }, () => one.record('of.this')))
    const [ours, theirs] = [numbered('of.this', 20), numbered('of.another', 20)]
    const inTurns = ours.flatMap((id, index) => [id, theirs[index] ?? '']).slice(0, -1)
    expect([got.ids().slice(0, 39), got.gaps]).toEqual([inTurns, []])
    await one.stop()
  })

  it('has published what it answers for [BUS-3]', async () => {
    const got = bus.subscribe({ topics: ['*'] })
    for (let n = 1; n <= 20; n += 1) {
      await bus.record('a.b')
      expect(got.events).toHaveLength(n)
    }
  })

  it('replays from a position, or of each topic from a sequence, then goes on without a seam [BUS-3]', async () => {
    await bus.record(...Array.from({ length: 1_500 }, (_, n) => (n % 2 === 0 ? 'a.x' : 'a.y')))
    const all = bus.subscribe({ topics: ['*'], since: 1 })
    const late = bus.subscribe({ topics: ['a.*'], since: 1_001 })
    const some = bus.subscribe({ topics: ['a.x', 'b.x'], since: { 'a.x': 700 } })
    const now = bus.subscribe({ topics: ['a.*'] })
    const writing = Array.from({ length: 50 }, () => bus.record('a.x', 'b.x'))
    await Promise.all([...writing, all.subscription.ready, late.subscription.ready, some.subscription.ready])
    await until(() => expect([all, late, some, now].map(({ events }) => events.length)).toEqual([1_600, 550, 151, 50]))
    expect(all.events.map(({ position }) => position)).toEqual(Array.from({ length: 1_600 }, (_, n) => n + 1))
    expect(late.events[0]?.position).toBe(1_001)
    expect(some.ids().filter((id) => id.startsWith('a.x'))).toEqual(numbered('a.x', 101, 700))
    expect(now.ids()).toEqual(numbered('a.x', 50, 751))
    expect([all, late, some, now].flatMap(({ gaps }) => gaps)).toEqual([])
  })

  it('tells of what was forgotten as a gap, and invents nothing [BUS-3]', async () => {
    const store = memoryStore()
    const other = await startProcess(store)
    const ended = { events: [], records: [{ kind: 'run', id: 'rn_1', value: { endedAt: 1 } }] }
    await other.record(
      'a.b',
      newEvent('a.b', { runId: 'rn_1' }),
      newEvent('a.b', { runId: 'rn_1' }),
      'c.d',
      'a.b',
      newEvent('c.d', { runId: 'rn_1' }),
    )
    await store.commit(ended)
    await store.forgetRunsBefore(2)
    const got = other.subscribe({ topics: ['*'], since: 1 })
    await got.subscription.ready
    expect(got.ids()).toEqual(['a.b#1', 'c.d#1', 'a.b#4'])
    expect(got.gaps).toEqual([{ topic: 'a.b', from: 2, to: 3 }])
    await other.record('c.d')
    await untilLast(got, 'c.d#3')
    expect(got.gaps.at(-1)).toEqual({ topic: 'c.d', from: 2, to: 2 })
    await other.stop()
  })

  it('is never slowed by a slow subscriber, who gets everything recorded, and of the live what fits and the gap [BUS-3]', async () => {
    const held = Promise.withResolvers<void>()
    let isHeld = true
    const slow = bus.subscribe({ topics: ['*'] }, () => (isHeld ? held.promise : undefined))
    const quick = bus.subscribe({ topics: ['*'] })
    for (let n = 0; n < 30; n += 1) await bus.record(...Array<string>(100).fill('a.b'))
    for (let n = 0; n < 2_500; n += 1) bus.hub.publish('live.n', { n })
    await untilLast(quick, 'live.n#2500')
    expect(slow.events).toHaveLength(1)
    isHeld = false
    held.resolve()
    await until(() => expect(slow.events).toHaveLength(3_000 + 1_000))
    expect(slow.ids().filter((id) => id.startsWith('a.b'))).toEqual(numbered('a.b', 3_000))
    expect(slow.ids().filter((id) => id.startsWith('live'))).toEqual(numbered('live.n', 1_000, 1_501))
    expect(slow.gaps).toEqual([{ topic: 'live.n', from: 1, to: 1_500 }])
    expect(quick.gaps).toEqual([])
    // It is level again.
    await bus.record('a.b')
    await untilLast(slow, 'a.b#3001')
  })

  it('tells a slow subscriber of many terminals the newest outputs and the gap, and slows nobody [PTY-13, BUS-3]', async () => {
    const held = Promise.withResolvers<void>()
    const slow = bus.subscribe({ topics: ['pty.output'] }, () => held.promise)
    const quick = bus.subscribe({ topics: ['pty.*'] })
    const news = new OutputNews(systemClock, bus.hub)
    const ptys = Array.from({ length: 1_300 }, (_, n) => putsOut(`pt_${n}`, n + 1))
    for (const pty of ptys) news.follow(pty, { ptyId: pty.ptyId }, { lane: 'a', command: 'b', attempt: 1 })
    await untilLast(quick, 'pty.output#1300')
    for (const pty of ptys) news.end(pty)
    await bus.record('pty.exited')
    expect(quick.ids()).toEqual([...numbered('pty.output', 1_300), 'pty.exited#1'])
    expect(slow.ids()).toEqual(['pty.output#1'])
    held.resolve()
    await untilLast(slow, 'pty.output#1300')
    expect(slow.gaps).toEqual([{ topic: 'pty.output', from: 2, to: 300 }])
    expect(slow.events.slice(1).map(({ payload }) => payload['offset'])).toEqual(Array.from({ length: 1_000 }, (_, n) => n + 301))
  })

  it('gives recorded and live events in one order, to those who are slow or replay too [BUS-3]', async () => {
    const pauses: (() => void)[] = []
    const slow = bus.subscribe({ topics: ['*'] }, () => new Promise((resolve) => pauses.push(resolve)))
    await bus.record('pty.spawned')
    const behind = bus.subscribe({ topics: ['*'], since: 1 })
    const expected = ['pty.spawned#1']
    for (let n = 1; n <= 5; n += 1) {
      bus.hub.publish('pty.output', { offset: n })
      await bus.record('lane.created', 'pty.exited')
      expected.push(`pty.output#${n}`, `lane.created#${n}`, `pty.exited#${n}`)
    }
    await until(() => {
      pauses.splice(0).forEach((goOn) => goOn())
      expect(slow.ids()).toEqual(expected)
    })
    expect(behind.ids()).toEqual(expected)
    expect([...slow.gaps, ...behind.gaps]).toEqual([])
  })

  it('says whether anybody would be given a live event, and gives none to who wants none [BUS-3]', async () => {
    const { hub } = bus
    expect(hub.hears('live.a')).toBe(false)
    const recordedOnly = bus.subscribe({ topics: ['*'], live: false })
    bus.subscribe({ topics: ['live.b'] })
    expect([hub.hears('live.a'), hub.hears('live.b')]).toEqual([false, true])
    const got = bus.subscribe({ topics: ['live.*'] })
    expect(hub.hears('live.a')).toBe(true)
    hub.publish('live.a', {})
    await untilLast(got, 'live.a#1')
    got.subscription.close()
    expect(hub.hears('live.a')).toBe(false)
    await bus.record('a.b')
    expect(recordedOnly.ids()).toEqual(['a.b#1'])
    const joined = await startProcess(memoryStore(), { join: () => undefined, send: () => undefined, close: () => Promise.resolve() })
    expect(joined.hub.hears('live.a'), 'other processes may listen').toBe(true)
    await joined.stop()
  })

  it('of live events of one key that wait keeps the newest, of what does not fit the newest, and tells the gap [BUS-3]', async () => {
    const got = bus.subscribe({ topics: ['live.*'] })
    bus.hub.publish('live.offset', { n: 1 }, { key: 'pt_1' })
    bus.hub.publish('live.offset', { n: 2 }, { key: 'pt_2' })
    bus.hub.publish('live.offset', { n: 3 }, { key: 'pt_1' })
    await untilLast(got, 'live.offset#2')
    expect(got.events.map(({ payload }) => payload)).toEqual([{ n: 3 }, { n: 2 }])
    for (let n = 0; n < 10_500; n += 1) bus.hub.publish('live.flood', { n })
    await untilLast(got, 'live.flood#10500')
    expect(got.events.slice(2).map(({ payload }) => payload['n'])).toEqual(Array.from({ length: 10_000 }, (_, n) => n + 500))
    // Somebody who came before is told; the numbers begin with what was lost.
    bus.hub.publish('live.flood', { n: -1 })
    await untilLast(got, 'live.flood#10501')
    for (let n = 0; n < 10_010; n += 1) bus.hub.publish('live.flood', { n })
    await untilLast(got, 'live.flood#20511')
    expect(got.gaps).toEqual([{ topic: 'live.flood', from: 10_502, to: 10_511 }])
  })

  it('closes a subscriber that throws or rejects, in next or when told of a gap, and nobody else notices [BUS-3]', async () => {
    const throwing = bus.subscribe({ topics: ['*'] }, () => {
      throw new Error('planted')
    })
    const rejecting = bus.subscribe({ topics: ['*'] }, () => Promise.reject(new Error('planted')))
    let gaps = 0
    const gapless = bus.hub.subscribe(
      { topics: ['live.*'], since: { 'live.a': 1 } },
      {
        next: () => undefined,
        gap: () => {
          gaps += 1
          throw new Error('planted')
        },
      },
    )
    const well = bus.subscribe({ topics: ['*'] })
    await bus.record('a.b')
    await bus.record('a.b')
    bus.hub.publish('live.a', {})
    await untilLast(well, 'live.a#1')
    expect([throwing.events.length, rejecting.events.length, gaps]).toEqual([1, 1, 0])
    await Promise.all([throwing.subscription.ready, rejecting.subscription.ready, gapless.ready])
    expect(well.ids()).toEqual(['a.b#1', 'a.b#2', 'live.a#1'])
  })

  it('hands out what a subscriber publishes after the present event, and gives who comes meanwhile only what follows [BUS-3]', async () => {
    const order: string[] = []
    let late: ReturnType<Process['subscribe']> | null = null
    bus.subscribe({ topics: ['*'] }, ({ id }) => {
      order.push(`first ${id}`)
      if (id !== 'a.b#1') return
      bus.hub.publish('live.echo', {})
      late = bus.subscribe({ topics: ['*'] })
    })
    bus.subscribe({ topics: ['*'] }, ({ id }) => void order.push(`second ${id}`))
    await bus.record('a.b', 'a.b')
    await until(() => expect(order.at(-1)).toBe('second live.echo#1'))
    expect(order).toEqual(['first a.b#1', 'second a.b#1', 'first a.b#2', 'second a.b#2', 'first live.echo#1', 'second live.echo#1'])
    expect(late!.ids()).toEqual(['a.b#2', 'live.echo#1'])
  })

  it('gives nothing more once closed, also from within, and forgets who left [BUS-3]', async () => {
    const got = bus.subscribe({ topics: ['*'] }, () => got.subscription.close())
    await bus.record('a.b', 'a.b')
    const behind = bus.subscribe({ topics: ['*'], since: 1 })
    behind.subscription.close()
    behind.subscription.close()
    await behind.subscription.ready
    await bus.record('a.b')
    expect([got.events.length, behind.events.length]).toEqual([1, 0])
    expect(bus.hub['listeners']).toEqual([])
  })

  it.each(['bus', 'journal'] as const)('goes on after a crash of the %s: no gap, no repeat, live sequences kept [BUS-3]', async (actor) => {
    const got = bus.subscribe({ topics: ['*'] })
    for (let round = 0; round < 20; round += 1) {
      const writing = [bus.record('a.b'), bus.record('a.b')]
      bus.hub.publish('live.n', { round })
      bus.crash(actor)
      await Promise.allSettled(writing)
      // Whoever asks while it restarts is told to ask again.
      await until(async () => void (await bus.record('a.b')))
    }
    await until(() => expect(got.ids()).toContain('live.n#20'))
    const recorded = got.ids().filter((id) => id.startsWith('a.b'))
    expect(recorded).toEqual(numbered('a.b', recorded.length))
    expect(recorded.length).toBeGreaterThanOrEqual(20)
    expect(got.ids().filter((id) => id.startsWith('live'))).toEqual(numbered('live.n', 20))
  })

  it.each(['', '.', 'a..b', 'a b', '*.a', 'a.*.b', 'a*', 'a.', 'ä', 'x'.repeat(129), "a'; DROP TABLE events"])(
    'refuses the topic %j',
    (topic) => {
      expect(() => bus.subscribe({ topics: [topic] })).toThrow(expect.objectContaining({ code: 'ERR_BUS_TOPIC_INVALID' }))
      expect(() => bus.hub.publish(topic, {})).toThrow(expect.objectContaining({ code: 'ERR_BUS_TOPIC_INVALID' }))
    },
  )

  it('refuses to publish a payload over 1 MB, counted in bytes, and goes on [BUS-4]', async () => {
    const got = bus.subscribe({ topics: ['live.*'] })
    const sized = (bytes: number, letter = 'x') => ({ text: letter.repeat((bytes - '{"text":""}'.length) / Buffer.byteLength(letter)) })
    const limit = 1024 * 1024
    for (const payload of [sized(limit + 1), sized(limit + 1, 'ü')]) {
      expect(() => bus.hub.publish('live.a', payload)).toThrow(
        expect.objectContaining({ code: 'ERR_BUS_PAYLOAD_TOO_LARGE', context: { topic: 'live.a', bytes: limit + 1, limit } }),
      )
    }
    bus.hub.publish('live.a', sized(limit))
    await untilLast(got, 'live.a#1')
  })

  it('records what signalbox itself has to say, however large: a plan of 1,000 lanes is [BUS-4]', async () => {
    const got = bus.subscribe({ topics: ['*'] })
    await bus.record(newEvent('run.started', { payload: { plan: 'x'.repeat(3_000_000) } }))
    expect(got.ids()).toEqual(['run.started#1'])
  })

  it.each([0, -5, 1.7, Number.NaN, Number.NEGATIVE_INFINITY])('takes since %d for the first', async (since) => {
    await bus.record('a.b')
    const got = bus.subscribe({ topics: ['*'], since })
    await got.subscription.ready
    expect(got.ids()).toEqual(['a.b#1'])
  })

  it('waits for a position that is still to come [BUS-3]', async () => {
    await bus.record('a.b')
    const got = bus.subscribe({ topics: ['*'], since: 4 })
    await got.subscription.ready
    await bus.record('a.b', 'a.b', 'a.b', 'a.b')
    expect(got.ids()).toEqual(['a.b#4', 'a.b#5'])
  })
})
