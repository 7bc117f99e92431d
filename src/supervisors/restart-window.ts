import type { Intensity } from '../protocols/plan.ts'

/** Restarts of one supervisor within its window, counted as OTP does (`supervisor.erl`, `add_restart`): both ends belong to it. */
export class RestartWindow {
  private readonly intensity: Intensity
  private times: readonly number[] = []

  constructor(intensity: Intensity) {
    this.intensity = intensity
  }

  /** Counts a restart. @returns how many there were within the window, this one included */
  add(atMs: number): number {
    this.times = [...this.within(atMs), atMs]
    return this.times.length
  }

  count(atMs: number): number {
    return this.within(atMs).length
  }

  /** Whether one restart more at that time would be one too many. */
  isUsedUp(atMs: number): boolean {
    return this.count(atMs) >= this.intensity.restarts
  }

  private within(atMs: number): number[] {
    return this.times.filter((time) => atMs <= time + this.intensity.withinMs)
  }
}
