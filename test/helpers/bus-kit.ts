import { expect, vi } from 'vitest'
import { busActor } from '../../src/actors/bus.actor.ts'
import { EventHub } from '../../src/actors/event-hub.ts'
import { FanOutLink } from '../../src/actors/fan-out-link.ts'
import { journalActor } from '../../src/actors/journal.actor.ts'
import { BUS, JOURNAL } from '../../src/actors/names.ts'
import { createMemoryStore } from '../../src/adapters/memory/memory-store.adapter.ts'
import { directScheduler } from '../../src/adapters/schedulers/direct-scheduler.adapter.ts'
import { systemClock } from '../../src/adapters/system/system-clock.adapter.ts'
import { systemRandom } from '../../src/adapters/system/system-random.adapter.ts'
import { worker } from '../../src/kernel/child-spec.ts'
import { named } from '../../src/kernel/types.ts'
import type { EventStore } from '../../src/ports/event-store.port.ts'
import type { FanOut } from '../../src/ports/fan-out.port.ts'
import type { BusEvent, BusGap, BusSubscription, SubscribeRequest } from '../../src/protocols/bus.ts'
import type { NewEvent, RecordedEvent } from '../../src/protocols/events.ts'
import { startSystem } from '../../src/supervisors/system.ts'

export const newEvent = (type: string, more: Partial<NewEvent> = {}): NewEvent => ({ type, at: 1, payload: {}, ...more })

/** What a subscriber got. */
export type Got = {
  readonly events: BusEvent[]
  readonly gaps: BusGap[]
  readonly subscription: BusSubscription
  readonly ids: () => string[]
}

export type Process = {
  readonly hub: EventHub
  record(...events: readonly (string | NewEvent)[]): Promise<readonly RecordedEvent[]>
  /** @param next what it does with each event, besides keeping it */
  subscribe(request: SubscribeRequest, next?: (event: BusEvent) => void | Promise<void>): Got
  crash(actor: 'bus' | 'journal'): void
  stop(): Promise<void>
}

/** A journal and a bus as a process has them. Processes on one store see each other's events. */
export const startProcess = async (store: EventStore = memoryStore(), fanOut: FanOut | null = null, self = 'me'): Promise<Process> => {
  const hub = new EventHub(() => 7, { fansOut: fanOut !== null })
  const system = await startSystem({
    scheduler: directScheduler(),
    clock: systemClock,
    random: systemRandom,
    root: {
      type: 'supervisor',
      name: 'root',
      strategy: 'rest_for_one',
      intensity: { restarts: 1_000, withinMs: 1 },
      children: [
        worker(JOURNAL.name, journalActor, { open: () => Promise.resolve(store), onFailure: () => undefined }),
        worker(BUS.name, busActor, { hub, link: fanOut === null ? null : new FanOutLink(fanOut, self) }),
      ],
    },
  })
  return {
    hub,
    record: async (...events) => {
      const message = { events: events.map((event) => (typeof event === 'string' ? newEvent(event) : event)) }
      return (await system.ask(JOURNAL, 'journal.commit', message, { timeoutMs: 30_000 })).events
    },
    subscribe(request, next) {
      const events: BusEvent[] = []
      const gaps: BusGap[] = []
      const subscription = hub.subscribe(request, {
        next: (event) => {
          events.push(event)
          return next?.(event)
        },
        gap: (gap) => void gaps.push(gap),
      })
      return { events, gaps, subscription, ids: () => events.map(({ id }) => id) }
    },
    crash: (actor) => system.tell(named<{ boom: { message: object } }>(actor), 'boom', {}),
    stop: () => system.stop(),
  }
}

/** Stays open when an actor that uses it ends, as a file does. */
export const memoryStore = (): EventStore => ({ ...createMemoryStore({ workspaceId: 'ws_1' }), close: () => Promise.resolve() })

export const until = (condition: () => void | Promise<void>): Promise<void> => vi.waitFor(condition, { timeout: 10_000, interval: 2 })

export const untilLast = (got: Got, id: string): Promise<void> => until(() => expect(got.events.at(-1)?.id).toBe(id))
