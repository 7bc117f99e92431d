import { type ActorContext, type ActorDefinition, defineActor } from '../kernel/types.ts'
import type { EventStore } from '../ports/event-store.port.ts'
import type { RecordedEvent } from '../protocols/events.ts'
import type { JournalProtocol } from '../protocols/journal.protocol.ts'
import { BUS } from './names.ts'

export type JournalArgs = {
  readonly open: () => Promise<EventStore>
  /** The store cannot write: nothing that happens from now on would be remembered, so the runtime stops. */
  readonly onFailure: (error: unknown) => void
}

/** What was stored and is not published yet, with the answers that wait for that. */
type Stored = { readonly events: readonly RecordedEvent[]; readonly answer: () => void }

type JournalState = JournalArgs & { readonly store: EventStore; readonly stored: Stored[]; readonly isPublishing: boolean }

/** Long enough for a bus that reads what other processes stored; it publishes what it missed in any case. */
const PUBLISH_LIMIT_MS = 30_000

/** One batch at a time, so that what waits grows here and not in the mailbox of the bus. */
const publish = (ctx: ActorContext<JournalProtocol>, state: JournalState): JournalState => {
  if (state.isPublishing || state.stored.length === 0) return state
  const batch = state.stored.splice(0)
  const events = batch.flatMap((stored) => stored.events)
  const answer = (): void => batch.forEach((stored) => stored.answer())
  const work = async (): Promise<void> => {
    if (events.length > 0) await ctx.ask(BUS, 'bus.publish', { events }, { timeoutMs: PUBLISH_LIMIT_MS })
  }
  // A bus that is being restarted begins with what it has not published.
  ctx.run(work, { done: ['$published', () => ({ answer })], failed: ['$published', () => ({ answer })] })
  return { ...state, isPublishing: true }
}

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
    return { ...args, store: await args.open(), stored: [], isPublishing: false }
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
    'journal.events': (ctx, state, { query }, reply) => {
      ctx.run(() => state.store.events(query), {
        done: ['$read', (events) => ({ answer: () => reply({ events }) })],
        failed: ['$failed', (error) => ({ error, answer: () => reply.fail(error) })],
      })
      return state
    },
    $committed: (ctx, state, { events, answer }) => {
      state.stored.push({ events, answer })
      return publish(ctx, state)
    },
    $published: (ctx, state, { answer }) => {
      answer()
      return publish(ctx, { ...state, isPublishing: false })
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
