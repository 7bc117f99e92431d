import type { RecordedEvent } from '../protocols/events.ts'

type Listener = (event: RecordedEvent) => void

/** What was recorded, handed on to those who listen in this process. */
export type Feed = {
  publish(events: readonly RecordedEvent[]): void
  /** Calls `listener` for every later event, in order. One that throws is left out from then on. @returns stops it */
  subscribe(listener: Listener): () => void
}

export const createFeed = (): Feed => {
  const listeners = new Set<Listener>()
  return {
    publish(events) {
      for (const event of events) {
        for (const listener of listeners) {
          try {
            listener(event)
          } catch {
            listeners.delete(listener)
          }
        }
      }
    },
    subscribe(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
}

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
