/** A timer that was set; `cancel` is idempotent. */
export interface Timer {
  cancel(): void
}

/** Time, so that a test can own it. Nothing else in signalbox reads a clock or sets a timer. */
export interface Clock {
  /** Milliseconds since the Unix epoch: for people and records. */
  now(): number
  /** Milliseconds on a clock that never jumps: for durations and limits. */
  monotonic(): number
  /** Calls `fire` once, `delayMs` from now; longer than 2^31-1 ms is handled (FACTS: nact defect 6). */
  setTimer(delayMs: number, fire: () => void): Timer
}

/** Resolves after so many milliseconds. */
export const pause = (clock: Clock, ms: number): Promise<void> => new Promise((resolve) => void clock.setTimer(ms, resolve))
