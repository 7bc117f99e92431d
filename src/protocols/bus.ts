import type { ErrorContext, ErrorRecord } from './errors.ts'
import type { EventIds } from './events.ts'
import type { CorrelationId } from './ids.ts'

/** Most bytes of a payload as JSON, in UTF-8 (BUS-4). */
export const MAX_PAYLOAD_BYTES: number = 1024 * 1024

/** What kind of failure an envelope reports (BUS-2); `reason` says which. */
export type BusErrorCode = 'VALIDATION_ERROR' | 'METHOD_NOT_FOUND' | 'HANDLER_ERROR' | 'TIMEOUT' | 'BACKPRESSURE'

export type EnvelopeError = {
  readonly code: BusErrorCode
  /** The code of the catalogue. */
  readonly reason: ErrorRecord['code']
  readonly message: string
  readonly context: ErrorContext
}

/** What every envelope has (BUS-1). */
type Head = {
  /** Chosen by the sender. Of a recorded event: `topic#sequence`, the same whenever it is read. */
  readonly id: string
  /** What belongs to one wish of somebody, across envelopes. */
  readonly correlation_id?: CorrelationId
  /** The envelope that led to this one. */
  readonly causation_id?: string
  /** Milliseconds since the Unix epoch. */
  readonly timestamp: number
}

export type RequestEnvelope = Head & { readonly method: string; readonly payload: Readonly<Record<string, unknown>> }

/** The answer to a request; `causation_id` is the request's id. */
export type ReplyEnvelope = Head & { readonly causation_id: string; readonly method: string } & (
    | { readonly payload: unknown; readonly error?: undefined }
    | { readonly error: EnvelopeError; readonly payload?: undefined }
  )

/** What happened. */
export type BusEvent = Head & {
  /** Past tense, dots between the parts: `lane.state-changed`. */
  readonly topic: string
  /** Within the topic, from 1, without gaps. Of a live topic it begins anew with the process. */
  readonly sequence: number
  /** Place among all recorded events of the workspace, from 1: where to go on reading. Live events have none. */
  readonly position?: number
  /** What it is about. */
  readonly ids?: EventIds
  readonly payload: Readonly<Record<string, unknown>>
}

/** Events of a topic that a subscriber will not get: of a live topic, because it was slow; of a recorded one, because they were forgotten. Both ends included. */
export type BusGap = { readonly topic: string; readonly from: number; readonly to: number }

export type SubscribeRequest = {
  /** `lane.created`, or by prefix: `lane.*`, `*`. */
  readonly topics: readonly string[]
  /**
   * A number: recorded events from this position on. A record: of each topic from this sequence on; of topics that it does
   * not name, from the first. @defaultValue what happens from now on
   */
  readonly since?: number | Readonly<Record<string, number>>
  /** Whether events of live topics are wanted, too. @defaultValue true */
  readonly live?: boolean
}

/** Who listens. One that throws, or rejects, is closed; nobody else notices. */
export interface BusSubscriber {
  /**
   * In the order in which the bus hands them out, recorded and live ones alike, each once. Nothing more is given while a
   * returned promise is open: that is how to be slow.
   */
  next(event: BusEvent): void | Promise<void>
  /** Told before the next event of the topic. */
  gap(gap: BusGap): void
}

export type BusSubscription = {
  /** Resolves when everything recorded before the subscription has been given, or it was closed. Never rejects. */
  readonly ready: Promise<void>
  /** Nothing is given any more. Idempotent. */
  close(): void
}

export interface Bus {
  /** @throws ERR_BUS_TOPIC_INVALID */
  subscribe(request: SubscribeRequest, subscriber: BusSubscriber): BusSubscription
  /**
   * Publishes on a live topic: never stored; of events of one topic and key that wait, only the newest is kept.
   * @throws ERR_BUS_TOPIC_INVALID, ERR_BUS_PAYLOAD_TOO_LARGE
   */
  publish(topic: string, payload: Readonly<Record<string, unknown>>, options?: { readonly key?: string; readonly ids?: EventIds }): void
  /** Whether anybody would be given what is published on this live topic now: quick enough to be asked before each event. */
  hears(topic: string): boolean
}
