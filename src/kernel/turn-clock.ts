import type { Clock } from '../ports/clock.port.ts'

/**
 * One reading of the clock for all that happens in one drain, as a reading costs a fifth of what an actor's start does.
 * For what may be early by as long as a drain takes: how long something has been up.
 */
export class TurnClock {
  private readonly clock: Clock
  private isOpen = false
  /** Null until somebody asks. */
  private at: number | null = null

  constructor(clock: Clock) {
    this.clock = clock
  }

  /** A drain begins. */
  open(): void {
    this.isOpen = true
    this.at = null
  }

  /** It is over: between drains every reading is a new one. */
  close(): void {
    this.isOpen = false
  }

  monotonic(): number {
    return this.isOpen ? (this.at ??= this.clock.monotonic()) : this.clock.monotonic()
  }
}
