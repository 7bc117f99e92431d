import { describe, expect, it } from 'vitest'
import type { RecordedEvent } from '../../../src/protocols/events.ts'
import { createFeed, createHistory } from '../../../src/runtime/feed.ts'

const event = (sequence: number): RecordedEvent => ({ sequence, workspaceId: 'ws_1', type: 'x.happened', at: sequence, payload: {} })

describe('a feed', () => {
  it('calls listeners in the order of subscription, for every event in order [BUS-3]', () => {
    const feed = createFeed()
    const heard: string[] = []
    feed.subscribe(({ sequence }) => heard.push(`a${sequence}`))
    feed.subscribe(({ sequence }) => heard.push(`b${sequence}`))
    feed.publish([event(1), event(2)])
    expect(heard).toEqual(['a1', 'b1', 'a2', 'b2'])
  })

  it('leaves out a listener that throws, and nobody else [BUS-3]', () => {
    const feed = createFeed()
    const heard: number[] = []
    let calls = 0
    feed.subscribe(() => {
      calls += 1
      throw new Error('planted')
    })
    feed.subscribe(({ sequence }) => heard.push(sequence))
    feed.publish([event(1), event(2)])
    expect(heard).toEqual([1, 2])
    expect(calls).toBe(1)
  })

  it('tells a listener nothing more once it has unsubscribed, from within itself too [BUS-3]', () => {
    const feed = createFeed()
    const heard: number[] = []
    const stop = feed.subscribe(({ sequence }) => {
      heard.push(sequence)
      stop()
    })
    feed.publish([event(1), event(2)])
    feed.publish([event(3)])
    expect(heard).toEqual([1])
  })
})

describe('a history', () => {
  const collect = async (events: AsyncIterable<RecordedEvent>): Promise<number[]> => {
    const seen: number[] = []
    for await (const { sequence } of events) seen.push(sequence)
    return seen
  }

  it('gives every reader everything from the start, whenever it begins, and ends with close [BUS-3]', async () => {
    const history = createHistory()
    history.push(event(1))
    const early = collect(history.read())
    history.push(event(2))
    const iterable = history.read()
    const [one, two] = [collect(iterable), collect(iterable)]
    await Promise.resolve()
    history.push(event(3))
    history.close()
    expect(await Promise.all([early, one, two, collect(history.read())])).toEqual([
      [1, 2, 3],
      [1, 2, 3],
      [1, 2, 3],
      [1, 2, 3],
    ])
  })

  it('lets a reader leave in the middle [BUS-3]', async () => {
    const history = createHistory()
    history.push(event(1))
    for await (const { sequence } of history.read()) {
      expect(sequence).toBe(1)
      break
    }
    history.close()
    expect(await collect(history.read())).toEqual([1])
  })
})
