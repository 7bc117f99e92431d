import type { Clock } from '../ports/clock.port.ts'
import type { Random } from '../ports/random.port.ts'
import type { Scheduler } from '../ports/scheduler.port.ts'
import { toErrorRecord } from '../protocols/errors.ts'
import { Ask } from './ask.ts'
import { Deadlines } from './deadlines.ts'
import { DeadLetters } from './dead-letters.ts'
import { cancelled, lateAnswer, mailboxFull, stackOf, type To, unreachable } from './delivery-errors.ts'
import { endWatch, type Incarnation, tiesOf, type Watch } from './incarnation.types.ts'
import type { Token, UserMail } from './mailbox.ts'
import { Registry } from './registry.ts'
import { Tracing } from './tracing.ts'
import { TurnClock } from './turn-clock.ts'
import type { ActorRef, AskOptions, DeadLetter, Exit, ExitedActor } from './types.ts'
import type { Watcher } from './watcher.ts'

/** What the kernel tells about actors as it happens. */
export type KernelObserver = {
  started?(actor: { readonly name: string; readonly incarnation: number; readonly kind: string; readonly supervisor: string | null }): void
  exited?(actor: ExitedActor): void
  deadLetter?(letter: DeadLetter): void
}

/** Moves messages between actors. Actors reach it only through their contexts; supervisors hold it, to start actors on it. */
export class Kernel {
  readonly clock: Clock
  /** Of the drain that runs. */
  readonly turn: TurnClock
  readonly random: Random
  readonly scheduler: Scheduler
  readonly observer: KernelObserver
  readonly registry: Registry = new Registry()
  readonly dead: DeadLetters
  /** Of asks. */
  readonly deadlines: Deadlines
  readonly tracing: Tracing

  /** @param options.history messages that each actor keeps. @defaultValue 0. @throws ERR_OPTION_INVALID */
  constructor(options: { scheduler: Scheduler; clock: Clock; random: Random; observer: KernelObserver; history?: number }) {
    this.clock = options.clock
    this.turn = new TurnClock(options.clock)
    this.random = options.random
    this.scheduler = options.scheduler
    this.observer = options.observer
    this.deadlines = new Deadlines(options.clock)
    this.dead = new DeadLetters((letter) => this.observer.deadLetter?.(letter))
    this.tracing = new Tracing(this.clock, options.history ?? 0)
  }

  /** For an actor that starts. @returns null where nobody looks at it */
  watcherOf(actor: Incarnation): Watcher | null {
    return this.tracing.watcherOf(actor)
  }

  lookup<Q>(name: string): ActorRef<Q> | undefined {
    return this.registry.lookup(name)?.ref as ActorRef<Q> | undefined
  }

  tell(from: Incarnation | null, to: To, type: string, message: object): void {
    const sender = from?.ref.id ?? null
    const cell = this.registry.resolve(to)
    if (typeof cell === 'string') this.deadLetter(to, type, message, sender, cell)
    else this.post(cell, to, { lane: 'user', type, message, from: sender, ask: null, at: null })
  }

  ask(from: Incarnation | null, to: To, type: string, message: object, { timeoutMs, signal }: AskOptions): Promise<unknown> {
    const cell = this.registry.resolve(to)
    if (typeof cell === 'string') return refused(unreachable(to, type, cell))
    if (signal?.aborted === true) return refused(cancelled(to, type))
    const ask = new Ask(type, (tiesOf(cell).asks ??= new Set()), from === null ? null : (tiesOf(from).asking ??= new Set()))
    this.post(cell, to, { lane: 'user', type, message, from: from?.ref.id ?? null, ask, at: null })
    ask.limitBy(this.deadlines, timeoutMs, () => lateAnswer(cell.ref, type, timeoutMs))
    if (signal !== undefined) ask.cancelBy(signal, () => cancelled(cell.ref, type))
    return ask.promise
  }

  /** What finds no place in the mailbox is never silently lost: who asked is told, the rest are dead letters. */
  private post(cell: Incarnation, to: To, mail: UserMail): void {
    const lost = cell.postUser(mail)
    if (lost === null) return
    lost.ask?.fail(mailboxFull(cell, lost.type))
    if (lost.ask === null || cell.mailbox.overflow !== 'reject')
      this.deadLetter(lost === mail ? to : cell.ref, lost.type, lost.message, lost.from, 'full')
    else this.tracing.dropped(to, cell.mailbox.waiting, lost.type, lost.message, lost.from, 'full')
  }

  /** @returns stops the watch. */
  watch(by: Incarnation, target: To & { readonly id: string }, token: Token, tell: (exit: Exit) => void): () => void {
    const cell = this.registry.resolve(target)
    if (typeof cell === 'string') {
      tell(this.registry.exitOf(target.id) ?? { reason: 'normal', error: toErrorRecord(unreachable(target, 'watch', 'not-found')) })
      return () => void (token.cancelled = true)
    }
    const watch: Watch = { by, target: cell, tell }
    ;(tiesOf(cell).watchers ??= new Set()).add(watch)
    ;(tiesOf(by).watching ??= new Set()).add(watch)
    return () => {
      token.cancelled = true
      endWatch(watch)
    }
  }

  /** Sends a dead letter again, as it was sent, to the actor that has the name now. Nobody waits for an answer any more. */
  retry({ number, to, type, message, from }: DeadLetter): ActorRef<unknown> | undefined {
    const name = to.replace(/\$\d+$/u, '')
    const cell = this.registry.lookup(name)
    if (cell === null || cell === undefined) return undefined
    this.dead.remove(number)
    this.post(cell, cell.ref, { lane: 'user', type, message: message as object, from, ask: null, at: null })
    return cell.ref
  }

  deadLetter(to: To, type: string, message: unknown, from: string | null, reason: DeadLetter['reason'], error?: unknown): void {
    if (this.tracing.isOn) this.tracing.dropped(to, this.registry.lookup(to.name)?.mailbox.waiting ?? 0, type, message, from, reason)
    this.dead.add({ at: this.clock.now(), to: to.id ?? to.name, from, type, message, reason, ...stackOf(error) })
  }
}

/** Who does not look at an ask's answer must not end the process. */
const refused = (error: unknown): Promise<never> => {
  const promise = Promise.reject(error)
  promise.catch(() => {})
  return promise
}
