import type { RecordedEvent } from '../protocols/events.ts'

/** Events kept from their first on, for any number of readers; each reads from the start and ends with `close`. */
export type EventHistory = {
  push(event: RecordedEvent): void
  close(): void
  read(): AsyncIterable<RecordedEvent>
}

export const createHistory = (): EventHistory => {
  const events: RecordedEvent[] = []
  let closed = false
  let waiting: (() => void)[] = []
  const wake = (): void => {
    const woken = waiting
    waiting = []
    for (const resolve of woken) resolve()
  }
  const read = async function* (): AsyncGenerator<RecordedEvent> {
    for (let next = 0; ;) {
      const event = events[next]
      if (event !== undefined) {
        next += 1
        yield event
      } else if (closed) return
      else await new Promise<void>((resolve) => waiting.push(resolve))
    }
  }
  return {
    push(event) {
      events.push(event)
      wake()
    },
    close() {
      closed = true
      wake()
    },
    read: () => ({ [Symbol.asyncIterator]: () => read() }),
  }
}
