import { afterEach, describe, expect, it } from 'vitest'
import { createMemoryChannel } from '../../../src/adapters/memory/memory-fan-out.adapter.ts'
import type { FanOut, FanOutListener } from '../../../src/ports/fan-out.port.ts'
import { memoryStore, newEvent, type Process, startProcess, until, untilLast } from '../../helpers/bus-kit.ts'

/** A member whose connection can be lost; what is sent meanwhile is lost too. */
const losable = (inner: FanOut) => {
  let listener: FanOutListener | null = null
  let isAway = false
  const fanOut: FanOut = {
    join(joining) {
      listener = joining
      inner.join({ message: (text) => isAway || listener?.message(text), connected: () => listener?.connected() })
    },
    send: (text) => void (isAway || inner.send(text)),
    close: () => inner.close(),
  }
  const lose = (): void => void (isAway = true)
  const connect = (): void => {
    isAway = false
    listener?.connected()
  }
  return { fanOut, lose, connect }
}

describe('processes on one store with a fan-out', () => {
  const processes: Process[] = []
  afterEach(async () => {
    await Promise.all(processes.splice(0).map((process) => process.stop()))
  })
  const two = async () => {
    const channel = createMemoryChannel()
    const store = memoryStore()
    const [here, there] = [losable(channel.member()), losable(channel.member())]
    const a = await startProcess(store, here.fanOut, 'a')
    const b = await startProcess(store, there.fanOut, 'b')
    processes.push(a, b)
    return { a, b, here, there, channel }
  }

  it('see at once what another stores, each event once and in order, whoever stores [BUS-3]', async () => {
    const { a, b } = await two()
    const [atA, atB] = [a.subscribe({ topics: ['*'] }), b.subscribe({ topics: ['*'] })]
    await Promise.all(Array.from({ length: 50 }, (_, n) => (n % 2 === 0 ? a : b).record('a.b', 'c.d')))
    for (const got of [atA, atB]) {
      await until(() => expect(got.events).toHaveLength(100))
      expect(got.events.map(({ position }) => position)).toEqual(Array.from({ length: 100 }, (_, n) => n + 1))
    }
    await a.record('a.b')
    await untilLast(atB, 'a.b#51')
  })

  it('see without one only with the next event of their own [BUS-3]', async () => {
    const store = memoryStore()
    const [a, b] = [await startProcess(store), await startProcess(store)]
    processes.push(a, b)
    const atB = b.subscribe({ topics: ['*'] })
    await a.record('a.b')
    expect(atB.events).toEqual([])
    await b.record('c.d')
    expect(atB.ids()).toEqual(['a.b#1', 'c.d#1'])
  })

  it('hear what another publishes live, numbered as their own, and not their own twice [BUS-3]', async () => {
    const { a, b } = await two()
    const [atA, atB] = [a.subscribe({ topics: ['live.*'] }), b.subscribe({ topics: ['live.*'] })]
    a.hub.publish('live.x', { by: 'a' }, { ids: { ptyId: 'pt_1' } })
    await untilLast(atB, 'live.x#1')
    b.hub.publish('live.x', { by: 'b' }, { key: 'k' })
    await untilLast(atA, 'live.x#2')
    expect(atA.events.map(({ payload, ids }) => [payload['by'], ids])).toEqual([
      ['a', { ptyId: 'pt_1' }],
      ['b', undefined],
    ])
    expect(atB.ids()).toEqual(['live.x#1', 'live.x#2'])
  })

  it('carries many large live events in messages of a bearable size [BUS-4]', async () => {
    const { a, b, channel } = await two()
    const lengths: number[] = []
    channel.member().join({ message: (text) => void lengths.push(text.length), connected: () => undefined })
    const atB = b.subscribe({ topics: ['live.*'] })
    for (let n = 0; n < 40; n += 1) a.hub.publish('live.x', { n, text: 'x'.repeat(100_000) })
    await untilLast(atB, 'live.x#40')
    expect(Math.max(...lengths)).toBeLessThan(400_000)
    expect(atB.events.map(({ payload }) => payload['n'])).toEqual(Array.from({ length: 40 }, (_, n) => n))
  })

  it('after a loss of connection read what was stored from the store, and tell of live events that were missed [BUS-3]', async () => {
    const { a, b, there } = await two()
    const atB = b.subscribe({ topics: ['*'] })
    a.hub.publish('live.x', { n: 1 })
    await untilLast(atB, 'live.x#1')
    there.lose()
    await a.record('a.b', 'a.b')
    const atA = a.subscribe({ topics: ['live.*'] })
    a.hub.publish('live.x', { n: 2 })
    await untilLast(atA, 'live.x#2')
    there.connect()
    await untilLast(atB, 'a.b#2')
    expect(atB.ids()).toEqual(['live.x#1', 'a.b#1', 'a.b#2'])
    a.hub.publish('live.x', { n: 3 })
    await until(() => expect(atB.events.at(-1)?.payload).toEqual({ n: 3 }))
    expect(atB.gaps).toEqual([{ topic: 'live.x', from: 2, to: 2 }])
  })

  it('notice that a message was missed where the connection did not', async () => {
    const { a, b, here } = await two()
    const atB = b.subscribe({ topics: ['*'] })
    a.hub.publish('live.x', { n: 1 })
    await untilLast(atB, 'live.x#1')
    here.lose()
    a.hub.publish('live.x', { n: 2 })
    const atA = a.subscribe({ topics: ['*'] })
    a.hub.publish('live.y', {})
    await until(() => expect(atA.ids()).toContain('live.y#1'))
    here.connect()
    a.hub.publish('live.x', { n: 3 })
    await until(() => expect(atB.events.at(-1)?.payload).toEqual({ n: 3 }))
    expect(atB.gaps).toMatchObject([{ topic: 'live.x', from: 2 }])
  })

  it('catch up when the sender was away: it says how far it is when it is back [BUS-3]', async () => {
    const { a, b, here } = await two()
    const atB = b.subscribe({ topics: ['*'] })
    here.lose()
    await a.record('a.b')
    here.connect()
    await untilLast(atB, 'a.b#1')
  })

  it('pass over what is no message of theirs', async () => {
    const { a, b, channel } = await two()
    const stranger = channel.member()
    stranger.join({ message: () => undefined, connected: () => undefined })
    const atB = b.subscribe({ topics: ['*'] })
    const odd = [
      '',
      '{',
      'null',
      '[]',
      '{"from":"x","number":0}',
      '{"from":"x","number":1,"live":[{"topic":"","payload":{}}]}',
      '{"from":"x","number":1,"more":1}',
    ]
    for (const text of odd) stranger.send(text)
    stranger.send('{"from":"x","number":1,"position":999}')
    await a.record(newEvent('a.b'))
    await untilLast(atB, 'a.b#1')
    await a.record(newEvent('a.b'))
    await untilLast(atB, 'a.b#2')
    expect(atB.gaps).toEqual([])
  })

  it('join again after a crash of the bus, and miss nothing recorded [BUS-3]', async () => {
    const { a, b } = await two()
    const atB = b.subscribe({ topics: ['*'] })
    for (let round = 0; round < 10; round += 1) {
      b.crash('bus')
      await a.record('a.b')
    }
    await a.record('a.b')
    await untilLast(atB, 'a.b#11')
    expect(atB.ids()).toEqual(Array.from({ length: 11 }, (_, n) => `a.b#${n + 1}`))
  })
})
