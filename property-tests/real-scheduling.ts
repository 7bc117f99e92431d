import { setImmediate as nextTurn } from 'node:timers/promises'
import { countedScheduler } from '../src/adapters/schedulers/counted-scheduler.ts'
import type { Runnable, Scheduler, Slot } from '../src/ports/scheduler.port.ts'
import type { Engine } from '../src/testing/simulate.ts'

/** Turns of the event loop without a wake after which nothing is under way: what waits, waits for time. */
const QUIET_TURNS = 3
/** No scenario takes so long to rest: a wake was lost, or one that is over keeps its turns. */
const MOST_TURNS = 50_000

/** The same engine, on the scheduler that users have: it decides who is next; only time is still the test's. */
export const onScheduler = ({ startSystem, SeededScheduler }: Engine, make: () => Scheduler): Engine => ({
  startSystem,
  SeededScheduler: class extends SeededScheduler {
    private readonly real = countedScheduler(make())

    override attach(runnable: Runnable): Slot {
      return this.real.scheduler.attach(runnable)
    }

    override async settle(): Promise<void> {
      const { counts } = this.real
      for (let quiet = 0, turns = 0; quiet < QUIET_TURNS; turns += 1) {
        if (turns > MOST_TURNS) throw new Error(`does not rest: ${JSON.stringify(counts)}`)
        await nextTurn()
        quiet = counts.tokens === counts.drains + counts.forfeited ? quiet + 1 : 0
      }
    }

    override close(): Promise<void> {
      return this.real.scheduler.close()
    }
  },
})
