import type { Clock, Timer } from '../../ports/clock.port.ts'
import type { ProcessIdentity, ProcessTable } from '../../ports/process-table.port.ts'
import type { UsageRecord } from '../../protocols/dossier.ts'
import type { PtyId } from '../../protocols/ids.ts'

/** A process that has ended can no longer be asked: so they are, while they run. */
const EVERY_MS = 2_000
/** Of one that uses no CPU, and so no more memory: the pauses grow to this. A power of two times the above, so that looks fall together. */
const IDLE_MS = 64_000

type Running = { readonly identity: ProcessIdentity; last: UsageRecord | null; everyMs: number; /** Monotonic ms. */ dueAt: number }

/** What the processes behind terminals used when last looked at. Costs nothing while none runs, and next to nothing while they are idle. */
export class Usages {
  private readonly running = new Map<PtyId, Running>()
  private readonly processTable: ProcessTable
  private readonly clock: Clock
  private timer: Timer | null = null
  private firesAt = Infinity

  constructor(processTable: ProcessTable, clock: Clock) {
    this.processTable = processTable
    this.clock = clock
  }

  /** What a process uses now; null when it has ended or the platform does not tell. */
  of(identity: ProcessIdentity): UsageRecord | null {
    const usage = this.processTable.usage?.(identity) ?? null
    return usage === null ? null : { at: this.clock.now(), ...usage }
  }

  began(ptyId: PtyId, identity: ProcessIdentity): void {
    if (this.processTable.usage === undefined) return
    const dueAt = after(this.clock.monotonic(), EVERY_MS)
    this.running.set(ptyId, { identity, last: null, everyMs: EVERY_MS, dueAt })
    if (dueAt < this.firesAt) this.arm(dueAt)
  }

  /** @returns what was seen last */
  ended(ptyId: PtyId): UsageRecord | null {
    const last = this.running.get(ptyId)?.last ?? null
    this.running.delete(ptyId)
    if (this.running.size === 0) this.close()
    return last
  }

  close(): void {
    this.timer?.cancel()
    this.timer = null
    this.firesAt = Infinity
  }

  private arm(at: number): void {
    this.timer?.cancel()
    this.firesAt = at
    this.timer = this.clock.setTimer(at - this.clock.monotonic(), () => this.look())
  }

  private look(): void {
    const now = this.clock.monotonic()
    let next = Infinity
    for (const one of this.running.values()) {
      if (one.dueAt <= now) {
        const usage = this.of(one.identity)
        const isIdle = usage !== null && usage.cpuMs === one.last?.cpuMs
        one.everyMs = isIdle ? Math.min(2 * one.everyMs, IDLE_MS) : EVERY_MS
        one.dueAt = after(now, one.everyMs)
        one.last = usage ?? one.last
      }
      next = Math.min(next, one.dueAt)
    }
    this.arm(next)
  }
}

/** The next multiple, so that those with one interval are looked at together. */
const after = (now: number, everyMs: number): number => (Math.floor(now / everyMs) + 1) * everyMs
