import type { Clock } from '../ports/clock.port.ts'
import { recordOf, type To } from './delivery-errors.ts'
import type { Incarnation } from './incarnation.types.ts'
import type { Mail, UserMail } from './mailbox.ts'
import { preview } from './preview.ts'
import type { TraceEvent, TraceHandle, TraceOptions } from './trace.types.ts'
import type { DeadLetter, Exit } from './types.ts'
import type { Watcher } from './watcher.ts'

type End = Awaited<TraceHandle['ended']>
type Unstamped<E> = E extends TraceEvent ? Omit<E, 'at'> : never

/** One trace. It sits on the watchers of the actors in its scope until it is over. */
export class Trace {
  readonly options: TraceOptions
  count = 0
  readonly ended: Promise<End>
  private readonly sink: (event: TraceEvent) => void
  private readonly clock: Clock
  private readonly resolve: (end: End) => void
  private readonly onEnd: (trace: Trace) => void
  private readonly watchers = new Set<Watcher>()
  /** Names in scope, also of those that have ended: their mail is given back afterwards. */
  private readonly names = new Set<string>()
  /** Messages of a sample that wait or are being handled, so that all that becomes of one is told. */
  private readonly chosen: Set<unknown> = new Set()
  private readonly isSample: boolean
  private seen = 0
  private isTelling = false
  private isOver = false

  constructor(options: TraceOptions, sink: (event: TraceEvent) => void, clock: Clock, onEnd: (trace: Trace) => void) {
    this.options = options
    this.isSample = (options.everyNth ?? 1) > 1
    this.sink = sink
    this.clock = clock
    this.onEnd = onEnd
    const { promise, resolve } = Promise.withResolvers<End>()
    this.ended = promise
    this.resolve = resolve
  }

  covers(actor: Incarnation): boolean {
    const { actor: name, under } = this.options
    if (this.isOver || (name !== undefined && actor.ref.name !== name)) return false
    if (under === undefined) return true
    for (let one: Incarnation | null = actor; one !== null; one = one.supervisor) if (one.ref.name === under) return true
    return false
  }

  attach(watcher: Watcher): void {
    this.watchers.add(watcher)
    this.names.add(watcher.actor.ref.name)
    watcher.add(this)
  }

  sent(actor: Incarnation, mail: UserMail): void {
    const { type, from, message } = mail
    if (!this.takes(type)) return
    if (this.isSample) this.chosen.add(message)
    this.tell({ what: 'sent', ...at(actor), type, from, message: preview(message) })
  }

  handled(actor: Incarnation, mail: Mail, message: object, tookMs: number): void {
    if (this.isOfSample(mail, message)) this.tell({ what: 'handled', ...at(actor), ...of(actor, mail, message), tookMs })
  }

  failed(actor: Incarnation, mail: Mail, message: object, tookMs: number, error: unknown): void {
    if (!this.isOfSample(mail, message)) return
    const text = error === undefined ? 'it took longer than its limit' : recordOf(error).message
    this.tell({ what: 'failed', ...at(actor), ...of(actor, mail, message), tookMs, error: text })
  }

  /** @param waiting in the mailbox of whom it was for, if there is one */
  dropped(to: To, waiting: number, type: string, message: unknown, from: string | null, reason: DeadLetter['reason']): void {
    const { actor: name, under } = this.options
    if ((name !== undefined && to.name !== name) || (under !== undefined && !this.names.has(to.name))) return
    // Whether it has been sent before cannot be told: if so, and not chosen, it has another chance.
    if (!this.chosen.delete(message) && !this.takes(type)) return
    this.tell({ what: 'dropped', actor: to.id ?? to.name, waiting, type, from, reason, message: preview(message) })
  }

  started(actor: Incarnation): void {
    if (this.options.type === undefined) this.tell({ what: actor.ref.incarnation === 1 ? 'started' : 'restarted', ...at(actor) })
  }

  exited(watcher: Watcher, exit: Exit): void {
    this.watchers.delete(watcher)
    if (this.options.type === undefined) this.tell({ what: 'exited', ...at(watcher.actor), exit })
  }

  end(how: End): void {
    if (this.isOver) return
    this.isOver = true
    this.onEnd(this)
    for (const watcher of this.watchers) watcher.remove(this)
    this.watchers.clear()
    this.resolve(how)
  }

  /** Whether a message that is seen for the first time is to be told of. */
  private takes(type: string): boolean {
    const { type: wanted, everyNth = 1 } = this.options
    return (wanted === undefined || wanted === type) && this.seen++ % everyNth === 0
  }

  /** Whether a message whose handling has ended is to be told of. Mail from the kernel is seen then only. */
  private isOfSample({ lane, type }: Mail, message: object): boolean {
    return this.isSample && lane === 'user' ? this.chosen.delete(message) : this.takes(type)
  }

  /** What a sink brings about itself is not told: it would never end. A sink that throws is no business of the actor's. */
  private tell(event: Unstamped<TraceEvent>): void {
    if (this.isTelling || this.isOver) return
    this.isTelling = true
    this.count += 1
    try {
      this.sink({ ...event, at: this.clock.now() })
    } catch {
      // Nobody else would want to know.
    }
    this.isTelling = false
    if (this.count >= this.options.max) this.end('max')
  }
}

const at = ({ ref, mailbox }: Incarnation): { actor: string; waiting: number } => ({ actor: ref.id, waiting: mailbox.waiting })

const of = (actor: Incarnation, mail: Mail, message: object): { type: string; from: string | null; message: string } => ({
  type: mail.type,
  from: mail.lane === 'user' ? mail.from : actor.ref.id,
  message: preview(message),
})
