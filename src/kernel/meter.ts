import { Histogram, quantileMs } from './histogram.ts'

/** How long a look holds: who looks at least so often sees all. ms */
export const LOOK_HOLDS_MS = 60_000
/** A look that follows another sooner is told of the time before that one too. ms */
const SHORTEST_WINDOW_MS = 250

/** What an actor has been doing since the first look that still holds, `forMs` ago. */
export type Load = {
  readonly forMs: number
  /** Messages whose handling has ended; a share of the time is in `busy`. */
  readonly count: number
  readonly sumMs: number
  readonly maxMs: number
  /** Upper ends of histogram buckets: up to twice the true time, never above `maxMs`. */
  readonly p50Ms: number
  readonly p95Ms: number
  readonly p99Ms: number
  /** Entry `i` counts handlers that took less than 2^i µs and are in no entry before. */
  readonly histogram: readonly number[]
  /** Since the look before, at least 250 ms. `busy`: share of the time within handlers, their waits and the present one included, 0 to 1. */
  readonly recent: { readonly forMs: number; readonly perSecond: number; readonly busy: number }
}

type Mark = { readonly at: number; readonly count: number; readonly busyMs: number }

/**
 * How long handlers take, their waits included. Made at a look at an actor and over some time after the last: without, no
 * clock is read. All times monotonic ms.
 */
export class Meter {
  readonly since: number
  private count = 0
  private sumMs = 0
  private maxMs = 0
  private readonly histogram = new Histogram()
  private holdsUntil: number
  private before: Mark
  private last: Mark

  constructor(now: number) {
    this.since = now
    this.holdsUntil = now + LOOK_HOLDS_MS
    this.before = this.last = { at: now, count: 0, busyMs: 0 }
  }

  isOver(now: number): boolean {
    return now > this.holdsUntil
  }

  add(ms: number): void {
    this.count += 1
    this.sumMs += ms
    this.maxMs = Math.max(this.maxMs, ms)
    this.histogram.add(ms)
  }

  /** @param runningMs how long the present handler has been running; 0 without one */
  look(now: number, runningMs: number): Load {
    this.holdsUntil = now + LOOK_HOLDS_MS
    const busyMs = this.sumMs + runningMs
    if (now - this.last.at >= SHORTEST_WINDOW_MS) {
      this.before = this.last
      this.last = { at: now, count: this.count, busyMs }
    }
    const { before, count, sumMs, maxMs } = this
    const forMs = now - before.at
    const histogram = count === 0 ? [] : this.histogram.list()
    return {
      forMs: now - this.since,
      count,
      sumMs,
      maxMs,
      p50Ms: quantileMs(histogram, 0.5, maxMs),
      p95Ms: quantileMs(histogram, 0.95, maxMs),
      p99Ms: quantileMs(histogram, 0.99, maxMs),
      histogram,
      recent:
        forMs === 0
          ? { forMs, perSecond: 0, busy: 0 }
          : { forMs, perSecond: ((count - before.count) * 1_000) / forMs, busy: Math.min(1, (busyMs - before.busyMs) / forMs) },
    }
  }
}
