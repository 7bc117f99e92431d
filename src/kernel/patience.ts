import type { Clock } from '../ports/clock.port.ts'

export type Outcome =
  | { readonly is: 'done'; readonly value: unknown }
  | { readonly is: 'failed'; readonly error: unknown }
  | { readonly is: 'late' | 'gone' }

/** Waits for a promise of an actor's code: at most for its limit, and no longer than the incarnation lives. */
export class Patience {
  private readonly clock: Clock
  private end: (() => void) | null = null

  constructor(clock: Clock) {
    this.clock = clock
  }

  /** @param limitMs Infinity for no limit. @returns late after the limit, gone after `giveUp` */
  wait(pending: PromiseLike<unknown>, limitMs: number): Promise<Outcome> {
    const { promise, resolve } = Promise.withResolvers<Outcome>()
    const timer = Number.isFinite(limitMs) ? this.clock.setTimer(limitMs, () => settle({ is: 'late' })) : null
    const settle = (outcome: Outcome): void => {
      timer?.cancel()
      this.end = null
      resolve(outcome)
    }
    this.end = () => settle({ is: 'gone' })
    // A `then` of somebody else's may throw, or call back at once or twice; a promise is taken as it is.
    Promise.resolve(pending).then(
      (value) => settle({ is: 'done', value }),
      (error: unknown) => settle({ is: 'failed', error }),
    )
    return promise
  }

  giveUp(): void {
    this.end?.()
  }
}
