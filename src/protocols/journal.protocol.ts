import type { EventQuery, NewEvent, RecordedEvent } from './events.ts'

export type RecordValue = Readonly<Record<string, unknown>>
export type RecordWrite = { readonly kind: string; readonly id: string; readonly value: RecordValue }

/** The journal stores what happened, has it published, then answers. */
export type JournalProtocol = {
  /** All of it or nothing. */
  'journal.commit': {
    message: { events: readonly NewEvent[]; records?: readonly RecordWrite[] }
    reply: { events: readonly RecordedEvent[] }
  }
  /** Null when there is no such record. */
  'journal.record': { message: { kind: string; id: string }; reply: { value: RecordValue | null } }
  'journal.events': { message: { query: EventQuery }; reply: { events: readonly RecordedEvent[] } }
  $committed: { message: { events: readonly RecordedEvent[]; answer: () => void } }
  $published: { message: { answer: () => void } }
  $read: { message: { answer: () => void } }
  $failed: { message: { error: unknown; answer: () => void } }
}
