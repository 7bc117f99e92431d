import { setMaxListeners } from 'node:events'
import type { Timer } from '../ports/clock.port.ts'
import { fenced, recordOf } from './delivery-errors.ts'
import type { Incarnation } from './incarnation.types.ts'
import type { Kernel } from './kernel.ts'
import type { Token } from './mailbox.ts'
import type {
  ActorContext,
  ActorRef,
  AskOptions,
  AskTypeOf,
  Exit,
  ExitReason,
  Mapping,
  MessageOf,
  ReplyOf,
  Target,
  TypeOf,
} from './types.ts'

type ErasedMapping<V> = readonly [type: string, map: (value: V) => object]
type Named = { readonly timer: Timer; readonly token: Token }

/** What one incarnation may do, and what must be taken back when it ends. */
export class CellContext implements ActorContext<Record<string, never>> {
  private readonly cell: Incarnation & { readonly kernel: Kernel }
  /** Made when somebody asks for the signal; `due` where it was aborted before. */
  private abort: AbortController | 'due' | null = null
  private timers: Map<string, Named> | null = null

  constructor(cell: Incarnation & { readonly kernel: Kernel }) {
    this.cell = cell
  }

  get self(): ActorRef<Record<string, never>> {
    return this.cell.ref
  }

  private get kernel(): Kernel {
    return this.cell.kernel
  }

  get signal(): AbortSignal {
    if (this.abort !== null && this.abort !== 'due') return this.abort.signal
    const abort = new AbortController()
    // Any number of effects may listen; node warns from eleven on.
    setMaxListeners(0, abort.signal)
    if (this.abort === 'due') abort.abort()
    this.abort = abort
    return abort.signal
  }

  get endingReason(): ExitReason | null {
    return this.cell.exit?.reason ?? this.cell.endingReason
  }

  now(): number {
    this.check()
    return this.kernel.clock.now()
  }

  monotonic(): number {
    this.check()
    return this.kernel.clock.monotonic()
  }

  random(): number {
    this.check()
    return this.kernel.random.next()
  }

  tell<Q, T extends TypeOf<Q>>(target: Target<Q>, type: T, message: MessageOf<Q, T>): void {
    if (this.cell.isClosed) this.kernel.deadLetter(target, type, message, this.self.id, 'fenced')
    this.check()
    this.kernel.tell(this.cell, target, type, message as object)
  }

  ask<Q, T extends AskTypeOf<Q>>(target: Target<Q>, type: T, message: MessageOf<Q, T>, options: AskOptions): Promise<ReplyOf<Q, T>> {
    this.check()
    return this.kernel.ask(this.cell, target, type, message as object, options) as Promise<ReplyOf<Q, T>>
  }

  run<V>(
    effect: (signal: AbortSignal) => Promise<V> | V,
    outcome: { readonly done: Mapping<Record<string, never>, V>; readonly failed: Mapping<Record<string, never>, unknown> },
  ): void {
    this.check()
    const done = outcome.done as unknown as ErasedMapping<V>
    const failed = outcome.failed as unknown as ErasedMapping<unknown>
    const work = async (): Promise<V> => effect(this.signal)
    work().then(
      (value) => this.cell.postSystem(done[0], () => done[1](value)),
      (error: unknown) => this.cell.postSystem(failed[0], () => failed[1](error)),
    )
  }

  watch<Q>(target: ActorRef<Q>, mapping: Mapping<Record<string, never>, Exit>): () => void {
    this.check()
    const [type, map] = mapping as unknown as ErasedMapping<Exit>
    const token: Token = { cancelled: false }
    return this.kernel.watch(this.cell, target, token, (exit) => this.cell.postSystem(type, () => map(exit), token))
  }

  setTimer<T extends string>(name: string, delayMs: number, type: T, message: object): void {
    this.check()
    this.cancelTimer(name)
    this.timers ??= new Map()
    const token: Token = { cancelled: false }
    const arrive = (): object => {
      this.timers?.delete(name)
      return message
    }
    const timer = this.kernel.clock.setTimer(delayMs, () => this.cell.postSystem(type, arrive, token))
    this.timers.set(name, { timer, token })
  }

  cancelTimer(name: string): void {
    this.check()
    const known = this.timers?.get(name)
    if (known === undefined) return
    known.timer.cancel()
    // It may have fired already and wait in the mailbox.
    known.token.cancelled = true
    this.timers?.delete(name)
  }

  lookup<Q>(name: string): ActorRef<Q> | undefined {
    this.check()
    return this.kernel.lookup(name)
  }

  exit(reason: 'normal' | 'shutdown' | 'crashed', error?: unknown): void {
    this.check()
    this.cell.endWith(reason === 'crashed' ? { reason, error: recordOf(error ?? 'no error was given') } : { reason }, error)
  }

  /** Aborts what runs for this actor. For the cell. */
  abortNow(): void {
    if (this.abort === null) this.abort = 'due'
    else if (this.abort !== 'due') this.abort.abort()
  }

  /** For the cell, at its end. */
  close(): void {
    for (const { timer } of this.timers?.values() ?? []) timer.cancel()
    this.timers = null
    this.abortNow()
  }

  private check(): void {
    if (this.cell.isClosed) throw fenced(this.self)
  }
}
