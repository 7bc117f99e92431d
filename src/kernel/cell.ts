import type { Timer } from '../ports/clock.port.ts'
import type { Runnable, Slot } from '../ports/scheduler.port.ts'
import { type Ask, NO_REPLY } from './ask.ts'
import { CellContext } from './context.ts'
import { ended, fenced, handlerFailed, recordOf, tookTooLong } from './delivery-errors.ts'
import { isPromise } from './erased.ts'
import type { Evidence } from './history.ts'
import { endWatch, type Incarnation, type ShutdownTime, type StartOptions, type Watch } from './incarnation.types.ts'
import type { Kernel } from './kernel.ts'
import { HANDLER_LIMIT_MS, INIT_LIMIT_MS, MAILBOX_LIMIT, TERMINATE_LIMIT_MS } from './limits.ts'
import { type Mail, Mailbox, type Token, type UserMail } from './mailbox.ts'
import { type Outcome, Patience } from './patience.ts'
import type { Entry } from './registry.ts'
import { schedulerId } from './scheduler-id.ts'
import { type ActorRef, type Exit, type ExitReason, isCleanExit } from './types.ts'
import { Watcher } from './watcher.ts'

type Ending = { readonly exit: Exit; readonly error: unknown }

/** Makes an incarnation, that is to `begin`; its `life` is told how that goes. */
export const newActor = (kernel: Kernel, options: StartOptions): Incarnation => {
  const cell = new Cell(kernel, options)
  cell.watcher = kernel.watcherOf(cell)
  return cell
}

/** One incarnation of an actor: its mail, its state, its end. Handles one message at a time. */
class Cell implements Runnable, Incarnation {
  readonly ref: ActorRef<unknown>
  private mail: Mailbox | null = null
  asks: Set<Ask> | null = null
  asking: Set<Ask> | null = null
  watchers: Set<Watch> | null = null
  watching: Set<Watch> | null = null
  names: Entry | null = null
  phase: Incarnation['phase'] = 'starting'
  exit: Exit | null = null
  handled = 0
  watcher: Watcher | null = null
  private readonly options: StartOptions
  private readonly kernel: Kernel
  private readonly context: CellContext
  /** Made at the first wake: most actors of many are never woken. */
  private slot: Slot | null = null
  private patience: Patience | null = null
  private state: unknown = undefined
  /** Awake, or in `init`, after which it looks for itself. */
  private isScheduled = true
  private isFenced = false
  isSuspended = false
  private ending: Ending | null = null
  private deadline: Timer | null = null
  current: UserMail | null = null

  constructor(kernel: Kernel, options: StartOptions) {
    const { name } = options
    this.kernel = kernel
    this.options = options
    const incarnation = kernel.registry.begin(this, name)
    this.ref = { name, incarnation, id: `${name}$${incarnation}` }
    this.context = new CellContext(kernel, this)
  }

  get id(): string {
    return schedulerId(this.ref)
  }

  /** Made at the first message. */
  get mailbox(): Mailbox {
    return this.mail ?? this.makeMailbox()
  }

  private makeMailbox(): Mailbox {
    const { mailboxLimit, overflow } = this.options.definition
    return (this.mail = new Mailbox(mailboxLimit ?? MAILBOX_LIMIT, overflow ?? 'reject'))
  }

  get isClosed(): boolean {
    return this.isFenced || this.phase === 'ended'
  }

  get supervisor(): Incarnation | null {
    return this.options.supervisor
  }

  get endingReason(): ExitReason | null {
    return this.ending?.exit.reason ?? null
  }

  postSystem(type: string, make: () => object, token: Token | null = null): void {
    if (this.isClosed) return
    this.mailbox.addSystem({ lane: 'system', type, make, token })
    this.wake()
  }

  postUser(mail: UserMail): UserMail | null {
    const lost = this.mailbox.addUser(mail)
    if (this.watcher !== null && lost !== mail) this.watcher.enqueued(mail)
    if (lost !== mail) this.wake()
    return lost
  }

  stop(reason: 'shutdown' | 'handover', shutdown: ShutdownTime): void {
    if (this.phase === 'ended') return
    if (shutdown === 'brutal') return this.kill()
    if (shutdown !== 'infinity' && this.deadline === null) this.deadline = this.kernel.clock.setTimer(shutdown, () => this.kill())
    this.endWith({ reason }, undefined)
  }

  kill(): void {
    this.end({ reason: 'killed' }, undefined)
  }

  suspend(): void {
    if (this.phase !== 'ended') this.isSuspended = true
  }

  resume(): void {
    this.isSuspended = false
    if (this.mail !== null && !this.mail.isEmpty) this.wake()
  }

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
    this.isScheduled = this.phase !== 'ended' && (this.ending !== null || (!this.isSuspended && this.mail !== null && !this.mail.isEmpty))
    return this.isScheduled
  }

  wake(): void {
    if (this.isScheduled || this.phase === 'ended' || (this.isSuspended && this.ending === null)) return
    this.isScheduled = true
    this.slotNow().wake()
  }

  private slotNow(): Slot {
    return (this.slot ??= this.kernel.scheduler.attach(this))
  }

  /** Does one thing. @returns null when there is nothing to do, a promise when it takes time */
  private step(): Promise<void> | undefined | null {
    if (this.phase === 'ended') return null
    if (this.ending !== null) return this.finish(this.ending)
    if (this.isSuspended) return null
    const mail = this.mail?.next()
    return mail === undefined ? null : this.handle(mail)
  }

  begin(): void {
    const pending = this.initialise()
    if (pending === undefined) this.begun()
    else void pending.then(() => this.begun())
  }

  private begun(): void {
    if (this.rest()) this.slotNow().wake()
  }

  private initialise(): Promise<void> | undefined {
    const { definition, args } = this.options
    let made: unknown
    try {
      made = definition.init(this.context, args)
    } catch (error) {
      return this.initFailed(error)
    }
    return isPromise(made) ? this.initialiseLater(made, definition.initLimitMs ?? INIT_LIMIT_MS) : this.started(made)
  }

  private async initialiseLater(made: PromiseLike<unknown>, limitMs: number): Promise<void> {
    const outcome = await this.wait(made, limitMs)
    if (outcome.is === 'done') this.started(outcome.value)
    else if (outcome.is === 'failed') this.initFailed(outcome.error)
    else if (outcome.is === 'late') this.tooLate('init', limitMs)
  }

  private wait(pending: PromiseLike<unknown>, limitMs: number): Promise<Outcome> {
    this.patience ??= new Patience(this.kernel.clock)
    return this.patience.wait(pending, limitMs)
  }

  private initFailed(error: unknown): undefined {
    if (this.ending !== null) return this.end(this.ending.exit, this.ending.error)
    return this.end({ reason: 'init_failed', error: recordOf(error) }, error)
  }

  private started(state: unknown): undefined {
    // Killed in the midst of its own init.
    if (this.isClosed) return
    this.state = state
    this.phase = 'running'
    const { definition, supervisor } = this.options
    this.watcher?.started()
    this.kernel.observer.started?.({ ...this.ref, kind: definition.kind, supervisor: supervisor?.ref.name ?? null })
    this.options.life.started(this.options.tag, this)
  }

  private handle(mail: Mail): Promise<void> | undefined {
    const { definition } = this.options
    const user = mail.lane === 'user' ? mail : null
    let message: object = {}
    let next: unknown
    try {
      message = mail.lane === 'system' ? mail.make() : mail.message
      const handler = Object.hasOwn(definition.on, mail.type) ? definition.on[mail.type] : undefined
      if (handler === undefined) throw new Error(`${definition.kind} has no handler for "${mail.type}"`)
      this.current = user
      this.watcher?.begin(mail, message)
      next = handler(this.context, this.state, message, user?.ask?.reply ?? NO_REPLY)
    } catch (error) {
      return this.poisoned(mail, message, error)
    }
    if (isPromise(next)) return this.handleLater(mail, message, next)
    return this.handledWell(next)
  }

  private handledWell(state: unknown): undefined {
    this.current = null
    this.state = state
    this.handled += 1
    this.watcher?.end()
  }

  private async handleLater(mail: Mail, message: object, next: PromiseLike<unknown>): Promise<void> {
    const limitMs = this.options.definition.handlerLimitMs ?? HANDLER_LIMIT_MS
    const outcome = await this.wait(next, limitMs)
    if (outcome.is === 'done') {
      this.handledWell(outcome.value)
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
    this.ending = { exit: { reason: 'crashed', error: recordOf(error) }, error }
  }

  private poison(mail: Mail, message: object, error: unknown): void {
    const from = mail.lane === 'user' ? mail.from : this.ref.id
    this.handled += 1
    this.watcher ??= new Watcher(this, this.kernel.clock, 0)
    this.watcher.endFailed(mail, message, error)
    this.current = null
    this.kernel.deadLetter(this.ref, mail.type, message, from, 'poison', error)
    if (mail.lane === 'system') return
    mail.ask?.fail(handlerFailed(this.ref, mail.type, error))
  }

  private tooLate(what: string, limitMs: number): void {
    const error = tookTooLong(this.ref, what, limitMs)
    this.end({ reason: 'timeout', error: recordOf(error) }, error)
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
    const outcome = await this.wait(pending, limitMs)
    if (outcome.is === 'done') this.end(exit, error)
    else if (outcome.is === 'failed') this.terminateFailed(exit, error, outcome.error)
    else if (outcome.is === 'late') this.end(isCleanExit(exit) ? { reason: 'killed' } : exit, error)
  }

  private terminateFailed(exit: Exit, error: unknown, failure: unknown): undefined {
    if (!isCleanExit(exit)) return this.end(exit, error)
    return this.end({ reason: 'crashed', error: recordOf(failure) }, failure)
  }

  /** The end of the incarnation, in whatever way: everything that belongs to it is given back. */
  private end(exit: Exit, error: unknown): undefined {
    if (this.phase === 'ended') return
    this.isFenced = true
    // A supervisor that is given up must not leave actors without one.
    for (let entry = this.names; entry !== null; entry = entry.earlier) entry.current?.kill()
    this.phase = 'ended'
    this.exit = exit
    this.deadline?.cancel()
    this.context.close()
    this.slot?.release()
    const { definition, life, tag } = this.options
    const restarts = life.expectsRestart(tag, exit)
    this.kernel.registry.ended(this, exit, restarts)
    this.kernel.registry.releaseAll(this)
    this.watcher?.exited(exit)
    this.kernel.observer.exited?.({ ...this.ref, kind: definition.kind, exit, ...(!isCleanExit(exit) && { evidence: this.evidence() }) })
    this.returnMail(restarts)
    for (const watch of this.watching ?? []) endWatch(watch)
    for (const watch of this.watchers ?? []) {
      endWatch(watch)
      watch.tell(exit)
    }
    this.patience?.giveUp()
    life.exited(tag, this, exit, error)
  }

  /** Made when somebody asks for it. */
  private evidence(): () => Evidence {
    const handling = this.watcher?.handling() ?? this.current
    return () => ({
      handling: handling && { type: handling.type, message: handling.message, from: handling.from },
      state: this.state,
      history: this.watcher?.handledMessages() ?? [],
    })
  }

  /** What waited becomes dead letters; who asked, or was asked, is told. */
  private returnMail(restarts: boolean): void {
    const waiting = this.mail?.close() ?? []
    if (this.current !== null) waiting.unshift(this.current)
    this.current = null
    for (const { type, message, from } of waiting) {
      this.kernel.deadLetter(this.ref, type, message, from, restarts ? 'restarted' : 'ended')
    }
    for (const ask of this.asks ?? []) ask.fail(ended(this.ref, ask.type, restarts))
    for (const ask of this.asking ?? []) ask.fail(fenced(this.ref))
  }
}
