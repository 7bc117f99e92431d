import { Queue } from '../kernel/queue.ts'
import type { BusEvent, BusGap, BusSubscriber, SubscribeRequest } from '../protocols/bus.ts'
import { assertPattern, matchesTopic } from '../protocols/topics.ts'

/** What a listener needs to read of the store. */
export type PageQuery = {
  readonly from: number
  readonly types: readonly string[]
  readonly since?: Readonly<Record<string, number>>
  readonly limit: number
}

/** What a listener needs of its hub. */
export type ListenerHub = {
  /** Position of the last event that was published. */
  readonly position: number
  /** Events of each class that may wait. Beyond it recorded ones are read from the store later, and live ones are lost, the oldest first. */
  readonly queueLimit: number
  /** Called when the listener has to read, and when it is closed. */
  readonly changed: (listener: BusListener) => void
}

/** A live event that waits, and the position of the last recorded one that was handed out before it. */
type Live = { readonly event: BusEvent; readonly after: number }

/** One subscriber: what it has been given, what waits for it, and whether it reads from the store. */
export class BusListener {
  readonly ready: Promise<void>
  isClosed = false
  isReading = false
  private readonly request: SubscribeRequest
  private readonly queueLimit: number
  private readonly subscriber: BusSubscriber
  private readonly changed: (listener: BusListener) => void
  private readonly recorded = new Queue<BusEvent>()
  private readonly live = new Queue<Live>()
  /** Last sequence given, by topic. */
  private readonly given: Map<string, number>
  /** Live events that found no place, by topic, since the subscriber was last given something. */
  private readonly lost = new Map<string, BusGap>()
  /** Where nothing of a topic was given yet: whether its first event is expected. */
  private readonly fromFirst: boolean
  /** Position of the last recorded event that was taken for it. */
  private cursor: number
  private isBehind: boolean
  private isBusy = false
  private readonly isReady: () => void

  /** @throws ERR_BUS_TOPIC_INVALID */
  constructor(request: SubscribeRequest, subscriber: BusSubscriber, { position, queueLimit, changed }: ListenerHub) {
    request.topics.forEach(assertPattern)
    const { since } = request
    this.request = { ...request, topics: [...request.topics] }
    this.subscriber = subscriber
    this.changed = changed
    this.queueLimit = queueLimit
    this.isBehind = since !== undefined
    this.cursor = typeof since === 'number' ? Math.max(0, Math.floor(since) - 1 || 0) : since === undefined ? position : 0
    this.fromFirst = this.isBehind && this.cursor === 0
    this.given = new Map(typeof since === 'object' ? Object.entries(since).map(([topic, first]) => [topic, first - 1]) : [])
    const { promise, resolve } = Promise.withResolvers<void>()
    this.ready = promise
    this.isReady = resolve
  }

  /** Events that it has not been given yet, without those that are to be read from the store. */
  get waiting(): number {
    return this.recorded.size + this.live.size
  }

  /** Whether it wants what is published on this live topic. */
  hears(topic: string): boolean {
    return !this.isClosed && this.request.live !== false && matchesTopic(this.request.topics, topic)
  }

  /** Something was handed out. @param published position of the last recorded event that was, this one included */
  offer(event: BusEvent, published: number): void {
    if (this.isClosed || !matchesTopic(this.request.topics, event.topic)) return
    if (event.position === undefined) this.offerLive(event, published)
    else this.offerRecorded(event, event.position)
    this.pump()
  }

  /** What must be read next, or null. */
  nextPage(): PageQuery | null {
    if (!this.isBehind || this.isReading || this.isClosed || this.isBusy || this.recorded.size > 0) return null
    const { topics, since } = this.request
    return { from: this.cursor + 1, types: topics, limit: this.queueLimit, ...(typeof since === 'object' ? { since } : {}) }
  }

  /**
   * What was read.
   * @param upTo position up to which the store was complete when it was read @param published position of the last event published since
   */
  takePage(events: readonly BusEvent[], upTo: number, published: number): void {
    this.isReading = false
    for (const event of events) {
      this.recorded.push(event)
      this.cursor = event.position ?? this.cursor
    }
    if (events.length < this.queueLimit) {
      this.cursor = Math.max(this.cursor, upTo)
      // What was published meanwhile is in the store, and in no queue.
      this.isBehind = this.cursor < published
    }
    this.pump()
  }

  /** Gives what waits, as long as the subscriber takes it at once. */
  pump(): void {
    while (!this.isBusy && !this.isClosed) {
      const event = this.isLiveNext() ? this.nextLive() : this.recorded.shift()
      if (event === undefined) break
      this.give(event)
    }
    if (this.isBusy || this.isClosed) return
    if (!this.isBehind) this.isReady()
    else if (!this.isReading) this.changed(this)
  }

  close(): void {
    if (this.isClosed) return
    this.isClosed = true
    this.recorded.takeAll()
    this.live.takeAll()
    this.isReady()
    this.changed(this)
  }

  private offerRecorded(event: BusEvent, position: number): void {
    if (this.isBehind || position <= this.cursor) return
    if (this.recorded.size >= this.queueLimit) {
      this.isBehind = true
      return
    }
    this.cursor = position
    this.recorded.push(event)
  }

  /** What was handed out first comes first, also where a recorded event is still to be read. */
  private isLiveNext(): boolean {
    const live = this.live.peek()
    if (live === undefined) return false
    const recorded = this.recorded.peek()
    if (recorded === undefined) return !this.isBehind || this.cursor >= live.after
    return (recorded.position ?? 0) > live.after
  }

  private offerLive(event: BusEvent, after: number): void {
    if (this.request.live === false) return
    this.live.push({ event, after })
    if (this.live.size <= this.queueLimit) return
    const oldest = this.live.shift()?.event
    if (oldest === undefined) return
    const { topic, sequence } = oldest
    this.lost.set(topic, { topic, from: this.lost.get(topic)?.from ?? sequence, to: sequence })
  }

  private nextLive(): BusEvent | undefined {
    // All that was lost of a topic is older than what waits of it.
    for (const { topic, from, to } of this.lost.values()) {
      this.lost.delete(topic)
      this.tellGap({ topic, from: (this.given.get(topic) ?? from - 1) + 1, to })
    }
    return this.live.shift()?.event
  }

  private give(event: BusEvent): void {
    const { topic, sequence, position } = event
    const last = this.given.get(topic) ?? (this.fromFirst && position !== undefined ? 0 : sequence - 1)
    if (position !== undefined && sequence <= last) return
    if (sequence > last + 1) this.tellGap({ topic, from: last + 1, to: sequence - 1 })
    if (this.isClosed) return
    this.given.set(topic, sequence)
    this.next(event)
  }

  private tellGap(gap: BusGap): void {
    if (this.isClosed) return
    this.given.set(gap.topic, gap.to)
    try {
      this.subscriber.gap(gap)
    } catch {
      this.close()
    }
  }

  private next(event: BusEvent): void {
    try {
      const taken = this.subscriber.next(event)
      if (!(taken instanceof Promise)) return
      this.isBusy = true
      taken.then(
        () => {
          this.isBusy = false
          this.pump()
        },
        () => this.close(),
      )
    } catch {
      this.close()
    }
  }
}
