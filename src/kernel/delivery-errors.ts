import { type ErrorRecord, SignalboxError, toErrorRecord } from '../protocols/errors.ts'
import type { Incarnation } from './incarnation.types.ts'
import type { Undelivered } from './registry.ts'

/** Whom a message is for: an incarnation, or whoever has the name. */
export type To = { readonly name: string; readonly incarnation?: number | undefined; readonly id?: string }

export const unreachable = (to: To, type: string, why: Undelivered): SignalboxError => {
  if (why !== 'not-found') return ended(to, type, why === 'restarted')
  return new SignalboxError('ERR_ACTOR_NOT_FOUND', `no actor named "${to.name}" runs now`, { context: contextOf(to, type) })
}

/** Why an ask of an actor that ended fails: it may be tried again with the next incarnation, if there is one. */
export const ended = (to: To, type: string, restarted: boolean): SignalboxError =>
  restarted
    ? new SignalboxError('ERR_ACTOR_RESTARTED', `${to.id ?? to.name} was restarted before it answered "${type}"`, {
        context: contextOf(to, type),
      })
    : new SignalboxError('ERR_ACTOR_STOPPED', `${to.id ?? to.name} ended before it answered "${type}"`, { context: contextOf(to, type) })

export const lateAnswer = (to: To, type: string, timeoutMs: number): SignalboxError =>
  new SignalboxError('ERR_ASK_TIMEOUT', `${to.id ?? to.name} did not answer "${type}" within ${timeoutMs} ms`, {
    context: { ...contextOf(to, type), timeoutMs },
  })

export const cancelled = (to: To, type: string): SignalboxError =>
  new SignalboxError('ERR_ASK_CANCELLED', `"${type}" to ${to.id ?? to.name} was cancelled before its answer`, {
    context: contextOf(to, type),
  })

export const mailboxFull = ({ ref, mailbox }: Incarnation, type: string): SignalboxError =>
  new SignalboxError('ERR_MAILBOX_FULL', `${ref.id} has ${mailbox.limit} messages waiting and takes no "${type}"`, {
    context: { ...contextOf(ref, type), limit: mailbox.limit },
  })

export const handlerFailed = (to: To, type: string, cause: unknown): SignalboxError =>
  new SignalboxError('ERR_ACTOR_HANDLER_FAILED', `${to.id ?? to.name} failed at "${type}"`, { context: contextOf(to, type), cause })

export const fenced = (actor: To): SignalboxError =>
  new SignalboxError('ERR_ACTOR_FENCED', `${actor.id ?? actor.name} has ended or was given up, and must not act any more`, {
    context: { actor: actor.name, incarnation: actor.incarnation },
  })

export const tookTooLong = (actor: To, what: string, limitMs: number): SignalboxError =>
  new SignalboxError(
    what === 'init' ? 'ERR_ACTOR_INIT_FAILED' : 'ERR_ACTOR_HANDLER_FAILED',
    `${actor.id ?? actor.name} did not finish "${what}" within ${limitMs} ms`,
    {
      context: { ...contextOf(actor, what), limitMs },
    },
  )

/** Anything can be thrown, also what cannot be turned into text; the kernel must survive it. */
export const recordOf = (thrown: unknown): ErrorRecord => {
  try {
    return toErrorRecord(thrown)
  } catch {
    return { code: 'ERR_UNKNOWN', message: 'something was thrown that cannot be shown', context: {} }
  }
}

/** As `recordOf`, of anything: also of a revoked proxy, which does not even say what it is. */
export const stackOf = (thrown: unknown): { readonly stack?: string } => {
  try {
    return thrown instanceof Error && thrown.stack !== undefined ? { stack: thrown.stack } : {}
  } catch {
    return {}
  }
}

const contextOf = (to: To, type: string): Record<string, unknown> => ({
  actor: to.name,
  ...(to.incarnation === undefined ? {} : { incarnation: to.incarnation }),
  type,
})
