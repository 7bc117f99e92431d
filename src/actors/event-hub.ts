import { Queue } from '../kernel/queue.ts'
import type { Bus, BusEvent, BusSubscriber, BusSubscription, SubscribeRequest } from '../protocols/bus.ts'
import type { EventIds, RecordedEvent } from '../protocols/events.ts'
import type { LiveMessage } from '../protocols/fan-out.schema.ts'
import { assertPayloadFits } from '../protocols/payload.ts'
import { assertTopic } from '../protocols/topics.ts'
import { BusListener, type PageQuery } from './bus-listener.ts'
import { toBusEvent } from './bus-events.ts'

const QUEUE_LIMIT = 1_000
/** Live events that may wait for the bus; beyond it the oldest are lost, and subscribers told of the gap. */
const PENDING_LIMIT = 10_000
/** Live events handed out at once; then others have a turn. */
const FLUSH_LIMIT = 1_000

type Pending = {
  readonly topic: string
  readonly key: string | undefined
  readonly ids: EventIds | undefined
  payload: BusEvent['payload']
  /** It came from another process, which has told the others itself. */
  readonly isForeign: boolean
}

/** Events of one place are about one thing: only the newest matters. What came from elsewhere is another thing. */
const placeOf = ({ topic, key, isForeign }: Pending): string | null => (key === undefined ? null : `${isForeign ? '>' : ''}${topic} ${key}`)

export type HubOptions = {
  /** Events of each class that a slow subscriber may have waiting. @defaultValue 1,000 */
  readonly queueLimit?: number
  /** Other processes are told of live events, and nobody knows what they want. @defaultValue false */
  readonly fansOut?: boolean
}

/** A page that the bus has to read for a listener. */
export type Reading = { readonly listener: BusListener; readonly query: PageQuery; readonly upTo: number }

/** How the bus fares. */
export type BusFigures = {
  /** Of the last recorded event that was published. */
  readonly position: number
  readonly subscribers: number
  /** Events that wait, for the bus or for subscribers. */
  readonly waiting: number
  /** Live events so far, lost ones included. */
  readonly live: number
}

/**
 * Who listens, and what has been published. It outlives the bus actor, which alone hands things out: what is published
 * while an event is handed out waits its turn, and a bus that was restarted goes on where the last one ended.
 */
export class EventHub implements Bus {
  /** Of the last recorded event that was published; null before the first start of the bus. */
  position: number | null = null
  /** In order of subscription; replaced as a whole, so that whoever comes or goes meanwhile disturbs no round. */
  private listeners: readonly BusListener[] = []
  private readonly behind = new Set<BusListener>()
  private readonly pending = new Queue<Pending>()
  private readonly keyed = new Map<string, Pending>()
  /** Last sequence of each live topic. */
  private readonly sequences = new Map<string, number>()
  private readonly now: () => number
  private readonly queueLimit: number
  private readonly fansOut: boolean
  /** Of topics that were asked for since somebody last came or went. */
  private readonly heard = new Map<string, boolean>()
  /** What the other processes have not been told. */
  private untold: LiveMessage[] = []
  /** Asks the bus for a `bus.wake`; there is none before it starts. */
  private wake = (): void => {}
  private isAwake = false

  /** @param now ms since the epoch */
  constructor(now: () => number, { queueLimit = QUEUE_LIMIT, fansOut = false }: HubOptions = {}) {
    this.now = now
    this.queueLimit = queueLimit
    this.fansOut = fansOut
  }

  subscribe(request: SubscribeRequest, subscriber: BusSubscriber): BusSubscription {
    const { queueLimit } = this
    const listener = new BusListener(request, subscriber, {
      position: this.position ?? 0,
      queueLimit,
      changed: (changed) => this.changed(changed),
    })
    this.listeners = [...this.listeners, listener]
    this.heard.clear()
    listener.pump()
    return { ready: listener.ready, close: () => listener.close() }
  }

  publish(topic: string, payload: BusEvent['payload'], { key, ids }: { readonly key?: string; readonly ids?: EventIds } = {}): void {
    assertTopic(topic)
    assertPayloadFits(topic, JSON.stringify(payload))
    this.enqueue({ topic, key, ids, payload, isForeign: false })
  }

  hears(topic: string): boolean {
    const known = this.heard.get(topic)
    if (known !== undefined) return known
    const isHeard = this.fansOut || this.listeners.some((listener) => listener.hears(topic))
    this.heard.set(topic, isHeard)
    return isHeard
  }

  /** What another process published; `publish` has checked it there. */
  hear(events: readonly LiveMessage[]): void {
    for (const { topic, key, ids, payload } of events) this.enqueue({ topic, key, ids, payload, isForeign: true })
  }

  /** Live events of other processes were missed, nobody knows how many: the next of each topic shows a gap. */
  missed(): void {
    for (const topic of this.sequences.keys()) this.number(topic)
  }

  /**
   * Hands out recorded events, in their order; those that were handed out before are passed over. What waits of live topics
   * goes first: it may have been published before they were stored, and never because of them.
   */
  dispatch(events: readonly RecordedEvent[]): void {
    this.handOutLive(this.pending.size)
    for (const event of events) {
      if (event.sequence <= (this.position ?? 0)) continue
      this.position = event.sequence
      this.handOut(toBusEvent(event))
    }
  }

  /** Hands out what waits of live topics. */
  flush(): void {
    this.isAwake = false
    this.handOutLive(Math.min(FLUSH_LIMIT, this.pending.size))
    if (this.pending.size > 0) this.rouse()
  }

  /** What was handed out of live topics since the last call, for the other processes. */
  takeUntold(): readonly LiveMessage[] {
    const { untold } = this
    this.untold = []
    return untold
  }

  /** What must be read for those who are behind; each is read for once at a time. */
  readings(): readonly Reading[] {
    const found: Reading[] = []
    for (const listener of this.behind) {
      const query = listener.nextPage()
      if (query === null) continue
      listener.isReading = true
      found.push({ listener, query, upTo: this.position ?? 0 })
    }
    this.behind.clear()
    return found
  }

  page({ listener, upTo }: Reading, events: readonly RecordedEvent[]): void {
    listener.takePage(events.map(toBusEvent), upTo, this.position ?? 0)
  }

  /** A bus has started, and takes over: what the last one was reading is read again. */
  attach(wake: () => void): void {
    this.wake = wake
    this.isAwake = true
    for (const listener of this.listeners) {
      listener.isReading = false
      listener.pump()
    }
    wake()
  }

  figures(): BusFigures {
    return {
      position: this.position ?? 0,
      subscribers: this.listeners.length,
      waiting: this.listeners.reduce((sum, { waiting }) => sum + waiting, this.pending.size),
      live: [...this.sequences.values()].reduce((sum, sequence) => sum + sequence, 0),
    }
  }

  closeAll(): void {
    for (const listener of this.listeners) listener.close()
  }

  private enqueue(event: Pending): void {
    const place = placeOf(event)
    const waiting = place === null ? undefined : this.keyed.get(place)
    if (waiting !== undefined) {
      waiting.payload = event.payload
      return
    }
    if (place !== null) this.keyed.set(place, event)
    this.pending.push(event)
    // Its number is used up, which shows as a gap to everybody.
    if (this.pending.size > PENDING_LIMIT) this.number(this.takePending()?.topic ?? event.topic)
    this.rouse()
  }

  private takePending(): Pending | undefined {
    const pending = this.pending.shift()
    const place = pending === undefined ? null : placeOf(pending)
    if (place !== null) this.keyed.delete(place)
    return pending
  }

  private number(topic: string): number {
    const sequence = (this.sequences.get(topic) ?? 0) + 1
    this.sequences.set(topic, sequence)
    return sequence
  }

  private handOutLive(count: number): void {
    if (count === 0) return
    const timestamp = this.now()
    for (let left = count; left > 0; left -= 1) {
      const pending = this.takePending()
      if (pending === undefined) break
      const { topic, ids, payload } = pending
      if (this.fansOut && !pending.isForeign) this.untold.push(pending)
      const sequence = this.number(topic)
      this.handOut({ id: `${topic}#${sequence}`, topic, sequence, timestamp, ...(ids === undefined ? {} : { ids }), payload })
    }
  }

  private handOut(event: BusEvent): void {
    const published = this.position ?? 0
    for (const listener of this.listeners) listener.offer(event, published)
  }

  private changed(listener: BusListener): void {
    if (listener.isClosed) {
      this.behind.delete(listener)
      this.heard.clear()
      this.listeners = this.listeners.filter((other) => other !== listener)
      return
    }
    this.behind.add(listener)
    this.rouse()
  }

  private rouse(): void {
    if (this.isAwake) return
    this.isAwake = true
    this.wake()
  }
}
