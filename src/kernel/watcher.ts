import type { Clock } from '../ports/clock.port.ts'
import { type Evidence, type HandledMessage, History } from './history.ts'
import type { Incarnation } from './incarnation.types.ts'
import type { Mail, UserMail } from './mailbox.ts'
import { type Load, Meter } from './meter.ts'
import type { Trace } from './trace.ts'
import type { Exit } from './types.ts'

const NONE: readonly Trace[] = []
const NOTHING: object = {}

/** What a look at an actor tells besides what the actor knows of itself. */
export type Look = {
  readonly load: Load
  /** Age of the user mail that waits longest; at least, where it came before the first look. */
  readonly oldestMs: number | null
  /** The present handler's message. `forMs` is null where it began before the first look, and no history is kept. */
  readonly handling: { readonly type: string; readonly from: string | null; readonly forMs: number | null } | null
}

/**
 * All that is seen of one incarnation while somebody looks: its meter, traces, its last messages. An actor that nobody
 * looks at has none, and one whose lookers have gone loses it at its next message: so the cost of looking is one check for
 * null where nobody does.
 */
export class Watcher {
  readonly actor: Incarnation
  private failed: Evidence['handling'] = null
  private readonly clock: Clock
  private readonly history: History | null
  private meter: Meter | null = null
  private traces: readonly Trace[] = NONE
  /** What the present handler handles. */
  private mail: Mail | null = null
  private message: object = NOTHING
  /** Monotonic ms; null where nobody wants to know. */
  private began: number | null = null
  /** ms since the epoch, for the history. */
  private beganAt = 0

  /** @param historySize messages to keep; 0 for none */
  constructor(actor: Incarnation, clock: Clock, historySize: number) {
    this.actor = actor
    this.clock = clock
    this.history = historySize > 0 ? new History(historySize) : null
  }

  look(): Look {
    const now = this.clock.monotonic()
    if (this.meter?.isOver(now) !== false) this.meter = new Meter(now)
    const { meter, began } = this
    const { current, mailbox } = this.actor
    const mail = this.mail ?? current
    const { oldest } = mailbox
    return {
      load: meter.look(now, mail === null ? 0 : now - Math.max(began ?? 0, meter.since)),
      oldestMs: oldest === undefined ? null : now - (oldest.at ?? meter.since),
      handling: mail && { type: mail.type, from: this.senderOf(mail), forMs: began === null ? this.agoMs() : now - began },
    }
  }

  /** By the history, how long ago the present handler began. */
  private agoMs(): number | null {
    return this.history === null ? null : Math.max(0, this.clock.now() - this.beganAt)
  }

  /** For traces. */
  add(trace: Trace): void {
    this.traces = [...this.traces, trace]
  }

  remove(trace: Trace): void {
    this.traces = this.traces.filter((one) => one !== trace)
    this.leave()
  }

  enqueued(mail: UserMail): void {
    if (this.meter !== null) this.stamp(mail)
    for (const trace of this.traces) trace.sent(this.actor, mail)
  }

  begin(mail: Mail, message: object): void {
    this.mail = mail
    this.message = message
    if (this.history !== null) this.beganAt = this.clock.now()
    if (this.meter === null && this.traces.length === 0) return
    this.began = this.clock.monotonic()
    if (this.meter?.isOver(this.began) === true) this.dropMeter()
  }

  /** The handler has done its work. */
  end(): void {
    const { mail, message, beganAt } = this
    // A look or a trace may come in the midst of a handler.
    if (mail === null) return
    const tookMs = this.finish()
    this.history?.add({ at: beganAt, type: mail.type, from: this.senderOf(mail), message, lane: mail.lane })
    if (tookMs === null) return
    this.meter?.add(tookMs)
    for (const trace of this.traces) trace.handled(this.actor, mail, message, tookMs)
  }

  /** The handler threw, took too long, or there is none. */
  endFailed(mail: Mail, message: object, error: unknown): void {
    const tookMs = this.finish() ?? 0
    this.failed = { type: mail.type, message, from: this.senderOf(mail) }
    for (const trace of this.traces) trace.failed(this.actor, mail, message, tookMs, error)
  }

  started(): void {
    for (const trace of this.traces) trace.started(this.actor)
  }

  exited(exit: Exit): void {
    for (const trace of this.traces) trace.exited(this, exit)
  }

  /** What its handler failed at, or is at work on. */
  handling(): Evidence['handling'] {
    const { mail, message } = this
    return this.failed ?? (mail && { type: mail.type, message, from: this.senderOf(mail) })
  }

  handledMessages(): readonly HandledMessage[] {
    return this.history?.list() ?? []
  }

  /** @returns how long the handler took; null where nobody wanted to know when it began */
  private finish(): number | null {
    const tookMs = this.began === null ? null : this.clock.monotonic() - this.began
    this.mail = null
    this.message = NOTHING
    this.began = null
    return tookMs
  }

  private senderOf(mail: Mail): string | null {
    return mail.lane === 'user' ? mail.from : this.actor.ref.id
  }

  private stamp(mail: UserMail): void {
    const now = this.clock.monotonic()
    if (this.meter?.isOver(now) === true) this.dropMeter()
    else mail.at = now
  }

  private dropMeter(): void {
    this.meter = null
    this.leave()
  }

  private leave(): void {
    const isOfUse = this.meter !== null || this.traces.length > 0 || this.history !== null || this.failed !== null
    if (!isOfUse) this.actor.watcher = null
  }
}

/** Looks at an actor: for a while from now on, its handlers are timed. */
export const lookAt = (actor: Incarnation, clock: Clock): Look => (actor.watcher ??= new Watcher(actor, clock, 0)).look()
