import type { Clock } from '../ports/clock.port.ts'
import type { Random } from '../ports/random.port.ts'
import type { Scheduler } from '../ports/scheduler.port.ts'
import { SignalboxError, toErrorRecord } from '../protocols/errors.ts'
import { Ask } from './ask.ts'
import { Cell, type CellOptions, endWatch, type Watch } from './cell.ts'
import { DeadLetters } from './dead-letters.ts'
import type { Token } from './mailbox.ts'
import { Registry, type Resolved } from './registry.ts'
import type { ActorRef, DeadLetter, Exit } from './types.ts'

/** What the kernel tells about actors as it happens. */
export type KernelObserver = {
  started?(actor: { readonly name: string; readonly incarnation: number; readonly kind: string; readonly supervisor: string | null }): void
  exited?(actor: { readonly name: string; readonly incarnation: number; readonly kind: string; readonly exit: Exit }): void
  deadLetter?(letter: DeadLetter): void
}

type To = { readonly name: string; readonly incarnation?: number | undefined; readonly id?: string }

/** Moves messages between actors. Whoever holds it may start actors: only supervisors do. */
export class Kernel {
  readonly clock: Clock
  readonly random: Random
  readonly scheduler: Scheduler
  readonly observer: KernelObserver
  readonly registry: Registry = new Registry()
  readonly dead: DeadLetters

  constructor(options: { scheduler: Scheduler; clock: Clock; random: Random; observer: KernelObserver }) {
    this.clock = options.clock
    this.random = options.random
    this.scheduler = options.scheduler
    this.observer = options.observer
    this.dead = new DeadLetters((letter) => this.observer.deadLetter?.(letter))
  }

  /** Starts an incarnation; `onStarted` or `onExit` tells how that went. */
  spawn(options: CellOptions): Cell {
    const cell = new Cell(this, options, this.registry.begin(options.name))
    this.registry.began(cell)
    cell.begin()
    return cell
  }

  lookup<Q>(name: string): ActorRef<Q> | undefined {
    return this.registry.lookup(name)?.ref as ActorRef<Q> | undefined
  }

  tell(from: Cell | null, to: To, type: string, message: object): void {
    const sender = from?.ref.id ?? null
    const cell = this.registry.resolve(to)
    if (typeof cell === 'string') this.deadLetter(to, type, message, sender, cell)
    else if (!cell.postUser({ lane: 'user', type, message, from: sender, ask: null })) this.deadLetter(to, type, message, sender, 'full')
  }

  ask(from: Cell | null, to: To, type: string, message: object, timeoutMs: number): Promise<unknown> {
    const cell = this.registry.resolve(to)
    if (typeof cell === 'string') {
      const refused = Promise.reject(unreachable(to, type, cell))
      refused.catch(() => {})
      return refused
    }
    const ask = new Ask(type, from === null ? [cell.asks] : [cell.asks, from.asking])
    if (cell.postUser({ lane: 'user', type, message, from: from?.ref.id ?? null, ask })) {
      ask.timer = this.clock.setTimer(timeoutMs, () => ask.fail(lateAnswer(cell, type, timeoutMs)))
    } else {
      ask.fail(mailboxFull(cell, type))
    }
    return ask.promise
  }

  /** @returns stops the watch. */
  watch(by: Cell, target: To & { readonly id: string }, token: Token, tell: (exit: Exit) => void): () => void {
    const cell = this.registry.resolve(target)
    if (typeof cell === 'string') {
      tell(this.registry.exitOf(target.id) ?? { reason: 'normal', error: toErrorRecord(unreachable(target, 'watch', 'not-found')) })
      return () => void (token.cancelled = true)
    }
    const watch: Watch = { by, target: cell, tell }
    cell.watchers.add(watch)
    by.watching.add(watch)
    return () => {
      token.cancelled = true
      endWatch(watch)
    }
  }

  deadLetter(to: To, type: string, message: unknown, from: string | null, reason: DeadLetter['reason'], error?: unknown): void {
    const stack = error instanceof Error && error.stack !== undefined ? { stack: error.stack } : {}
    this.dead.add({ at: this.clock.now(), to: to.id ?? to.name, from, type, message, reason, ...stack })
  }
}

const unreachable = (to: To, type: string, why: Exclude<Resolved, Cell>): SignalboxError => {
  const context = { actor: to.name, ...(to.incarnation === undefined ? {} : { incarnation: to.incarnation }), type }
  if (why === 'not-found') return new SignalboxError('ERR_ACTOR_NOT_FOUND', `no actor named "${to.name}" runs now`, { context })
  return endedError(to, type, why === 'restarted')
}

/** Why an ask of an actor that ended fails: it may be tried again with the next incarnation, if there is one. */
export const endedError = (to: To, type: string, restarted: boolean): SignalboxError =>
  restarted
    ? new SignalboxError('ERR_ACTOR_RESTARTED', `${to.id ?? to.name} was restarted before it answered "${type}"`, {
        context: { actor: to.name, type },
      })
    : new SignalboxError('ERR_ACTOR_STOPPED', `${to.id ?? to.name} ended before it answered "${type}"`, {
        context: { actor: to.name, type },
      })

const lateAnswer = (cell: Cell, type: string, timeoutMs: number): SignalboxError =>
  new SignalboxError('ERR_ASK_TIMEOUT', `${cell.ref.id} did not answer "${type}" within ${timeoutMs} ms`, {
    context: { actor: cell.ref.name, incarnation: cell.ref.incarnation, type, timeoutMs },
  })

const mailboxFull = (cell: Cell, type: string): SignalboxError =>
  new SignalboxError('ERR_MAILBOX_FULL', `${cell.ref.id} has ${cell.mailbox.limit} messages waiting and takes no "${type}"`, {
    context: { actor: cell.ref.name, incarnation: cell.ref.incarnation, type, limit: cell.mailbox.limit },
  })
