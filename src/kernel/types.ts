import type { Exit, ExitReason } from '../protocols/exit.ts'
import type { Evidence } from './history.ts'

export type { Exit, ExitReason }

/**
 * What may be said to an actor: a map from message type to the message and, where it is answered, the reply. Types that
 * start with `$` are private to the actor (outcomes of its own effects, timers, watches).
 */
export type AnyProtocol<P> = { readonly [T in keyof P]: { readonly message: object; readonly reply?: unknown } }

export type TypeOf<P> = keyof P & string
export type MessageOf<P, T extends keyof P> = P[T] extends { readonly message: infer M } ? M : never
export type ReplyOf<P, T extends keyof P> = P[T] extends { readonly reply: infer R } ? R : never
/** Types that are answered. */
export type AskTypeOf<P> = { [T in TypeOf<P>]: P[T] extends { readonly reply: unknown } ? T : never }[TypeOf<P>]

/** normal, shutdown and handover are clean; a transient child is restarted after any other. */
export const isCleanExit = (exit: Exit): boolean => exit.reason === 'normal' || exit.reason === 'shutdown' || exit.reason === 'handover'

/** One incarnation of an actor. A message to one that has ended becomes a dead letter; it never reaches the next. */
export type ActorRef<P> = {
  readonly name: string
  /** From 1, per name. */
  readonly incarnation: number
  /** `name$incarnation`. */
  readonly id: string
  /** Type only. */
  readonly protocol?: (protocol: P) => void
}

/** Whichever incarnation has the name when the message is sent: how siblings find each other. */
export type Named<P> = { readonly name: string; readonly incarnation?: undefined; readonly protocol?: (protocol: P) => void }
export const named = <P>(name: string): Named<P> => ({ name })
export type Target<P> = ActorRef<P> | Named<P>

/** Answers an ask. Only the first call counts; may be kept and called after the handler has returned. */
export interface ReplyFunction<R> {
  (value: R): void
  /** Fails the ask with this error. */
  fail(error: unknown): void
}

/** How an outcome becomes a message to oneself: `['$provisioned', ({ path }) => ({ path })]`. */
export type Mapping<P, V> = { [T in TypeOf<P>]: readonly [type: T, map: (value: V) => MessageOf<P, T>] }[TypeOf<P>]

/** What a handler may do. Every method throws ERR_ACTOR_FENCED once the incarnation was given up. */
export interface ActorContext<P> {
  readonly self: ActorRef<P>
  /** Aborted when the actor stops, for whatever reason, or is fenced. */
  readonly signal: AbortSignal
  /** Why this actor ends, once it does: what to do about work under way depends on whether another incarnation takes it over. */
  readonly endingReason: ExitReason | null
  now(): number
  monotonic(): number
  random(): number
  tell<Q, T extends TypeOf<Q>>(target: Target<Q>, type: T, message: MessageOf<Q, T>): void
  /** @throws ERR_ASK_TIMEOUT, ERR_ASK_CANCELLED, ERR_ACTOR_NOT_FOUND, ERR_ACTOR_STOPPED, ERR_ACTOR_RESTARTED, ERR_MAILBOX_FULL, or what the other failed it with. Awaiting it inside a handler keeps this actor from its other mail: prefer `run`. */
  ask<Q, T extends AskTypeOf<Q>>(target: Target<Q>, type: T, message: MessageOf<Q, T>, options: AskOptions): Promise<ReplyOf<Q, T>>
  /** Runs an effect beside the mailbox; its outcome comes back as a message on the system lane. Aborted when the actor stops; an outcome that comes later is dropped. */
  run<V>(
    effect: (signal: AbortSignal) => Promise<V> | V,
    outcome: { readonly done: Mapping<P, V>; readonly failed: Mapping<P, unknown> },
  ): void
  /** Exactly one exit message per watch, at once if the target has ended already (reason `normal` unknown → 'killed' is never invented: the recorded exit is given, or ERR_ACTOR_NOT_FOUND as error). @returns stops the watch */
  watch<Q>(target: ActorRef<Q>, mapping: Mapping<P, Exit>): () => void
  /** Sends oneself a message after `delayMs`; a timer of the same name is replaced. Cancelled when the actor stops. */
  setTimer<T extends TypeOf<P>>(name: string, delayMs: number, type: T, message: MessageOf<P, T>): void
  cancelTimer(name: string): void
  /** The actor that has this name now. */
  lookup<Q>(name: string): ActorRef<Q> | undefined
  /** Ends this actor after the present handler: `terminate` runs, then it exits. Only the first call counts. */
  exit(reason: 'normal' | 'shutdown' | 'crashed', error?: unknown): void
}

/** An actor that ended. `evidence`: of an end that was not clean, and only while the observer is called. */
export type ExitedActor = {
  readonly name: string
  readonly incarnation: number
  readonly kind: string
  readonly exit: Exit
  readonly evidence?: () => Evidence
}

export type Handler<P, S, T extends keyof P> = (
  ctx: ActorContext<P>,
  state: S,
  message: MessageOf<P, T>,
  reply: ReplyFunction<ReplyOf<P, T>>,
) => S | Promise<S>

/** How an actor behaves: a handler for every message of its protocol, or it does not compile. */
export type ActorDefinition<P, S, A> = {
  /** Such as `lane`: shown in trees. */
  readonly kind: string
  /** Makes the first state, recovering it from records: the same code for a first start and for a restart. The start is acknowledged when it resolves. */
  init(ctx: ActorContext<P>, args: A): S | Promise<S>
  readonly on: { readonly [T in TypeOf<P>]: Handler<P, S, T> }
  /** Runs once on a stop (asked for, or after a crash, with the last good state), within the child's shutdown time. Not on `killed`. */
  terminate?(ctx: ActorContext<P>, state: S, exit: Exit): void | Promise<void>
  /** Time for `init`. @defaultValue 30,000 ms */
  readonly initLimitMs?: number
  /** Time for one handler; beyond it the incarnation is fenced and exits `timeout`. @defaultValue 60,000 ms */
  readonly handlerLimitMs?: number
  /** User mail that may wait. @defaultValue 10,000 */
  readonly mailboxLimit?: number
  /** What a full mailbox does. @defaultValue reject */
  readonly overflow?: Overflow
}

/**
 * What a full mailbox does with user mail; each is counted, and each ask of a lost one fails with ERR_MAILBOX_FULL.
 * reject: takes no more; a tell becomes a dead letter, an ask only fails. drop-new: the new one becomes a dead letter, an
 * ask's too. drop-old: the oldest becomes a dead letter and makes place.
 */
export type Overflow = 'reject' | 'drop-new' | 'drop-old'

/** How an ask waits. */
export type AskOptions = {
  readonly timeoutMs: number
  /** Gives the answer up: the ask fails with ERR_ASK_CANCELLED. What is sent stays sent; with a signal that is aborted already nothing is. */
  readonly signal?: AbortSignal
}

export const defineActor = <P extends AnyProtocol<P>, S, A>(definition: ActorDefinition<P, S, A>): ActorDefinition<P, S, A> => definition

export type DeadLetter = {
  /** From 1, in the order in which they came. */
  readonly number: number
  readonly at: number
  readonly to: string
  readonly from: string | null
  readonly type: string
  readonly message: unknown
  /** not-found: nobody has the name; ended, restarted: that incarnation is over; full: mailbox limit; poison: its handler threw; fenced: sent by an incarnation that was given up. */
  readonly reason: 'not-found' | 'ended' | 'restarted' | 'full' | 'poison' | 'fenced'
  readonly stack?: string
}
