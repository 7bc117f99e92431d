import { Queue } from '../kernel/queue.ts'
import type { Intensity } from '../protocols/plan.ts'

/**
 * Restarts of one supervisor within its window, counted as OTP does (`supervisor.erl`, `add_restart`): both ends belong to
 * it. What has left it is dropped at the next look, so that a crash costs the same however many there were.
 */
export class RestartWindow {
  private readonly intensity: Intensity
  private readonly times = new Queue<number>()

  constructor(intensity: Intensity) {
    this.intensity = intensity
  }

  /** Counts a restart. @param atMs monotonic, never before an earlier one @returns how many there were within the window, this one included */
  add(atMs: number): number {
    this.times.push(atMs)
    return this.count(atMs)
  }

  count(atMs: number): number {
    for (;;) {
      const time = this.times.peek()
      if (time === undefined || atMs <= time + this.intensity.withinMs) return this.times.size
      this.times.shift()
    }
  }

  /** Whether one restart more at that time would be one too many. */
  isUsedUp(atMs: number): boolean {
    return this.count(atMs) >= this.intensity.restarts
  }
}
