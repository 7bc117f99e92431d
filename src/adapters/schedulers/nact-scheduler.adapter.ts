import nact from 'nact'
import type { Runnable, Scheduler, Slot } from '../../ports/scheduler.port.ts'

/** How much mail an actor handles before another has its turn. */
const BUDGET = 16
/** Drains in one turn of the event loop where nobody else waits for one: at most 256 messages. */
const DRAINS_A_TURN = 16
/** Microtasks that a turn waits for more to do: what an answer causes to be sent comes in one to three. */
const LINGER = 3
const TOKEN = null

/**
 * Runs each actor as a nact actor, flat under one nact system, woken by tokens only: see ADR 0001 for why no more of
 * nact is used. A token gives a turn of the event loop. Whoever is woken in that turn has a part of it, if nobody waits
 * for a turn of his own: so an answer, or a restart, costs no further turn. At idle it holds no timer and no handle.
 */
export const nactScheduler = (): Scheduler => {
  const system = nact.start()
  const turns = new Turns(system)
  return {
    name: 'nact',
    attach: (runnable) => new Place(turns, runnable),
    close: async () => nact.stop(system),
  }
}

/** Who runs in the present turn, and who waits for one. */
class Turns {
  readonly system: nact.ActorSystemRef
  private readonly tick = (): void => this.look()
  /** Actors that wait for their turn. */
  private waiting = 0
  /** Woken in the present turn. */
  private next: Place | null = null
  private isOpen = false
  private left = 0
  private lingered = 0

  constructor(system: nact.ActorSystemRef) {
    this.system = system
  }

  /** A place that was woken: has a part of the present turn, or gets one of its own. */
  add(place: Place): void {
    if (this.isOpen && this.waiting === 0 && this.next === null) {
      this.next = place
      return
    }
    // Who was woken first is first.
    this.giveUpNext()
    this.wait(place)
  }

  /** A place that will not run after all. */
  remove(place: Place): void {
    if (this.next === place) this.next = null
    else this.waiting -= 1
  }

  /** nact gives a turn. */
  begin(place: Place): void {
    this.waiting -= 1
    this.isOpen = true
    this.left = DRAINS_A_TURN
    this.run(place)
  }

  private run(first: Place): void {
    for (let place: Place | null = first; place !== null; place = this.take()) {
      this.left -= 1
      place.run()
    }
    this.lingered = 0
    this.rest()
  }

  private take(): Place | null {
    const { next } = this
    if (this.left === 0 || this.waiting > 0) return null
    this.next = null
    return next
  }

  /** Who got an answer may ask at once again: that is worth some microtasks, as another turn costs tens of them. */
  private rest(): void {
    if (this.left > 0 && this.waiting === 0 && this.lingered < LINGER) void NOW.then(this.tick)
    else this.end()
  }

  private look(): void {
    this.lingered += 1
    const place = this.take()
    if (place === null) this.rest()
    else this.run(place)
  }

  private end(): void {
    this.isOpen = false
    this.giveUpNext()
  }

  private giveUpNext(): void {
    const { next } = this
    this.next = null
    if (next !== null) this.wait(next)
  }

  private wait(place: Place): void {
    this.waiting += 1
    place.dispatch()
  }
}

const NOW = Promise.resolve()

/** One actor of ours and its nact actor, which is made when it first needs a turn. */
class Place implements Slot {
  private readonly turns: Turns
  private readonly runnable: Runnable
  private ref: nact.Ref<typeof TOKEN> | null = null
  private state: 'asleep' | 'awake' | 'running' | 'released' = 'asleep'
  private isWoken = false

  constructor(turns: Turns, runnable: Runnable) {
    this.turns = turns
    this.runnable = runnable
  }

  wake(): void {
    if (this.state === 'running') this.isWoken = true
    else if (this.state === 'asleep') {
      this.state = 'awake'
      this.turns.add(this)
    }
  }

  release(): void {
    if (this.state === 'awake') this.turns.remove(this)
    this.state = 'released'
    if (this.ref !== null) nact.stop(this.ref)
    this.ref = null
  }

  /** For the turns: asks nact for one. */
  dispatch(): void {
    this.ref ??= nact.spawn(this.turns.system, turnOf, this.runnable.id, { onCrash: stopQuietly, initialState: this })
    dispatch(this.ref, TOKEN, NO_SENDER)
  }

  /** For nact. */
  turn(): void {
    if (this.state === 'awake') this.turns.begin(this)
  }

  /** For the turns. An actor that takes its time keeps nobody else waiting, nor the turn. */
  run(): void {
    this.state = 'running'
    this.isWoken = false
    const more = this.runnable.drain(BUDGET)
    if (typeof more === 'boolean') this.ran(more)
    else this.ranLater(more)
  }

  private ranLater(more: Promise<boolean>): void {
    void more.then((isMore) => this.ran(isMore))
  }

  private ran(more: boolean): void {
    if (this.state !== 'running') return
    this.state = 'asleep'
    if (more || this.isWoken) this.wake()
  }
}

/** nact hands on what it takes for a state: so one function serves all actors. */
const turnOf = (place: Place): Place => {
  place.turn()
  return place
}

/** nact makes three objects for a message without a sender, in each dispatch; its types do not know the third parameter. */
const dispatch = nact.dispatch as (ref: nact.Ref<typeof TOKEN>, token: typeof TOKEN, sender: object) => void
const NO_SENDER = {}

/** `drain` never rejects; should it, nact must neither resume nor log (FACTS, nact defects 4, 5 and 8). */
const stopQuietly: NonNullable<nact.ActorProps<unknown, unknown, nact.ActorSystemRef>['onCrash']> = (_message, _error, ctx) => ctx.stop
