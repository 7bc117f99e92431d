import type { Clock, Timer } from '../../ports/clock.port.ts'

/** Beyond this, node's timers fire at once. Source: node, timers, "setTimeout". */
const LONGEST_MS = 2 ** 31 - 1

/** The clock of this machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimer: (delayMs, fire) => new LongTimer(delayMs, fire),
}

/** A timer of any length, in stretches that node can take; never early, though node's are by up to some milliseconds in a busy turn. */
class LongTimer implements Timer {
  private handle: NodeJS.Timeout | null = null
  private readonly dueAt: number
  private readonly fire: () => void

  constructor(delayMs: number, fire: () => void) {
    this.dueAt = performance.now() + delayMs
    this.fire = fire
    this.arm()
  }

  cancel(): void {
    if (this.handle !== null) clearTimeout(this.handle)
    this.handle = null
  }

  private arm(): void {
    // Node warns of a negative time, which a delay of 0 is by now.
    const left = Math.max(0, Math.min(this.dueAt - performance.now(), LONGEST_MS))
    this.handle = setTimeout(fired, left, this)
  }

  /** For node, which may be early. */
  elapsed(): void {
    if (performance.now() < this.dueAt) this.arm()
    else this.fire()
  }
}

/** One function for all timers, as most are cancelled and none should cost more than it must. */
const fired = (timer: LongTimer): void => timer.elapsed()
