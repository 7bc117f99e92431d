import { type ActorDefinition, defineActor } from '../kernel/types.ts'
import type { EventStore } from '../ports/event-store.port.ts'
import type { RecordedEvent } from '../protocols/events.ts'
import type { JournalProtocol } from '../protocols/journal.protocol.ts'

export type JournalArgs = {
  readonly open: () => Promise<EventStore>
  /** Called after storing, in the order of the sequence. Must not throw. */
  readonly publish: (events: readonly RecordedEvent[]) => void
  /** The store cannot write: nothing that happens from now on would be remembered, so the runtime stops. */
  readonly onFailure: (error: unknown) => void
}

type JournalState = JournalArgs & { readonly store: EventStore }

/**
 * Stored before published, published before answered. Commits are handed to the store without waiting, so that those of
 * many actors share one transaction; the store settles them in order.
 */
export const journalActor: ActorDefinition<JournalProtocol, JournalState, JournalArgs> = defineActor<
  JournalProtocol,
  JournalState,
  JournalArgs
>({
  kind: 'journal',
  async init(_ctx, args) {
    return { ...args, store: await args.open() }
  },
  on: {
    'journal.commit': (ctx, state, commit, reply) => {
      ctx.run(() => state.store.commit(commit), {
        done: ['$committed', (events) => ({ events, answer: () => reply({ events }) })],
        failed: ['$failed', (error) => ({ error, answer: () => reply.fail(error) })],
      })
      return state
    },
    'journal.record': (ctx, state, { kind, id }, reply) => {
      ctx.run(() => state.store.record(kind, id), {
        done: ['$read', (record) => ({ answer: () => reply({ value: record?.value ?? null }) })],
        failed: ['$failed', (error) => ({ error, answer: () => reply.fail(error) })],
      })
      return state
    },
    $committed: (_ctx, state, { events, answer }) => {
      state.publish(events)
      answer()
      return state
    },
    $read: (_ctx, state, { answer }) => {
      answer()
      return state
    },
    $failed: (_ctx, state, { error, answer }) => {
      answer()
      state.onFailure(error)
      return state
    },
  },
  terminate: (_ctx, state) => state.store.close(),
})
