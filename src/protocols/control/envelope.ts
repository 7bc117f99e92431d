import type { BusErrorCode, BusEvent, BusGap, EnvelopeError, ReplyEnvelope, RequestEnvelope } from '../bus.ts'
import { CATALOGUE, type ErrorCode } from '../error-catalogue.ts'
import { SignalboxError, toErrorRecord } from '../errors.ts'

/** What a client sends, one a line. `key` makes a repetition of a call that changes something harmless. */
export type ControlRequestEnvelope = RequestEnvelope & { readonly key?: string }

/** The answer to what could not be understood; the connection ends with it. */
export type RefusalEnvelope = { readonly id: string; readonly timestamp: number; readonly refused: EnvelopeError }

/** How far a request that takes time has come. */
export type ProgressEnvelope = { readonly causation_id: string; readonly progress: unknown }

/** Something that happened. */
export type EventPush = { readonly subscription: string; readonly event: BusEvent }

/** What was left out. */
export type GapPush = { readonly subscription: string; readonly gap: BusGap }

/** What comes to who has subscribed. */
export type PushEnvelope = EventPush | GapPush

/** Everything that an orchestrator sends, one a line. */
export type ServerEnvelope = ReplyEnvelope | RefusalEnvelope | ProgressEnvelope | PushEnvelope

const BY_REASON: Partial<Record<ErrorCode, BusErrorCode>> = {
  ERR_CONTROL_METHOD_NOT_FOUND: 'METHOD_NOT_FOUND',
  ERR_CONTROL_LINE_INVALID: 'VALIDATION_ERROR',
  ERR_CONTROL_VERSION: 'VALIDATION_ERROR',
  ERR_CONTROL_PAYLOAD_INVALID: 'VALIDATION_ERROR',
  ERR_CONTROL_KEY_REUSED: 'VALIDATION_ERROR',
  ERR_ID_INVALID: 'VALIDATION_ERROR',
  ERR_PTY_INVALID_ARGUMENT: 'VALIDATION_ERROR',
  ERR_ASK_TIMEOUT: 'TIMEOUT',
  ERR_MAILBOX_FULL: 'BACKPRESSURE',
  ERR_PTY_INPUT_FULL: 'BACKPRESSURE',
  ERR_CONTROL_UNREAD: 'BACKPRESSURE',
}

const codeOf = (reason: EnvelopeError['reason']): BusErrorCode => {
  if (reason === 'ERR_UNKNOWN') return 'HANDLER_ERROR'
  return BY_REASON[reason] ?? (reason.startsWith('ERR_PLAN_') ? 'VALIDATION_ERROR' : 'HANDLER_ERROR')
}

/** An error as it goes over the wire. */
export const toEnvelopeError = (error: unknown): EnvelopeError => {
  const { code: reason, message, context } = toErrorRecord(error)
  return { code: codeOf(reason), reason, message, context }
}

/** The error that came over the wire; of a code that this signalbox does not know, ERR_CONTROL_FAILED. */
export const fromEnvelopeError = ({ reason, message, context }: EnvelopeError): SignalboxError =>
  Object.hasOwn(CATALOGUE, reason)
    ? new SignalboxError(reason as ErrorCode, message, { context })
    : new SignalboxError('ERR_CONTROL_FAILED', message, { context: { ...context, reason } })
