import type { ActorContext } from '../kernel/types.ts'
import type { EventPayloads, EventType } from '../protocols/event-payloads.ts'
import type { EventIds, EventQuery, NewEvent, RecordedEvent } from '../protocols/events.ts'
import type { RecordWrite } from '../protocols/journal.protocol.ts'
import { JOURNAL } from './names.ts'

/** Long enough for a disk that is busy; beyond it the actor that waits fails and is restarted from its records. */
const JOURNAL_LIMIT_MS = 30_000

type Asker = Pick<ActorContext<object>, 'ask'>

/** Stores events and records in one transaction. Returns when they are stored and published. */
export const commit = async (ctx: Asker, events: readonly NewEvent[], records: readonly RecordWrite[]): Promise<void> => {
  await ctx.ask(JOURNAL, 'journal.commit', { events, records }, { timeoutMs: JOURNAL_LIMIT_MS })
}

/** Reads a record, or null. The caller names the type that it wrote under this kind. */
export const readRecord = async <R>(ctx: Asker, kind: string, id: string): Promise<R | null> => {
  const { value } = await ctx.ask(JOURNAL, 'journal.record', { kind, id }, { timeoutMs: JOURNAL_LIMIT_MS })
  return value as R | null
}

/** Reads events, in order. */
export const readEvents = async (ctx: Asker, query: EventQuery): Promise<readonly RecordedEvent[]> => {
  const { events } = await ctx.ask(JOURNAL, 'journal.events', { query }, { timeoutMs: JOURNAL_LIMIT_MS })
  return events
}

/** A record as the journal takes it. */
export const recordOf = <R extends { readonly id: string }>(kind: string, record: R): RecordWrite => ({
  kind,
  id: record.id,
  value: record,
})

/** @param at ms since the epoch */
export const event = <T extends EventType>(at: number, type: T, ids: EventIds, payload: EventPayloads[T]): NewEvent => ({
  type,
  at,
  ...ids,
  payload,
})
