import type { CorrelationId, LaneId, PtyId, RunId, TerminalId, WorkspaceId } from './ids.ts'

/** What a recorded event is about; indexes of the store. */
export type EventIds = {
  readonly runId?: RunId
  readonly laneId?: LaneId
  readonly terminalId?: TerminalId
  readonly ptyId?: PtyId
}

/** An event that is about to be stored. Types are past tense: `lane.state-changed`. */
export type NewEvent = EventIds & {
  readonly type: string
  /** Milliseconds since the Unix epoch. */
  readonly at: number
  readonly correlationId?: CorrelationId
  /** Sequence or message that caused it. */
  readonly causationId?: string
  /** JSON-safe. */
  readonly payload: Readonly<Record<string, unknown>>
}

/** An event as stored: `sequence` is per workspace, `topicSequence` per type; both from 1, without gaps. */
export type RecordedEvent = NewEvent & { readonly sequence: number; readonly topicSequence: number; readonly workspaceId: WorkspaceId }

/** Which events are read, in ascending order. */
export type EventQuery = EventIds & {
  /** First sequence wanted. @defaultValue 1 */
  readonly from?: number
  /** Or by prefix: `lane.*`, `*`. */
  readonly types?: readonly string[]
  /** Of these types, the first `topicSequence` wanted. */
  readonly since?: Readonly<Record<string, number>>
  /** @defaultValue 100,000 */
  readonly limit?: number
  /** The newest `limit` instead of the oldest (still in ascending order). */
  readonly newest?: boolean
}
