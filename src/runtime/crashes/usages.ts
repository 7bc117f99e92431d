import type { Clock, Timer } from '../../ports/clock.port.ts'
import type { ProcessIdentity, ProcessTable } from '../../ports/process-table.port.ts'
import type { UsageRecord } from '../../protocols/dossier.ts'
import type { PtyId } from '../../protocols/ids.ts'

/** A process that has ended can no longer be asked: so they are, while they run. */
const EVERY_MS = 2_000

/** What the processes behind terminals used when last looked at. Costs nothing while none runs. */
export class Usages {
  private readonly running = new Map<PtyId, { readonly identity: ProcessIdentity; last: UsageRecord | null }>()
  private readonly processTable: ProcessTable
  private readonly clock: Clock
  private timer: Timer | null = null

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
    this.running.set(ptyId, { identity, last: null })
    this.timer ??= this.clock.setTimer(EVERY_MS, () => this.look())
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
  }

  private look(): void {
    for (const one of this.running.values()) one.last = this.of(one.identity) ?? one.last
    this.timer = this.clock.setTimer(EVERY_MS, () => this.look())
  }
}
