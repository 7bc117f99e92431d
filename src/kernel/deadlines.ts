import type { Clock, Timer } from '../ports/clock.port.ts'

/** Something that has a time limit, linked with others of the same limit. */
export abstract class Limited {
  /** Monotonic ms. */
  dueAt: number = Infinity
  line: Line | null = null
  before: Limited | null = null
  after: Limited | null = null

  /** Its time is over. */
  abstract elapsed(): void
}

/** What has the same time limit, and so comes due in the order in which it came. */
type Line = { first: Limited | null; last: Limited | null }

/** At most so long a timer may outlive what it was set for. */
const TICK_MS = 1_000

/**
 * Time limits of what mostly ends long before: one timer for all of them, which is not set anew for each, nor cancelled.
 * It fires at the next deadline, or within a second, and is set again only while something has a limit: so a rest leaves
 * none. Joining and leaving take constant time and no memory.
 */
export class Deadlines {
  private readonly clock: Clock
  private readonly lines = new Map<number, Line>()
  private readonly fire = (): void => this.tick()
  private timer: Timer | null = null
  private firesAt = Infinity

  constructor(clock: Clock) {
    this.clock = clock
  }

  /** @param limitMs from now */
  add(limited: Limited, limitMs: number): void {
    const now = this.clock.monotonic()
    let line = this.lines.get(limitMs)
    if (line === undefined) this.lines.set(limitMs, (line = { first: null, last: null }))
    limited.dueAt = now + limitMs
    limited.line = line
    limited.before = line.last
    if (line.last === null) line.first = limited
    else line.last.after = limited
    line.last = limited
    if (limited.dueAt < this.firesAt) this.arm(now, limited.dueAt)
  }

  close(): void {
    this.timer?.cancel()
    this.timer = null
    this.firesAt = Infinity
  }

  private arm(now: number, dueAt: number): void {
    if (this.timer !== null && this.firesAt <= now + TICK_MS && this.firesAt <= dueAt) return
    this.timer?.cancel()
    this.firesAt = Math.min(dueAt, now + TICK_MS)
    this.timer = this.clock.setTimer(this.firesAt - now, this.fire)
  }

  private tick(): void {
    this.timer = null
    this.firesAt = Infinity
    const now = this.clock.monotonic()
    let next = Infinity
    for (const [limitMs, line] of this.lines) {
      for (let { first } = line; first !== null && first.dueAt <= now; first = line.first) {
        leave(first)
        first.elapsed()
      }
      if (line.first === null) this.lines.delete(limitMs)
      else next = Math.min(next, line.first.dueAt)
    }
    if (next < this.firesAt) this.arm(now, next)
  }
}

/** Takes it out of its line, if it is in one. */
export const leave = (limited: Limited): void => {
  const { line, before, after } = limited
  if (line === null) return
  if (before === null) line.first = after
  else before.after = after
  if (after === null) line.last = before
  else after.before = before
  limited.line = limited.before = limited.after = null
}
