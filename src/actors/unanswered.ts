import { isSignalboxError } from '../protocols/errors.ts'

/** Whether an ask failed because who was asked is gone, perhaps to be restarted, or already has what it was asked to start. */
export const isUnanswered = (error: unknown): boolean =>
  isSignalboxError(error) &&
  ['ERR_ACTOR_NOT_FOUND', 'ERR_ACTOR_RESTARTED', 'ERR_ACTOR_STOPPED', 'ERR_SUPERVISOR_CHILD_EXISTS'].includes(error.code)
