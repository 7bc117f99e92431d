import { describe, expect, it } from 'vitest'
import type { RecordedEvent } from '../../../src/protocols/events.ts'
import { createHistory } from '../../../src/runtime/history.ts'

const event = (sequence: number): RecordedEvent => ({
  sequence,
  topicSequence: sequence,
  workspaceId: 'ws_1',
  type: 'x.happened',
  at: sequence,
  payload: {},
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
