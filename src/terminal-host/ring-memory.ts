/** The unit in which rings take memory. */
export const BLOCK_BYTES = 65_536

/** What all rings of a host hold together at most. */
export const RING_BUDGET_BYTES = 268_435_456

/** Blocks that nobody needs and that are kept for the next who does: more go back to the system. */
const MOST_FREE = 64

/** A piece of output. It is written once in each life; a life ends when no ring and no reader has it any more. */
export type Block = {
  readonly bytes: Uint8Array
  /** Readers that look at it and will say when they have done so. */
  leases: number
  /** A view of it was handed to somebody who will not say when he is done: it is never written to again. */
  kept: boolean
  /** Its ring has given it up; it waits for the last lease. */
  retired: boolean
}

/** What takes part: a ring, as others see it. */
export type Holder = {
  /** Blocks held. */
  readonly size: number
  /** Grows with each write: who wrote last has the largest. */
  readonly writtenAt: number
  /** Whether it has a block that nobody needs, but for late readers. */
  readonly canGiveUp: boolean
  /** Gives up its oldest block, through `give`. */
  giveUp(): void
}

/**
 * The memory of all rings of a host, under one budget. Blocks that are given up are used again, as soon as nobody can
 * see them, so that at steady state nothing is allocated. At the budget the largest ring gives up its oldest block, of
 * equal ones the one that was not written to for the longest time: every ring keeps an equal share, and a small one
 * loses nothing to a large one. What lossless readers need is never taken: for them alone the budget may be exceeded,
 * by their windows, as it may by the newest blocks, which each ring keeps.
 */
export class RingMemory {
  readonly #budgetBlocks: number
  readonly #holders = new Set<Holder>()
  readonly #free: Block[] = []
  /** Blocks that are in rings, leased, or free. */
  #blocks = 0
  #writes = 0

  /** @param budgetBytes - whole blocks of it are used */
  constructor(budgetBytes: number = RING_BUDGET_BYTES) {
    this.#budgetBlocks = Math.max(1, Math.floor(budgetBytes / BLOCK_BYTES))
  }

  /** Memory taken now: of rings, of readers that are not done, and in reserve. */
  get allocatedBytes(): number {
    return this.#blocks * BLOCK_BYTES
  }

  join(holder: Holder): void {
    this.#holders.add(holder)
  }

  leave(holder: Holder): void {
    this.#holders.delete(holder)
  }

  /** The number of a write, for `writtenAt`. */
  nextWrite(): number {
    this.#writes += 1
    return this.#writes
  }

  /**
   * A block to write to, its content undefined. Somebody may have to give one up for it: the one who asks, where that would
   * make him the largest.
   */
  take(asker: Holder): Block {
    while (this.#free.length === 0 && this.#blocks >= this.#budgetBlocks) if (!this.#takeOne(asker)) break
    const block = this.#free.pop()
    if (block !== undefined) return block
    this.#blocks += 1
    // Not zeroed: only what was written is ever shown.
    return { bytes: new Uint8Array(Buffer.allocUnsafeSlow(BLOCK_BYTES).buffer), leases: 0, kept: false, retired: false }
  }

  /** A lossless reader has gone on: what was over the budget for him is given back. */
  settle(): void {
    while (this.#blocks > this.#budgetBlocks) if (!this.#takeOne()) return
  }

  /** Takes a block that its ring has given up. */
  give(block: Block): void {
    block.retired = true
    if (block.leases === 0) this.#recycle(block)
  }

  /** A reader is done with a block. */
  unlease(block: Block): void {
    block.leases -= 1
    if (block.leases === 0 && block.retired) this.#recycle(block)
  }

  #recycle(block: Block): void {
    if (block.kept || this.#free.length >= MOST_FREE || this.#blocks > this.#budgetBlocks) {
      this.#blocks -= 1 // the garbage collector has it when nobody does
      return
    }
    block.retired = false
    this.#free.push(block)
  }

  /** @returns whether somebody had a block to give up; it may still be looked at. */
  #takeOne(asker?: Holder): boolean {
    const victim = this.#largest(asker)
    victim?.giveUp()
    return victim !== undefined
  }

  #largest(asker: Holder | undefined): Holder | undefined {
    let victim: Holder | undefined
    let most = 0
    for (const holder of this.#holders) {
      if (!holder.canGiveUp) continue
      const size = holder === asker ? holder.size + 1 : holder.size
      if (victim === undefined || size > most || (size === most && holder.writtenAt < victim.writtenAt)) {
        victim = holder
        most = size
      }
    }
    return victim
  }
}
