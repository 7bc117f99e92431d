import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Clock, Timer } from '../../ports/clock.port.ts'
import type { Random } from '../../ports/random.port.ts'
import type { Runnable, Scheduler, Slot } from '../../ports/scheduler.port.ts'

const MOST_AT_ONCE = 16

type Place = { readonly runnable: Runnable; state: 'idle' | 'ready' | 'running' | 'released'; woken: boolean }
type Due = { readonly at: number; readonly fire: () => void }

/**
 * For tests: a seed picks the next actor and how much of its mail it handles, and time stands still until the test moves
 * it. The same seed and the same calls give the same run, as long as no actor waits for the real outside.
 */
export class SeededScheduler implements Scheduler {
  readonly name = 'seeded'
  readonly clock: Clock
  /** A stream of its own, so that what actors draw does not change who is next. */
  readonly random: Random
  private readonly pick: Random
  private readonly ready: Place[] = []
  private readonly timers: Due[] = []
  private time = 0
  private loop: Promise<void> | null = null

  /** @param seed any integer */
  constructor(seed: number) {
    this.pick = seededRandom(seed)
    this.random = seededRandom(seed ^ 0x5f_37_59_df)
    this.clock = {
      now: () => this.time,
      monotonic: () => this.time,
      setTimer: (delayMs, fire) => this.setTimer(delayMs, fire),
    }
  }

  attach(runnable: Runnable): Slot {
    const place: Place = { runnable, state: 'idle', woken: false }
    return {
      wake: () => this.wake(place),
      release: () => void (place.state = 'released'),
    }
  }

  /** Timers stay: one that is left was forgotten by whoever set it. */
  async close(): Promise<void> {}

  /** Lets actors run until none is ready. Time does not move. */
  async settle(): Promise<void> {
    await nextTurn()
    while (this.loop !== null) await this.loop
  }

  /** Lets actors run, then moves time to the next timer. @returns false when there is none */
  async step(): Promise<boolean> {
    await this.settle()
    const next = this.timers.shift()
    if (next === undefined) return false
    this.time = Math.max(this.time, next.at)
    next.fire()
    await this.settle()
    return true
  }

  /** Moves time by `ms`; timers fire in order, and actors run between them. */
  async advance(ms: number): Promise<void> {
    await this.settle()
    const end = this.time + ms
    while ((this.timers[0]?.at ?? Infinity) <= end) await this.step()
    this.time = end
  }

  private wake(place: Place): void {
    if (place.state === 'released' || place.state === 'ready') return
    if (place.state === 'running') {
      place.woken = true
      return
    }
    place.state = 'ready'
    this.ready.push(place)
    this.loop ??= this.runAll()
  }

  /** One drain a turn of the event loop, so that promises settle between two drains, whatever the machine's speed. */
  private async runAll(): Promise<void> {
    await nextTurn()
    while (this.ready.length > 0) {
      const [place] = this.ready.splice(this.nextIndex(), 1)
      if (place?.state === 'ready') this.run(place)
      await nextTurn()
    }
    this.loop = null
  }

  /** Anybody. Each has the same chance at each turn: that one waits for 256 turns of each other happens once in 10^111. */
  private nextIndex(): number {
    return Math.floor(this.pick.next() * this.ready.length)
  }

  private run(place: Place): void {
    place.state = 'running'
    place.woken = false
    const more = place.runnable.drain(1 + Math.floor(this.pick.next() * MOST_AT_ONCE))
    if (typeof more === 'boolean') this.ran(place, more)
    else void more.then((later) => this.ran(place, later))
  }

  private ran(place: Place, more: boolean): void {
    if (place.state === 'released') return
    place.state = 'idle'
    if (more || place.woken) this.wake(place)
  }

  private setTimer(delayMs: number, fire: () => void): Timer {
    const due: Due = { at: this.time + Math.max(0, delayMs), fire }
    const after = this.timers.findIndex(({ at }) => at > due.at)
    this.timers.splice(after === -1 ? this.timers.length : after, 0, due)
    return {
      cancel: () => {
        const index = this.timers.indexOf(due)
        if (index !== -1) this.timers.splice(index, 1)
      },
    }
  }
}

/** Mulberry32: small, fast, good enough to pick. Source: Tommy Ettinger, public domain. */
const seededRandom = (seed: number): Random => {
  let state = seed | 0
  return {
    next: () => {
      state = (state + 0x6d_2b_79_f5) | 0
      let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
      mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
    },
  }
}
