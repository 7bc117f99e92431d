import type { Runnable, Scheduler, Slot } from '../../ports/scheduler.port.ts'

/** How much mail an actor handles before another has its turn. */
const BUDGET = 16
/** Drains before the event loop has its turn: at most 2,048 messages, a fraction of a millisecond of small handlers. */
const DRAINS_A_TURN = 128

/**
 * Runs actors from a queue of its own: in a microtask after the wake, so that an answer costs no turn of the event loop;
 * after 128 drains in an immediate, so that timers, sockets and terminals are never kept waiting by actors that talk to
 * each other. At idle it holds nothing. Actors take turns of 16 messages, in the order of their wakes.
 */
export const directScheduler = (): Scheduler => {
  const queue = new RunQueue()
  return {
    name: 'direct',
    attach: (runnable) => new Place(queue, runnable),
    close: async () => queue.close(),
  }
}

/** First come, first served. */
class RunQueue {
  private readonly run = (): void => this.runSome()
  private readonly nextTurn = (): void => {
    this.leftInTurn = DRAINS_A_TURN
    this.runSome()
  }
  private waiting: Place[] = []
  private head = 0
  private leftInTurn = DRAINS_A_TURN
  private isDue = false

  add(place: Place): void {
    this.waiting.push(place)
    if (!this.isDue) this.arm()
  }

  close(): void {
    this.waiting = []
    this.head = 0
  }

  private arm(): void {
    this.isDue = true
    if (this.leftInTurn > 0) queueMicrotask(this.run)
    else setImmediate(this.nextTurn)
  }

  private runSome(): void {
    while (this.leftInTurn > 0) {
      const place = this.waiting[this.head]
      if (place === undefined) break
      this.head += 1
      this.leftInTurn -= 1
      place.run()
    }
    this.isDue = false
    this.forget()
    if (this.waiting.length > 0) this.arm()
  }

  /** Drops what has run. A long queue is moved rarely, so that each place is moved about once. */
  private forget(): void {
    if (this.head === this.waiting.length) this.waiting.length = 0
    else if (this.head * 2 < this.waiting.length) return
    else this.waiting.splice(0, this.head)
    this.head = 0
  }
}

/** One actor. It is in the queue at most once, and never while it runs. */
class Place implements Slot {
  private readonly queue: RunQueue
  private readonly runnable: Runnable
  private state: 'idle' | 'queued' | 'running' | 'released' = 'idle'
  private isWoken = false

  constructor(queue: RunQueue, runnable: Runnable) {
    this.queue = queue
    this.runnable = runnable
  }

  wake(): void {
    if (this.state === 'running') this.isWoken = true
    else if (this.state === 'idle') {
      this.state = 'queued'
      this.queue.add(this)
    }
  }

  release(): void {
    this.state = 'released'
  }

  /** For the queue. */
  run(): void {
    if (this.state !== 'queued') return
    this.state = 'running'
    this.isWoken = false
    const more = this.runnable.drain(BUDGET)
    if (typeof more === 'boolean') this.ran(more)
    else this.ranLater(more)
  }

  private ranLater(more: Promise<boolean>): void {
    void more.then((isMore) => this.ran(isMore))
  }

  private ran(more: boolean): void {
    if (this.state !== 'running') return
    this.state = 'idle'
    if (more || this.isWoken) this.wake()
  }
}
