import type { Ask } from './ask.ts'
import type { ErasedDefinition } from './erased.ts'
import type { Mailbox, Token, UserMail } from './mailbox.ts'
import type { Entry } from './registry.ts'
import type { ActorRef, Exit, ExitReason } from './types.ts'
import type { Watcher } from './watcher.ts'

/** How long an actor may take to end: not at all, as long as it likes, or ms. */
export type ShutdownTime = 'brutal' | 'infinity' | number

/** One incarnation of an actor, as the rest of the kernel and its supervisor see it. */
export interface Incarnation {
  readonly ref: ActorRef<unknown>
  readonly phase: 'starting' | 'running' | 'stopping' | 'ended'
  readonly mailbox: Mailbox
  /** Asks that this actor must answer. As all sets here, made when first needed: most actors of many never do (ADR 7). */
  asks: Set<Ask> | null
  /** Asks that this actor waits for. */
  asking: Set<Ask> | null
  /** Who is to be told of this actor's end. */
  watchers: Set<Watch> | null
  /** Whose end this actor is to be told of. */
  watching: Set<Watch> | null
  /** The latest of the names that it has as their supervisor. For the registry. */
  names: Entry | null
  /** True once it must not act any more. */
  readonly isClosed: boolean
  /** Set when it has ended. */
  readonly exit: Exit | null
  /** Why it was asked to end, or ends by itself. */
  readonly endingReason: ExitReason | null
  /** Messages that it has handled. */
  readonly handled: number
  /** Lets it initialise: at once, unless that takes a promise. */
  begin(): void
  /** User mail that its handler is at work on. */
  readonly current: UserMail | null
  /** Who started it; null for a root. */
  readonly supervisor: Incarnation | null
  /** Set while somebody looks at it. */
  watcher: Watcher | null
  postSystem(type: string, make: () => object, token?: Token | null): void
  /** @returns the mail that found no place */
  postUser(mail: UserMail): UserMail | null
  /** Asks it to end in its time: after the present handler, by `terminate`. */
  stop(reason: 'shutdown' | 'handover', shutdown: ShutdownTime): void
  /** Ends it at once; a handler that still runs is fenced. */
  kill(): void
  /** Whether it handles nothing: its mail waits. */
  readonly isSuspended: boolean
  /** From the end of the present handler on it handles nothing, timers and outcomes included; it can still be ended. As `sys:suspend` of OTP. */
  suspend(): void
  /** It goes on with what waited. */
  resume(): void
  /** Ends it after the present handler. Only the first call counts. `error` is what the exit's record was made of. */
  endWith(exit: Exit, error: unknown): void
}

/** One actor's wish to be told of another's end. */
export type Watch = { readonly by: Incarnation; readonly target: Incarnation; readonly tell: (exit: Exit) => void }

export const endWatch = (watch: Watch): void => {
  watch.by.watching?.delete(watch)
  watch.target.watchers?.delete(watch)
}

/** What a supervisor says when it starts an actor. */
export type StartOptions = {
  readonly name: string
  readonly definition: ErasedDefinition
  readonly args: unknown
  readonly supervisor: Incarnation | null
  /** Time for `terminate` when the actor ends by itself. */
  readonly shutdown: ShutdownTime
  readonly life: Life
  /** What `life` knows it by. */
  readonly tag: unknown
}

/** Who is told, at once, how an actor fares: methods rather than functions made for each actor. */
export interface Life {
  started(tag: unknown, actor: Incarnation): void
  exited(tag: unknown, actor: Incarnation, exit: Exit, error: unknown): void
  /** Whether the next incarnation is to be started after this exit: tells senders whether to retry. */
  expectsRestart(tag: unknown, exit: Exit): boolean
}
