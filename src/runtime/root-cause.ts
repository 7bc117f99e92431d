import { isSignalboxError, SignalboxError } from '../protocols/errors.ts'

/** What kept an actor from starting, rather than that it did not start. */
export const rootCause = (error: unknown): unknown =>
  isSignalboxError(error, 'ERR_ACTOR_INIT_FAILED') && error.cause instanceof SignalboxError ? rootCause(error.cause) : error
