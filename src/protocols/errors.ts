import { CATALOGUE, type ErrorCode, type ErrorKind } from './error-catalogue.ts'

export type { ErrorCode, ErrorKind }

/** Values that tell which thing an error is about: ids, states, paths, numbers. JSON-safe. */
export type ErrorContext = Readonly<Record<string, unknown>>

/**
 * Every error that signalbox raises on purpose. The code is from the catalogue; the message says what happened, to
 * which thing, and what to do next.
 * @example throw new SignalboxError('ERR_PLAN_UNKNOWN_KEY', 'plan.yaml:3:5: unknown key "comands"; did you mean "commands"?')
 */
export class SignalboxError extends Error {
  override readonly name = 'SignalboxError'
  readonly code: ErrorCode
  readonly kind: ErrorKind
  /** True where the same call may succeed later without a change by the caller. */
  readonly retryable: boolean
  readonly context: ErrorContext

  constructor(code: ErrorCode, message: string, options: { context?: ErrorContext; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.kind = CATALOGUE[code].kind
    this.retryable = CATALOGUE[code].retryable
    this.context = options.context ?? {}
  }
}

/** @returns whether `error` is a SignalboxError, of the given code if one is given. */
export const isSignalboxError = (error: unknown, code?: ErrorCode): error is SignalboxError =>
  error instanceof SignalboxError && (code === undefined || error.code === code)

/** The plain form in which an error is stored and sent: no prototype, no stack of ours. */
export type ErrorRecord = { readonly code: ErrorCode | 'ERR_UNKNOWN'; readonly message: string; readonly context: ErrorContext }

export const toErrorRecord = (error: unknown): ErrorRecord =>
  isSignalboxError(error)
    ? { code: error.code, message: error.message, context: error.context }
    : { code: 'ERR_UNKNOWN', message: error instanceof Error ? error.message : String(error), context: {} }
