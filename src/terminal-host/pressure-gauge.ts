import type { Clock, Timer } from '../ports/clock.port.ts'
import type { PtyPressure } from '../protocols/pty-pressure.ts'

/** PTY-11; told again only after it has fallen below the lower one. */
const HIGH = 0.75
const LOW = 0.5
/** Least time between two of a kind. */
const EACH_MS = 1_000

export type Reader = Extract<PtyPressure, { kind: 'backpressure' }>['reader']

/**
 * Tells when output is not taken as fast as it comes: once when it is three quarters behind, and while the ring gives up
 * output at most once a second, so that all that was given up is told in the end. Costs a timer only while something is
 * owed.
 */
export class PressureGauge {
  readonly #clock: Clock
  readonly #ringFill: () => number
  #told: ((pressure: PtyPressure) => void) | null = null
  #isHigh = false
  #highAt = -EACH_MS
  #droppedBytes = 0
  #unreadBytes = 0
  #totalBytes = 0
  #overflowAt = -EACH_MS
  #timer: Timer | null = null
  #isOver = false

  /** @param ringFill how full the ring is, 0 to 1 */
  constructor(clock: Clock, ringFill: () => number) {
    this.#clock = clock
    this.#ringFill = ringFill
  }

  /** There is one that is told; null: none. What it is owed it is told at once. */
  tell(told: ((pressure: PtyPressure) => void) | null): void {
    this.#told = told
    if (told === null) this.#cancel()
    else if (this.#droppedBytes > 0) this.#owe()
  }

  /** How far behind the slowest is, after each output. */
  behind(fill: number, behindBytes: number, reader: Reader): void {
    if (fill < HIGH) {
      if (fill < LOW) this.#isHigh = false
      return
    }
    if (this.#isHigh || this.#told === null) return
    const now = this.#clock.monotonic()
    if (now - this.#highAt < EACH_MS) return // it is told when it is still so after that
    this.#isHigh = true
    this.#highAt = now
    this.#told({ kind: 'backpressure', at: this.#clock.now(), fill, behindBytes, reader })
  }

  /** The ring has given up output. */
  dropped(bytes: number, unreadBytes: number): void {
    this.#droppedBytes += bytes
    this.#unreadBytes += unreadBytes
    this.#totalBytes += bytes
    if (this.#told !== null) this.#owe()
  }

  /** No more output comes: what is owed is told now. */
  finish(): void {
    this.#isOver = true
    this.#cancel()
    this.#overflow()
  }

  #owe(): void {
    if (this.#timer !== null) return
    const waitMs = this.#isOver ? 0 : this.#overflowAt + EACH_MS - this.#clock.monotonic()
    // Never in the middle of a write to the ring.
    this.#timer = this.#clock.setTimer(Math.max(0, waitMs), () => {
      this.#timer = null
      this.#overflow()
    })
  }

  #overflow(): void {
    if (this.#droppedBytes === 0 || this.#told === null) return
    const overflow = { droppedBytes: this.#droppedBytes, unreadBytes: this.#unreadBytes, totalBytes: this.#totalBytes }
    this.#droppedBytes = 0
    this.#unreadBytes = 0
    this.#overflowAt = this.#clock.monotonic()
    this.#told({ kind: 'overflow', at: this.#clock.now(), fill: this.#ringFill(), ...overflow })
  }

  #cancel(): void {
    this.#timer?.cancel()
    this.#timer = null
  }
}
