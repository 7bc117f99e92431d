import nact from 'nact'
import type { Runnable, Scheduler, Slot } from '../../ports/scheduler.port.ts'

/** How much mail an actor handles before another has its turn. */
const BUDGET = 16
/** How often, in one turn of the event loop, an actor may go on where no other waits: at most 128 messages. */
const DRAINS_A_TURN = 8
const TOKEN = null

/**
 * Runs each actor as a nact actor, flat under one nact system, woken by tokens only: see ADR 0001 for why no more of
 * nact is used. At idle it holds no timer and no handle.
 */
export const nactScheduler = (): Scheduler => {
  const system = nact.start()
  const pool: Pool = { system, awake: 0 }
  return {
    name: 'nact',
    attach: (runnable) => new Place(pool, runnable),
    close: async () => nact.stop(system),
  }
}

type Pool = {
  readonly system: nact.ActorSystemRef
  /** Actors that wait for their turn. */
  awake: number
}

/** One actor of ours and its nact actor. */
class Place implements Slot {
  private readonly ref: nact.Ref<typeof TOKEN>
  private readonly pool: Pool
  private readonly runnable: Runnable
  private isAwake = false
  private isReleased = false

  constructor(pool: Pool, runnable: Runnable) {
    this.pool = pool
    this.runnable = runnable
    this.ref = nact.spawn(pool.system, turnOf, runnable.id, { onCrash: stopQuietly, initialState: this })
  }

  wake(): void {
    if (this.isReleased) return
    if (!this.isAwake) this.pool.awake += 1
    this.isAwake = true
    nact.dispatch(this.ref, TOKEN)
  }

  release(): void {
    if (this.isReleased) return
    this.sleep()
    this.isReleased = true
    nact.stop(this.ref)
  }

  private sleep(): void {
    if (this.isAwake) this.pool.awake -= 1
    this.isAwake = false
  }

  /** A promise only where the actor waits: nact takes longer over each. */
  turn(): Promise<this> | this {
    this.sleep()
    for (let left = DRAINS_A_TURN; !this.isReleased; left -= 1) {
      const more = this.runnable.drain(BUDGET)
      if (typeof more !== 'boolean') return more.then((isMore) => this.again(isMore))
      if (more && left > 1 && this.pool.awake === 0) continue
      this.again(more)
      break
    }
    return this
  }

  private again(more: boolean): this {
    if (more) this.wake()
    return this
  }
}

/** nact hands on what it takes for a state: so one function serves all actors. */
const turnOf = (place: Place): Promise<Place> | Place => place.turn()

/** `drain` never rejects; should it, nact must neither resume nor log (FACTS, nact defects 4, 5 and 8). */
const stopQuietly: NonNullable<nact.ActorProps<unknown, unknown, nact.ActorSystemRef>['onCrash']> = (_message, _error, ctx) => ctx.stop
