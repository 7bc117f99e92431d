import type { EventQuery, NewEvent, RecordedEvent } from '../protocols/events.ts'

/** A record: the present state of one thing, replaced as a whole. */
export type StoredRecord = {
  /** Such as `run`, `lane`, `pty`. */
  readonly kind: string
  readonly id: string
  /** JSON-safe. */
  readonly value: Readonly<Record<string, unknown>>
}

/** What one transaction does: all of it or nothing. */
export type Commit = {
  readonly events: readonly NewEvent[]
  /** Replaced or inserted. */
  readonly records?: readonly StoredRecord[]
  /** Deleted. */
  readonly deleted?: readonly { readonly kind: string; readonly id: string }[]
}

/** Events and records of one workspace. Several processes may have the same store open. One contract suite runs on every implementation. */
export interface EventStore {
  /** Set when a damaged file was put aside at opening: where it lies now. */
  readonly putAside: string | null
  /**
   * Group commit: calls made while another is being written share one transaction, in order.
   * @returns the events as stored. @throws ERR_STORE_FAILED, ERR_DISK_FULL, ERR_STORE_CLOSED
   */
  commit(commit: Commit): Promise<readonly RecordedEvent[]>
  events(query: EventQuery): Promise<readonly RecordedEvent[]>
  record(kind: string, id: string): Promise<StoredRecord | undefined>
  /** All of a kind, by id ascending (ULIDs: oldest first). */
  records(kind: string): Promise<readonly StoredRecord[]>
  /** Deletes events and records of runs, and of lanes without a run, that ended before `at`. @returns ids of what was forgotten. */
  forgetRunsBefore(at: number): Promise<readonly string[]>
  /** Writes what is pending, then closes. Idempotent. */
  close(): Promise<void>
}
