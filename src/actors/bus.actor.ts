import { type ActorContext, type ActorDefinition, defineActor } from '../kernel/types.ts'
import type { BusProtocol } from '../protocols/bus.protocol.ts'
import type { EventHub } from './event-hub.ts'
import { readEvents } from './journal.ts'

export type BusArgs = { readonly hub: EventHub }

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

/** Where a new process begins: what happened before is only for those who ask for it. */
const begin = async (ctx: Ctx, hub: EventHub): Promise<void> => {
  const [newest] = await readEvents(ctx, { newest: true, limit: 1 })
  hub.position = newest?.sequence ?? 0
}

/** Reads for those who are behind. */
const read = (ctx: Ctx, hub: EventHub): void => {
  for (const reading of hub.readings()) {
    ctx.run(() => readEvents(ctx, reading.query), {
      done: ['$page', (events) => ({ take: () => hub.page(reading, events) })],
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
  async init(ctx, { hub }) {
    await (hub.position === null ? begin(ctx, hub) : catchUp(ctx, hub))
    hub.attach(() => {
      if (!ctx.signal.aborted) ctx.tell(ctx.self, 'bus.wake', {})
    })
    return { hub }
  },
  on: {
    'bus.publish': (ctx, state, { events }, reply) => {
      const { hub } = state
      const publish = (): BusArgs => {
        hub.dispatch(events)
        read(ctx, hub)
        reply({})
        return state
      }
      const isNext = (events[0]?.sequence ?? 0) <= (hub.position ?? 0) + 1
      return isNext ? publish() : catchUp(ctx, hub).then(publish)
    },
    'bus.wake': (ctx, state) => {
      state.hub.flush()
      read(ctx, state.hub)
      return state
    },
    $page: (ctx, state, { take }) => {
      take()
      read(ctx, state.hub)
      return state
    },
    $failed: (_ctx, _state, { error }) => {
      throw error
    },
  },
})
