import type { Clock, Timer } from '../../ports/clock.port.ts'

/** Beyond this, node's timers fire at once. Source: node, timers, "setTimeout". */
const LONGEST_MS = 2 ** 31 - 1

/** The clock of this machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimer: (delayMs, fire) => new LongTimer(delayMs, fire),
}

/** A timer of any length, in stretches that node can take. */
class LongTimer implements Timer {
  private handle: NodeJS.Timeout | null = null

  constructor(delayMs: number, fire: () => void) {
    this.stretch(performance.now() + delayMs, fire)
  }

  cancel(): void {
    if (this.handle !== null) clearTimeout(this.handle)
    this.handle = null
  }

  private stretch(dueAt: number, fire: () => void): void {
    const left = dueAt - performance.now()
    this.handle = left <= LONGEST_MS ? setTimeout(fire, left) : setTimeout(() => this.stretch(dueAt, fire), LONGEST_MS)
  }
}
