import type { Ask } from './ask.ts'
import type { Mailbox, Token, UserMail } from './mailbox.ts'
import type { Entry } from './registry.ts'
import type { ActorRef, Exit, ExitReason } from './types.ts'
import type { Watcher } from './watcher.ts'

/** How long an actor may take to end: not at all, as long as it likes, or ms. */
export type ShutdownTime = 'brutal' | 'infinity' | number

/** One incarnation of an actor, as the rest of the kernel and its supervisor see it. */
export interface Incarnation {
  /** Made when somebody asks. */
  readonly ref: ActorRef<unknown>
  /** As in `ref`. */
  readonly incarnation: number
  readonly phase: 'starting' | 'running' | 'stopping' | 'ended'
  readonly mailbox: Mailbox
  /** Null until it has any: see `tiesOf`. */
  ties: Ties | null
  /** True once it must not act any more. */
  readonly isClosed: boolean
  /** Set when it has ended. */
  readonly exit: Exit | null
  /** Why it was asked to end, or ends by itself. */
  readonly endingReason: ExitReason | null
  /** Messages that it has handled. */
  readonly handled: number
  /** Lets it initialise: at once, unless that takes a promise. */
  begin(args: unknown): void
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

/** What binds an actor to others. Each made when first needed, as are the ties themselves: most actors of many never need any (ADR 7). */
export class Ties {
  /** Asks that this actor must answer. */
  asks: Set<Ask> | null = null
  /** Asks that this actor waits for. */
  asking: Set<Ask> | null = null
  /** Who is to be told of this actor's end. */
  watchers: Set<Watch> | null = null
  /** Whose end this actor is to be told of. */
  watching: Set<Watch> | null = null
  /** The latest of the names that it has as their supervisor. For the registry. */
  names: Entry | null = null
}

/** For one more tie. */
export const tiesOf = (actor: Incarnation): Ties => (actor.ties ??= new Ties())

/** One actor's wish to be told of another's end. */
export type Watch = { readonly by: Incarnation; readonly target: Incarnation; readonly tell: (exit: Exit) => void }

export const endWatch = (watch: Watch): void => {
  watch.by.ties?.watching?.delete(watch)
  watch.target.ties?.watchers?.delete(watch)
}

/** Who starts actors, and is told, at once, how each fares: one for all of a supervisor's. `tag` is what it knows an actor by. */
export interface Parent {
  /** Null above a root. */
  readonly actor: Incarnation | null
  /** Time for `terminate` when the actor ends by itself. */
  shutdownOf(tag: unknown): ShutdownTime
  started(tag: unknown, actor: Incarnation): void
  exited(tag: unknown, actor: Incarnation, exit: Exit, error: unknown): void
  /** Whether the next incarnation is to be started after this exit: tells senders whether to retry. */
  expectsRestart(tag: unknown, exit: Exit): boolean
}
