import type { Clock, Timer } from '../ports/clock.port.ts'
import type { Pty } from '../ports/terminal-host.port.ts'
import type { Bus } from '../protocols/bus.ts'
import type { LiveEventPayloads } from '../protocols/event-payloads.ts'
import type { EventIds } from '../protocols/events.ts'
import type { PtyPressure } from '../protocols/pty-pressure.ts'

const TOPIC = 'pty.output'
/** Least time between two events of one PTY, but for the last. */
const EACH_MS = 250

type Who = Omit<LiveEventPayloads[typeof TOPIC], 'offset'>
type Hears = Pick<Bus, 'hears' | 'publish'>

/** Tells of one PTY: at once when output comes after a pause, else when the time is up; never twice the same. */
class Teller {
  private readonly clock: Clock
  private readonly bus: Hears
  private readonly pty: Pty
  private readonly ids: EventIds
  private readonly who: Who
  /** Set while something is owed, and only then. */
  private timer: Timer | null = null
  private told = 0
  private toldAt = -EACH_MS
  private isOver = false

  constructor(clock: Clock, bus: Hears, pty: Pty, ids: EventIds, who: Who) {
    this.clock = clock
    this.bus = bus
    this.pty = pty
    this.ids = ids
    this.who = who
    pty.onPressure(this.pressed)
    pty.onOutput(this.grew)
    this.grew()
  }

  end(): void {
    if (this.isOver) return
    this.isOver = true
    this.pty.onOutput(null)
    this.pty.onPressure(null)
    this.timer?.cancel()
    this.timer = null
    this.tell()
  }

  /** For each chunk: next to nothing where it is owed already, or nobody listens. */
  private readonly grew = (): void => {
    if (this.timer !== null || !this.bus.hears(TOPIC)) return
    const waitMs = this.toldAt + EACH_MS - this.clock.monotonic()
    if (waitMs <= 0) this.tell()
    else this.timer = this.clock.setTimer(waitMs, this.due)
  }

  private readonly pressed = (pressure: PtyPressure): void => {
    const topic = `pty.${pressure.kind}` as const
    if (!this.bus.hears(topic)) return
    const { kind: _, ...said } = pressure
    this.bus.publish(topic, { ...this.who, ...said }, { key: this.pty.ptyId, ids: this.ids })
  }

  private readonly due = (): void => {
    this.timer = null
    this.tell()
  }

  private tell(): void {
    const { outputBytes: offset } = this.pty.stats()
    if (offset === this.told || !this.bus.hears(TOPIC)) return
    this.told = offset
    this.toldAt = this.clock.monotonic()
    const payload: LiveEventPayloads[typeof TOPIC] = { ...this.who, offset }
    this.bus.publish(TOPIC, payload, { key: this.pty.ptyId, ids: this.ids })
  }
}

/**
 * Tells on the live topic `pty.output` how far the output of PTYs is, on `pty.backpressure` and `pty.overflow` that it is not
 * taken as fast as it comes, to whoever listens. Outlives the actors of the PTYs,
 * as their processes do.
 */
export class OutputNews {
  private readonly clock: Clock
  private readonly bus: Hears
  private readonly tellers = new WeakMap<Pty, Teller>()

  constructor(clock: Clock, bus: Hears) {
    this.clock = clock
    this.bus = bus
  }

  /** Tells of this PTY from now on. Once its start is recorded, so that this is told first. Idempotent. */
  follow(pty: Pty, ids: EventIds, who: Who): void {
    if (!this.tellers.has(pty)) this.tellers.set(pty, new Teller(this.clock, this.bus, pty, ids, who))
  }

  /** Its output is over: tells how much it was, where somebody listens and was not told. Before its end is recorded. Idempotent. */
  end(pty: Pty): void {
    this.tellers.get(pty)?.end()
  }
}
