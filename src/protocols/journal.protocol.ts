import type { NewEvent, RecordedEvent } from './events.ts'

type RecordWrite = { readonly kind: string; readonly id: string; readonly value: Readonly<Record<string, unknown>> }

/** The journal stores what happened, then publishes it, then answers. */
export type JournalProtocol = {
  /** All of it or nothing. */
  'journal.commit': {
    message: { events: readonly NewEvent[]; records?: readonly RecordWrite[] }
    reply: { events: readonly RecordedEvent[] }
  }
  'journal.record': { message: { kind: string; id: string }; reply: { value: Readonly<Record<string, unknown>> | null } }
  $committed: { message: { events: readonly RecordedEvent[]; settle: () => void } }
  $failed: { message: { error: unknown; settle: (error: unknown) => void } }
  $read: { message: { settle: () => void } }
}
