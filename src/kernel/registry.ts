import { type Incarnation, tiesOf } from './incarnation.types.ts'
import { Queue } from './queue.ts'
import type { Exit } from './types.ts'

/**
 * What is known of a name. `owner` is the supervisor that has it, also while nobody runs under it. An owner's names are
 * linked through their entries: there may be 100,000, and a start should not pay for a set besides the map.
 */
export type Entry = {
  readonly name: string
  current: Incarnation | null
  incarnation: number
  readonly owner: Incarnation | null
  restarted: boolean
  earlier: Entry | null
  later: Entry | null
}

/** Why a message cannot be delivered. */
export type Undelivered = 'not-found' | 'ended' | 'restarted'

const KEPT_EXITS = 1_024
const KEPT_NAMES = 65_536

/** Names and their incarnations. An incarnation number is never used twice for a name, however long the system runs. */
export class Registry {
  private readonly entries = new Map<string, Entry>()
  /** Claimed last: mostly the name that begins next. */
  private claimed: Entry | null = null
  /** Names given back, oldest first, with their last incarnation. */
  private readonly retired = new Map<string, number>()
  /** Above every incarnation of a retired name that was forgotten. */
  private floor = 0
  private readonly exits = new Map<string, Exit>()
  private readonly exitOrder = new Queue<string>()

  lookup(name: string): Incarnation | null {
    return this.entries.get(name)?.current ?? null
  }

  resolve(target: { readonly name: string; readonly incarnation?: number | undefined }): Incarnation | Undelivered {
    const entry = this.entries.get(target.name)
    if (entry !== undefined && entry.current !== null && (target.incarnation === undefined || target.incarnation === entry.incarnation)) {
      return entry.current
    }
    if (target.incarnation === undefined) return 'not-found'
    const last = entry?.incarnation ?? this.retired.get(target.name)
    if (last === undefined || target.incarnation > last) return 'not-found'
    return target.incarnation < last || entry?.restarted === true ? 'restarted' : 'ended'
  }

  /** @returns false when another supervisor has the name. */
  claim(name: string, owner: Incarnation): boolean {
    if (this.entries.has(name)) return false
    const ties = tiesOf(owner)
    const entry = this.revive(name, owner)
    this.entries.set(name, entry)
    entry.earlier = ties.names
    if (ties.names !== null) ties.names.later = entry
    ties.names = entry
    this.claimed = entry
    return true
  }

  release(name: string): void {
    const entry = this.entries.get(name)
    if (entry === undefined) return
    this.entries.delete(name)
    if (this.claimed === entry) this.claimed = null
    const { owner, earlier, later } = entry
    if (earlier !== null) earlier.later = later
    if (later !== null) later.earlier = earlier
    else if (owner !== null) tiesOf(owner).names = earlier
    this.retired.delete(name)
    this.retired.set(name, entry.incarnation)
    if (this.retired.size > KEPT_NAMES) this.forgetOldest()
  }

  releaseAll(owner: Incarnation): void {
    const { ties } = owner
    while (ties !== null && ties.names !== null) this.release(ties.names.name)
  }

  /** @returns the incarnation that begins. */
  begin(cell: Incarnation, name: string): number {
    let entry = this.claimed?.name === name ? this.claimed : this.entries.get(name)
    if (entry === undefined) this.entries.set(name, (entry = this.revive(name, null)))
    entry.incarnation += 1
    entry.restarted = false
    entry.current = cell
    return entry.incarnation
  }

  ended(cell: Incarnation, exit: Exit, restarted: boolean): void {
    const entry = this.entries.get(cell.ref.name)
    if (entry?.current === cell) {
      entry.current = null
      entry.restarted = restarted
    }
    this.exits.set(cell.ref.id, exit)
    this.exitOrder.push(cell.ref.id)
    if (this.exitOrder.size > KEPT_EXITS) this.exits.delete(this.exitOrder.shift() ?? '')
  }

  /** How an incarnation ended, while that is remembered. */
  exitOf(id: string): Exit | undefined {
    return this.exits.get(id)
  }

  private revive(name: string, owner: Incarnation | null): Entry {
    const incarnation = this.retired.get(name) ?? this.floor
    if (this.retired.size > 0) this.retired.delete(name)
    return { name, current: null, incarnation, owner, restarted: false, earlier: null, later: null }
  }

  private forgetOldest(): void {
    const [oldest] = this.retired
    if (oldest === undefined) return
    this.retired.delete(oldest[0])
    this.floor = Math.max(this.floor, oldest[1])
  }
}
