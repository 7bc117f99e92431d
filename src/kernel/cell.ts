import type { Timer } from '../ports/clock.port.ts'
import type { Runnable, Slot } from '../ports/scheduler.port.ts'
import { NO_REPLY } from './ask.ts'
import { CellContext } from './context.ts'
import { ended, fenced, handlerFailed, recordOf, tookTooLong } from './delivery-errors.ts'
import { type ErasedDefinition, isPromise } from './erased.ts'
import type { Evidence } from './history.ts'
import { endWatch, type Incarnation, type Parent, type ShutdownTime, type Ties } from './incarnation.types.ts'
import type { Kernel } from './kernel.ts'
import { HANDLER_LIMIT_MS, INIT_LIMIT_MS, MAILBOX_LIMIT, TERMINATE_LIMIT_MS } from './limits.ts'
import { type Mail, Mailbox, type Token, type UserMail } from './mailbox.ts'
import { type Outcome, Patience } from './patience.ts'
import { schedulerId } from './scheduler-id.ts'
import { type ActorRef, type Exit, type ExitReason, isCleanExit } from './types.ts'
import { Watcher } from './watcher.ts'

type Ending = { readonly exit: Exit; readonly error: unknown }

/** Makes an incarnation, that is to `begin`; its parent is told how that goes. @param tag what its parent knows it by */
export const newActor = (kernel: Kernel, parent: Parent, name: string, definition: ErasedDefinition, tag: unknown): Incarnation => {
  const cell = new Cell(kernel, parent, name, definition, tag)
  cell.watcher = kernel.watcherOf(cell)
  return cell
}

/**
 * One incarnation of an actor: its mail, its state, its end. Handles one message at a time. There may be 100,000, and what a
 * start costs is mostly memory: so what most of them never need is made when it is needed (ADR 7).
 */
class Cell implements Runnable, Incarnation {
  readonly kernel: Kernel
  private readonly parent: Parent
  private readonly name: string
  private readonly definition: ErasedDefinition
  private readonly tag: unknown
  readonly incarnation: number
  private ownRef: ActorRef<unknown> | null = null
  private mail: Mailbox | null = null
  ties: Ties | null = null
  phase: Incarnation['phase'] = 'starting'
  exit: Exit | null = null
  handled = 0
  watcher: Watcher | null = null
  private readonly context: CellContext
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

  constructor(kernel: Kernel, parent: Parent, name: string, definition: ErasedDefinition, tag: unknown) {
    this.kernel = kernel
    this.parent = parent
    this.name = name
    this.definition = definition
    this.tag = tag
    this.incarnation = kernel.registry.begin(this, name)
    this.context = new CellContext(this)
  }

  get ref(): ActorRef<unknown> {
    return this.ownRef ?? this.makeRef()
  }

  private makeRef(): ActorRef<unknown> {
    const { name, incarnation } = this
    return (this.ownRef = { name, incarnation, id: `${name}$${incarnation}` })
  }

  get id(): string {
    return schedulerId(this.ref)
  }

  /** Made at the first message. */
  get mailbox(): Mailbox {
    return this.mail ?? this.makeMailbox()
  }

  private makeMailbox(): Mailbox {
    const { mailboxLimit, overflow } = this.definition
    return (this.mail = new Mailbox(mailboxLimit ?? MAILBOX_LIMIT, overflow ?? 'reject'))
  }

  get isClosed(): boolean {
    return this.isFenced || this.phase === 'ended'
  }

  get supervisor(): Incarnation | null {
    return this.parent.actor
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
    this.kernel.turn.open()
    for (let left = budget; left > 0; left -= 1) {
      const pending = this.step()
      if (pending === null) break
      if (pending !== undefined) return this.drainLater(pending, left - 1)
    }
    this.kernel.turn.close()
    return this.rest()
  }

  private async drainLater(pending: Promise<void>, left: number): Promise<boolean> {
    this.kernel.turn.close()
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

  begin(args: unknown): void {
    const pending = this.initialise(args)
    if (pending === undefined) this.begun()
    else void pending.then(() => this.begun())
  }

  private begun(): void {
    if (this.rest()) this.slotNow().wake()
  }

  private initialise(args: unknown): Promise<void> | undefined {
    const { definition } = this
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
    this.watcher?.started()
    this.kernel.observer.started?.({ ...this.ref, kind: this.definition.kind, supervisor: this.supervisor?.ref.name ?? null })
    this.parent.started(this.tag, this)
  }

  private handle(mail: Mail): Promise<void> | undefined {
    const { definition } = this
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
    const limitMs = this.definition.handlerLimitMs ?? HANDLER_LIMIT_MS
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
    this.phase = 'stopping'
    this.context.abortNow()
    let pending: unknown
    try {
      pending = this.definition.terminate?.(this.context, this.state, exit)
    } catch (failure) {
      return this.terminateFailed(exit, error, failure)
    }
    if (!isPromise(pending)) return this.end(exit, error)
    // A stop that was asked for has its deadline already.
    const shutdown = this.parent.shutdownOf(this.tag)
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
    for (let entry = this.ties?.names ?? null; entry !== null; entry = entry.earlier) entry.current?.kill()
    this.phase = 'ended'
    this.exit = exit
    this.deadline?.cancel()
    this.context.close()
    this.slot?.release()
    const restarts = this.parent.expectsRestart(this.tag, exit)
    this.kernel.registry.ended(this, exit, restarts)
    this.kernel.registry.releaseAll(this)
    this.watcher?.exited(exit)
    this.kernel.observer.exited?.({
      ...this.ref,
      kind: this.definition.kind,
      exit,
      ...(!isCleanExit(exit) && { evidence: this.evidence() }),
    })
    this.returnMail(restarts)
    for (const watch of this.ties?.watching ?? []) endWatch(watch)
    for (const watch of this.ties?.watchers ?? []) {
      endWatch(watch)
      watch.tell(exit)
    }
    this.patience?.giveUp()
    this.parent.exited(this.tag, this, exit, error)
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
    for (const ask of this.ties?.asks ?? []) ask.fail(ended(this.ref, ask.type, restarts))
    for (const ask of this.ties?.asking ?? []) ask.fail(fenced(this.ref))
  }
}
