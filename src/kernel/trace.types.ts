import type { DeadLetter, Exit } from './types.ts'

/** What a trace is to see. Without any of the three, all actors. */
export type TraceOptions = {
  /** Of one actor, by name: each of its incarnations. */
  readonly actor?: string
  /** Messages of this type only; then no starts and exits. */
  readonly type?: string
  /** Of a supervisor, by name, and of all actors below it, also of those that start later. */
  readonly under?: string
  /** Events, after which it stops by itself; at least 1. */
  readonly max: number
  /** Of the messages that it could see, each n-th only, with all that becomes of it; at least 1. @defaultValue 1 */
  readonly everyNth?: number
}

type Common = {
  /** ms since the Unix epoch. */
  readonly at: number
  /** `name$incarnation`; of a message that nobody took, whom it was for. */
  readonly actor: string
  /** User mail that waits now. */
  readonly waiting: number
}

type OfMessage = Common & {
  readonly type: string
  readonly from: string | null
  /** For people: cut to some hundred characters, and without what looks like a secret. */
  readonly message: string
}

/** Something that a trace saw. */
export type TraceEvent =
  /** It waits in the mailbox. Mail from the kernel (timers, outcomes, exits) is seen when it is handled only. */
  | (OfMessage & { readonly what: 'sent' })
  | (OfMessage & { readonly what: 'handled'; readonly tookMs: number })
  | (OfMessage & { readonly what: 'failed'; readonly tookMs: number; readonly error: string })
  /** Also an ask that a full mailbox refused, which is no dead letter. */
  | (OfMessage & { readonly what: 'dropped'; readonly reason: DeadLetter['reason'] })
  | (Common & { readonly what: 'exited'; readonly exit: Exit })
  /** restarted: an incarnation after the first of its name. */
  | (Common & { readonly what: 'started' | 'restarted' })

/** A trace under way. */
export type TraceHandle = {
  stop(): void
  /** Events so far. */
  readonly count: number
  /** Resolves when it is over: stopped, at its `max`, or with its system. */
  readonly ended: Promise<'stopped' | 'max' | 'system-ended'>
}
