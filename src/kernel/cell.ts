import type { Timer } from '../ports/clock.port.ts'
import type { Runnable, Slot } from '../ports/scheduler.port.ts'
import { SignalboxError, toErrorRecord } from '../protocols/errors.ts'
import { type Ask, NO_REPLY } from './ask.ts'
import { CellContext } from './context.ts'
import { type ErasedDefinition, isPromise } from './erased.ts'
import { endedError, type Kernel } from './kernel.ts'
import { type Mail, Mailbox, type Token, type UserMail } from './mailbox.ts'
import { schedulerId } from './scheduler-id.ts'
import { type ActorRef, type Exit, type ExitReason, isCleanExit } from './types.ts'

/** What a supervisor says when it starts an actor. */
export type CellOptions = {
  readonly name: string
  readonly definition: ErasedDefinition
  readonly args: unknown
  readonly supervisor: Cell | null
  /** Time for `terminate` when the actor ends by itself. */
  readonly shutdown: 'brutal' | 'infinity' | number
  readonly onStarted?: (cell: Cell) => void
  /** `error` is what the exit's record was made of. */
  readonly onExit?: (cell: Cell, exit: Exit, error: unknown) => void
  /** Whether the supervisor means to start the next incarnation after this exit: tells senders whether to retry. */
  readonly expectRestart?: (exit: Exit) => boolean
}

/** One actor's wish to be told of another's end. */
export type Watch = { readonly by: Cell; readonly target: Cell; readonly tell: (exit: Exit) => void }

export const endWatch = (watch: Watch): void => {
  watch.by.watching.delete(watch)
  watch.target.watchers.delete(watch)
}

type Phase = 'starting' | 'running' | 'stopping' | 'ended'
type Ending = { readonly exit: Exit; readonly error: unknown }
type Outcome =
  | { readonly is: 'done'; readonly value: unknown }
  | { readonly is: 'failed'; readonly error: unknown }
  | { readonly is: 'late' | 'gone' }

const INIT_LIMIT_MS = 30_000
const HANDLER_LIMIT_MS = 60_000
const MAILBOX_LIMIT = 10_000
/** For an actor that ends by itself under a brutal shutdown, which leaves no time of its own. */
const TERMINATE_LIMIT_MS = 5_000

/** One incarnation of an actor: its mail, its state, its end. Handles one message at a time. */
export class Cell implements Runnable {
  readonly id: string
  readonly ref: ActorRef<unknown>
  readonly options: CellOptions
  readonly mailbox: Mailbox
  /** Asks that this actor must answer. */
  readonly asks: Set<Ask> = new Set()
  /** Asks that this actor waits for. */
  readonly asking: Set<Ask> = new Set()
  /** Who is to be told of this actor's end. */
  readonly watchers: Set<Watch> = new Set()
  /** Whose end this actor is to be told of. */
  readonly watching: Set<Watch> = new Set()
  readonly children: Set<Cell> = new Set()
  phase: Phase = 'starting'
  /** Set when it has ended. */
  exit: Exit | null = null
  private readonly kernel: Kernel
  private readonly context: CellContext
  private readonly slot: Slot
  private state: unknown = undefined
  private isScheduled = false
  private isFenced = false
  private hasBegun = false
  private ending: Ending | null = null
  private deadline: Timer | null = null
  private current: UserMail | null = null
  private giveUp: (() => void) | null = null

  constructor(kernel: Kernel, options: CellOptions, incarnation: number) {
    const { name, definition } = options
    this.kernel = kernel
    this.options = options
    this.id = schedulerId(name, incarnation)
    this.ref = { name, incarnation, id: `${name}$${incarnation}` }
    this.mailbox = new Mailbox(definition.mailboxLimit ?? MAILBOX_LIMIT)
    this.context = new CellContext(kernel, this)
    this.slot = kernel.scheduler.attach(this)
  }

  /** True once the incarnation must not act any more. */
  get isClosed(): boolean {
    return this.isFenced || this.phase === 'ended'
  }

  /** Why it was asked to end, or ends by itself. */
  get endingReason(): ExitReason | null {
    return this.ending?.exit.reason ?? null
  }

  begin(): void {
    this.options.supervisor?.children.add(this)
    this.wake()
  }

  postSystem(type: string, make: () => object, token: Token | null = null): void {
    if (this.isClosed) return
    this.mailbox.addSystem({ lane: 'system', type, make, token })
    this.wake()
  }

  /** @returns false when the mailbox is full. */
  postUser(mail: UserMail): boolean {
    if (!this.mailbox.addUser(mail)) return false
    this.wake()
    return true
  }

  /** Asks the actor to end in its time: after the present handler, by `terminate`. */
  stop(reason: 'shutdown' | 'handover', shutdown: 'brutal' | 'infinity' | number): void {
    if (this.phase === 'ended') return
    if (shutdown === 'brutal') return this.kill()
    if (shutdown !== 'infinity' && this.deadline === null) this.deadline = this.kernel.clock.setTimer(shutdown, () => this.kill())
    this.endWith({ reason }, undefined)
  }

  /** Ends the incarnation at once; a handler that still runs is fenced. */
  kill(): void {
    this.end({ reason: 'killed' }, undefined)
  }

  exitSelf(reason: 'normal' | 'shutdown' | 'crashed', error: unknown): void {
    this.endWith(reason === 'crashed' ? { reason, error: toErrorRecord(error ?? 'exit without an error') } : { reason }, error)
  }

  /** Ends it after the present handler. Only the first call counts. */
  endWith(exit: Exit, error: unknown): void {
    if (this.ending !== null || this.phase === 'ended') return
    this.ending = { exit, error }
    // An init may take long and cannot be followed by anything: let it go early.
    if (this.phase === 'starting') this.context.abortNow()
    this.wake()
  }

  drain(budget: number): boolean | Promise<boolean> {
    for (let left = budget; left > 0; left -= 1) {
      const pending = this.step()
      if (pending === null) return this.rest()
      if (pending !== undefined) return this.drainLater(pending, left - 1)
    }
    return this.rest()
  }

  private async drainLater(pending: Promise<void>, left: number): Promise<boolean> {
    await pending
    return left > 0 ? this.drain(left) : this.rest()
  }

  /** @returns whether there is more to do. */
  private rest(): boolean {
    this.isScheduled = this.phase !== 'ended' && (this.ending !== null || !this.mailbox.isEmpty)
    return this.isScheduled
  }

  private wake(): void {
    if (this.isScheduled || this.phase === 'ended') return
    this.isScheduled = true
    this.slot.wake()
  }

  /** Does one thing. @returns null when there is nothing to do, a promise when it takes time */
  private step(): Promise<void> | undefined | null {
    if (this.phase === 'ended') return null
    if (!this.hasBegun) return this.initialise()
    if (this.ending !== null) return this.finish(this.ending)
    const mail = this.mailbox.next()
    return mail === undefined ? null : this.handle(mail)
  }

  private initialise(): Promise<void> | undefined {
    this.hasBegun = true
    const { definition, args } = this.options
    // Stopped before it began.
    if (this.ending !== null) return this.end(this.ending.exit, this.ending.error)
    let made: unknown
    try {
      made = definition.init(this.context, args)
    } catch (error) {
      return this.initFailed(error)
    }
    return isPromise(made) ? this.initialiseLater(made, definition.initLimitMs ?? INIT_LIMIT_MS) : this.started(made)
  }

  private async initialiseLater(made: PromiseLike<unknown>, limitMs: number): Promise<void> {
    const outcome = await this.settled(made, limitMs)
    if (outcome.is === 'done') this.started(outcome.value)
    else if (outcome.is === 'failed') this.initFailed(outcome.error)
    else if (outcome.is === 'late') this.tooLate('init', limitMs)
  }

  private initFailed(error: unknown): undefined {
    if (this.ending !== null) return this.end(this.ending.exit, this.ending.error)
    return this.end({ reason: 'init_failed', error: toErrorRecord(error) }, error)
  }

  private started(state: unknown): undefined {
    this.state = state
    this.phase = 'running'
    const { definition, supervisor } = this.options
    this.kernel.observer.started?.({ ...this.ref, kind: definition.kind, supervisor: supervisor?.ref.name ?? null })
    this.options.onStarted?.(this)
  }

  private handle(mail: Mail): Promise<void> | undefined {
    const { definition } = this.options
    const user = mail.lane === 'user' ? mail : null
    let message: object = mail
    let next: unknown
    try {
      message = user === null ? (mail as Exclude<Mail, UserMail>).make() : user.message
      const handler = Object.hasOwn(definition.on, mail.type) ? definition.on[mail.type] : undefined
      if (handler === undefined) throw new Error(`${definition.kind} has no handler for "${mail.type}"`)
      this.current = user
      next = handler(this.context, this.state, message, user?.ask?.reply ?? NO_REPLY)
    } catch (error) {
      return this.poisoned(mail, message, error)
    }
    if (isPromise(next)) return this.handleLater(mail, message, next)
    this.current = null
    this.state = next
    return undefined
  }

  private async handleLater(mail: Mail, message: object, next: PromiseLike<unknown>): Promise<void> {
    const limitMs = this.options.definition.handlerLimitMs ?? HANDLER_LIMIT_MS
    const outcome = await this.settled(next, limitMs)
    if (outcome.is === 'done') {
      this.current = null
      this.state = outcome.value
    } else if (outcome.is === 'failed') {
      this.poisoned(mail, message, outcome.error)
    } else if (outcome.is === 'late') {
      this.poison(mail, message, undefined)
      this.tooLate(mail.type, limitMs)
    }
  }

  /** The handler threw: the message is put aside and the actor ends. */
  private poisoned(mail: Mail, message: object, error: unknown): undefined {
    this.current = null
    // Killed by its own handler: the end has dealt with the message.
    if (this.isClosed) return
    this.poison(mail, message, error)
    this.ending = { exit: { reason: 'crashed', error: toErrorRecord(error) }, error }
  }

  private poison(mail: Mail, message: object, error: unknown): void {
    const from = mail.lane === 'user' ? mail.from : this.ref.id
    this.current = null
    this.kernel.deadLetter(this.ref, mail.type, message, from, 'poison', error)
    if (mail.lane === 'system') return
    mail.ask?.fail(
      new SignalboxError('ERR_ACTOR_HANDLER_FAILED', `${this.ref.id} failed at "${mail.type}"`, {
        context: { actor: this.ref.name, incarnation: this.ref.incarnation, type: mail.type },
        cause: error,
      }),
    )
  }

  private tooLate(what: string, limitMs: number): void {
    const error = new Error(`${this.ref.id} did not finish "${what}" within ${limitMs} ms`)
    this.end({ reason: 'timeout', error: toErrorRecord(error) }, error)
  }

  /** `terminate` within its time, then the end. */
  private finish({ exit, error }: Ending): Promise<void> | undefined {
    const { definition, shutdown } = this.options
    this.phase = 'stopping'
    this.context.abortNow()
    let pending: unknown
    try {
      pending = definition.terminate?.(this.context, this.state, exit)
    } catch (failure) {
      return this.terminateFailed(exit, error, failure)
    }
    if (!isPromise(pending)) return this.end(exit, error)
    // A stop that was asked for has its deadline already.
    const own = shutdown === 'brutal' ? TERMINATE_LIMIT_MS : shutdown === 'infinity' ? Infinity : shutdown
    return this.finishLater(exit, error, pending, this.deadline === null ? own : Infinity)
  }

  private async finishLater(exit: Exit, error: unknown, pending: PromiseLike<unknown>, limitMs: number): Promise<void> {
    const outcome = await this.settled(pending, limitMs)
    if (outcome.is === 'done') this.end(exit, error)
    else if (outcome.is === 'failed') this.terminateFailed(exit, error, outcome.error)
    else if (outcome.is === 'late') this.end(isCleanExit(exit) ? { reason: 'killed' } : exit, error)
  }

  private terminateFailed(exit: Exit, error: unknown, failure: unknown): undefined {
    if (!isCleanExit(exit)) return this.end(exit, error)
    return this.end({ reason: 'crashed', error: toErrorRecord(failure) }, failure)
  }

  /** Waits for a promise: at most for its limit, and no longer than the incarnation lives. */
  private settled(pending: PromiseLike<unknown>, limitMs: number): Promise<Outcome> {
    return new Promise((resolve) => {
      const timer = Number.isFinite(limitMs) ? this.kernel.clock.setTimer(limitMs, () => settle({ is: 'late' })) : null
      const settle = (outcome: Outcome): void => {
        timer?.cancel()
        this.giveUp = null
        resolve(outcome)
      }
      this.giveUp = () => settle({ is: 'gone' })
      pending.then(
        (value) => settle(this.isClosed ? { is: 'gone' } : { is: 'done', value }),
        (error: unknown) => settle(this.isClosed ? { is: 'gone' } : { is: 'failed', error }),
      )
    })
  }

  /** The end of the incarnation, in whatever way: everything that belongs to it is given back. */
  private end(exit: Exit, error: unknown): undefined {
    if (this.phase === 'ended') return
    this.isFenced = true
    // A supervisor that is given up must not leave actors without one.
    for (const child of [...this.children].toReversed()) child.kill()
    this.phase = 'ended'
    this.exit = exit
    this.deadline?.cancel()
    this.context.close()
    this.slot.release()
    const { supervisor, definition } = this.options
    const restarts = this.options.expectRestart?.(exit) ?? false
    supervisor?.children.delete(this)
    this.kernel.registry.ended(this, exit, restarts)
    this.kernel.registry.releaseAll(this)
    this.kernel.observer.exited?.({ ...this.ref, kind: definition.kind, exit })
    this.returnMail(restarts)
    for (const watch of this.watching) endWatch(watch)
    for (const watch of this.watchers) {
      endWatch(watch)
      watch.tell(exit)
    }
    this.giveUp?.()
    this.options.onExit?.(this, exit, error)
  }

  /** What waited becomes dead letters; who asked, or was asked, is told. */
  private returnMail(restarts: boolean): void {
    const waiting = this.mailbox.close()
    if (this.current !== null) waiting.unshift(this.current)
    this.current = null
    for (const { type, message, from } of waiting) {
      this.kernel.deadLetter(this.ref, type, message, from, restarts ? 'restarted' : 'ended')
    }
    for (const ask of this.asks) ask.fail(endedError(this.ref, ask.type, restarts))
    for (const ask of this.asking) {
      ask.fail(
        new SignalboxError('ERR_ACTOR_FENCED', `${this.ref.id} ended while it waited for an answer`, { context: { actor: this.ref.name } }),
      )
    }
  }
}
