import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Clock, Timer } from '../../src/ports/clock.port.ts'

/** Time that stands still until it is moved. Timers fire at their time, in the order of it. */
export class StillClock implements Clock {
  /** How far the clock on the wall is ahead of the time since the start, in ms. */
  aheadMs: number
  private time = 0
  private readonly timers = new Set<{ readonly at: number; readonly fire: () => void }>()

  constructor(aheadMs = 0) {
    this.aheadMs = aheadMs
  }

  now = (): number => this.time + this.aheadMs
  monotonic = (): number => this.time

  /** Timers that are set. */
  get pending(): number {
    return this.timers.size
  }

  setTimer(delayMs: number, fire: () => void): Timer {
    const timer = { at: this.time + delayMs, fire }
    this.timers.add(timer)
    return { cancel: () => void this.timers.delete(timer) }
  }

  advance(ms: number): void {
    const end = this.time + ms
    while (this.fireNext(end));
    this.time = end
  }

  /** As `advance`; what a timer sets off goes on before the next one fires. */
  async advanceInTurns(ms: number): Promise<void> {
    const end = this.time + ms
    while (this.fireNext(end)) await nextTurn()
    this.time = end
  }

  /** @returns whether one was due */
  private fireNext(end: number): boolean {
    const [next] = [...this.timers].sort((one, other) => one.at - other.at)
    if (next === undefined || next.at > end) return false
    this.time = Math.max(this.time, next.at)
    this.timers.delete(next)
    next.fire()
    return true
  }
}
