import type { SeededScheduler } from '../adapters/schedulers/seeded-scheduler.adapter.ts'
import type { Clock } from '../ports/clock.port.ts'
import type { Random } from '../ports/random.port.ts'
import type { ClockSite, Fault } from './fault.ts'
import { FaultBook } from './fault-book.ts'
import { disturbed, type Probe } from './instrument.ts'
import { errorText, type Happening, plainValue, TraceRecorder } from './trace.ts'

/** What a tree is made with: everything that it may take from the outside. */
export interface World {
  readonly clock: Clock
  readonly random: Random
  /** A port whose calls are recorded and can be struck by faults. Only its methods are wrapped. */
  port<T extends object>(name: string, port: T): T
}

type Method = (...args: unknown[]) => unknown

/** Time, randomness and faults of one run, from one seed. */
export class SimulatedWorld implements World, Probe {
  readonly clock: Clock
  readonly random: Random
  readonly scheduler: SeededScheduler
  readonly recorder: TraceRecorder
  /** Timers that are set and have neither fired nor been cancelled. */
  timersLeft = 0
  private readonly book: FaultBook
  private offsetMs = 0

  constructor(scheduler: SeededScheduler, faults: readonly Fault[]) {
    const { clock } = scheduler
    this.scheduler = scheduler
    this.book = new FaultBook(faults)
    this.recorder = new TraceRecorder(() => clock.monotonic())
    this.random = scheduler.random
    this.clock = {
      now: () => clock.now() + this.offsetMs,
      monotonic: () => clock.monotonic(),
      setTimer: (ms, fire) => this.setTimer(ms, fire),
    }
    for (const { site, kind } of faults)
      if ('clockAtMs' in site && typeof kind === 'object' && 'jumpMs' in kind) this.plan(site, kind.jumpMs)
  }

  record(happening: Happening): void {
    this.recorder.add(happening)
  }

  strike(site: Parameters<Probe['strike']>[0]): ReturnType<Probe['strike']> {
    const strikes = this.book.strike(site)
    for (const kind of strikes) this.record({ event: 'fault', site: JSON.stringify(site), kind: JSON.stringify(kind) })
    return strikes
  }

  port<T extends object>(name: string, port: T): T {
    return new Proxy(port, {
      get: (target, key) => {
        const value = Reflect.get(target, key, target) as unknown
        return typeof value === 'function' && typeof key === 'string' ? this.method(name, key, (value as Method).bind(target)) : value
      },
    })
  }

  /** The clock on the wall is changed; durations are not. */
  jump(ms: number): void {
    this.offsetMs += ms
    this.record({ event: 'time', now: this.clock.now() })
  }

  /** Moves time by `ms`. */
  async advance(ms: number): Promise<void> {
    await this.scheduler.advance(ms)
    this.record({ event: 'time', now: this.clock.now() })
  }

  private plan(site: ClockSite, jumpMs: number): void {
    this.scheduler.clock.setTimer(site.clockAtMs, () => this.jump(jumpMs))
  }

  private setTimer(delayMs: number, fire: () => void): ReturnType<Clock['setTimer']> {
    let isOver = false
    const over = (): void => {
      if (!isOver) this.timersLeft -= 1
      isOver = true
    }
    this.timersLeft += 1
    const timer = this.scheduler.clock.setTimer(delayMs, () => {
      over()
      this.record({ event: 'timer', delayMs })
      fire()
    })
    return {
      cancel: () => {
        over()
        timer.cancel()
      },
    }
  }

  private method(port: string, method: string, call: Method): Method {
    return (...args) => {
      const settle = (did: 'called' | 'done' | 'failed'): void => this.record({ event: 'port', port, method, did })
      const failed = (error: unknown): never => {
        settle('failed')
        throw error
      }
      settle('called')
      try {
        const value = disturbed(this, { port, method }, () => call(...args))
        if (!(value instanceof Promise)) {
          settle('done')
          return value
        }
        return value.then((result: unknown) => {
          settle('done')
          return result
        }, failed)
      } catch (error) {
        // Whoever calls a port expects its failures where its outcomes come: most are promises, and an effect takes both.
        return failed(error)
      }
    }
  }

  /** Notes how an ask of a step ended. */
  noteAnswer(step: number, answer: Promise<unknown>): void {
    answer.then(
      (value) => this.record({ event: 'answered', step, value: plainValue(value) }),
      (error: unknown) => this.record({ event: 'refused', step, error: errorText(error) }),
    )
  }
}
