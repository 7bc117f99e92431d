import type { Clock } from '../ports/clock.port.ts'

/** How long handlers take, their waits included. Made at the first look at an actor: before, no clock is read for it. */
export class Meter {
  /** Monotonic ms. */
  readonly since: number
  count = 0
  sumMs = 0
  maxMs = 0
  private readonly clock: Clock
  private began: number | null = null

  constructor(clock: Clock) {
    this.clock = clock
    this.since = clock.monotonic()
  }

  now(): number {
    return this.clock.monotonic()
  }

  begin(): void {
    this.began = this.now()
  }

  end(): void {
    // The first look may come in the midst of a handler.
    if (this.began === null) return
    const ms = this.now() - this.began
    this.began = null
    this.count += 1
    this.sumMs += ms
    this.maxMs = Math.max(this.maxMs, ms)
  }
}
