import { type ActorContext, type ActorDefinition, defineActor, type MessageOf } from '../kernel/types.ts'
import type { BusProtocol } from '../protocols/bus.protocol.ts'
import type { RecordedEvent } from '../protocols/events.ts'
import type { EventHub } from './event-hub.ts'
import type { FanOutLink } from './fan-out-link.ts'
import { readEvents } from './journal.ts'

export type BusArgs = {
  readonly hub: EventHub
  /** To other processes on the same store; null: there are none that it should know of. */
  readonly link: FanOutLink | null
}

type Ctx = ActorContext<BusProtocol>

/** Events read at once. */
const PAGE = 1_000

/** Publishes what is stored and was not published yet: by this process before a crash, or by another one. */
const catchUp = async (ctx: Ctx, hub: EventHub): Promise<void> => {
  for (let left = true; left;) {
    const events = await readEvents(ctx, { from: (hub.position ?? 0) + 1, limit: PAGE })
    hub.dispatch(events)
    left = events.length === PAGE
  }
}

/** Whether they follow what was handed out without a hole: another process may have stored something before or among them. */
const isNext = ({ position }: EventHub, events: readonly RecordedEvent[]): boolean => {
  const first = events[0]?.sequence ?? 0
  const last = events.at(-1)?.sequence ?? 0
  return first <= (position ?? 0) + 1 && last - first < events.length
}

/** Where a new process begins: what happened before is only for those who ask for it. */
const begin = async (ctx: Ctx, hub: EventHub): Promise<void> => {
  const [newest] = await readEvents(ctx, { newest: true, limit: 1 })
  hub.position = newest?.sequence ?? 0
}

/** Reads for those who are behind. */
const read = (ctx: Ctx, hub: EventHub): void => {
  for (const reading of hub.readings()) {
    ctx.run(() => readEvents(ctx, reading.query), {
      done: ['$page', (events) => ({ last: events.at(-1)?.sequence ?? 0, take: () => hub.page(reading, events) })],
      failed: ['$failed', (error) => ({ error })],
    })
  }
}

/**
 * Hands out events, in order, to whoever subscribed at the hub. It remembers nothing itself: after a crash it goes on where
 * the hub was, from the store.
 */
export const busActor: ActorDefinition<BusProtocol, BusArgs, BusArgs> = defineActor<BusProtocol, BusArgs, BusArgs>({
  kind: 'bus',
  async init(ctx, args) {
    const { hub, link } = args
    await (hub.position === null ? begin(ctx, hub) : catchUp(ctx, hub))
    const tell = <T extends 'bus.wake' | 'bus.heard' | 'bus.connected'>(type: T, message: MessageOf<BusProtocol, T>): void => {
      // What comes from outside may come after the end; the next bus catches up.
      if (!ctx.signal.aborted) ctx.tell(ctx.self, type, message)
    }
    hub.attach(() => tell('bus.wake', {}))
    link?.fanOut.join({ message: (text) => tell('bus.heard', { text }), connected: () => tell('bus.connected', {}) })
    return args
  },
  on: {
    'bus.publish': (ctx, state, { events }, reply) => {
      const { hub, link } = state
      const publish = (): BusArgs => {
        hub.dispatch(events)
        link?.published(hub.takeUntold())
        link?.stored(hub.position ?? 0)
        read(ctx, hub)
        reply({})
        return state
      }
      return isNext(hub, events) ? publish() : catchUp(ctx, hub).then(publish)
    },
    'bus.wake': (ctx, state) => {
      state.hub.flush()
      state.link?.published(state.hub.takeUntold())
      read(ctx, state.hub)
      return state
    },
    'bus.heard': (ctx, state, { text }) => {
      const { hub, link } = state
      const heard = link?.hear(text) ?? null
      if (heard === null) return state
      if (heard.missed) hub.missed()
      hub.hear(heard.live ?? [])
      const { position = 0 } = heard
      if (position <= (hub.position ?? 0)) return state
      return catchUp(ctx, hub).then(() => {
        // What it claims beyond what the store has is not believed.
        if (position <= (hub.position ?? 0)) link?.heardOf(position)
        return state
      })
    },
    'bus.connected': async (ctx, state) => {
      const { hub, link } = state
      if (link?.connected(hub.position ?? 0) === true) hub.missed()
      await catchUp(ctx, hub)
      return state
    },
    $page: async (ctx, state, { last, take }) => {
      // What is stored and not handed out yet, live events come before.
      if (last > (state.hub.position ?? 0)) await catchUp(ctx, state.hub)
      take()
      read(ctx, state.hub)
      return state
    },
    $failed: (_ctx, _state, { error }) => {
      throw error
    },
  },
})
