import { type Block, BLOCK_BYTES, type Holder, RingMemory } from './ring-memory.ts'

export type RingOptions = {
  /** Shared by the rings of a host. @defaultValue memory of its own */
  readonly memory?: RingMemory
  /** Nothing at or after this offset is given up, even over the cap: what a lossless reader still needs. @defaultValue Infinity */
  readonly keepFrom?: () => number
  /** Told of the oldest output, and where it begins, when it is given up. Quick: it may not keep the bytes. */
  readonly onGiveUp?: (bytes: Uint8Array, offset: number) => void
}

const NOTHING = new Uint8Array(0)

/**
 * The last output of a terminal, addressed by absolute offset: byte 0 is the first that it ever put out. Holds at most
 * `capBytes`, a multiple of 64 KB, and less where the memory of all rings is short; what is older is gone. Blocks are
 * taken as output comes, so that an empty ring costs nothing.
 */
export class Ring implements Holder {
  readonly #capBlocks: number
  readonly #memory: RingMemory
  readonly #keepFrom: () => number
  #onGiveUp: RingOptions['onGiveUp']
  readonly #blocks: Block[] = []
  /** Offset of the first byte of the first block. */
  #start = 0
  #end = 0
  #writtenAt = 0

  constructor(capBytes: number, { memory = new RingMemory(), keepFrom = () => Infinity, onGiveUp }: RingOptions = {}) {
    this.#capBlocks = Math.max(1, Math.floor(capBytes / BLOCK_BYTES))
    this.#memory = memory
    this.#keepFrom = keepFrom
    this.#onGiveUp = onGiveUp
  }

  /** Offset of the oldest byte held. */
  get start(): number {
    return this.#start
  }

  /** Offset after the newest byte. */
  get end(): number {
    return this.#end
  }

  /** The most that it holds, in bytes. */
  get capBytes(): number {
    return this.#capBlocks * BLOCK_BYTES
  }

  /** Bytes of memory taken, whole blocks. */
  get allocatedBytes(): number {
    return this.#blocks.length * BLOCK_BYTES
  }

  get size(): number {
    return this.#blocks.length
  }

  get writtenAt(): number {
    return this.#writtenAt
  }

  get canGiveUp(): boolean {
    return this.#blocks.length > 1 && this.#start + BLOCK_BYTES <= this.#keepFrom()
  }

  /** Gives up its oldest block: `start` goes on by it. */
  giveUp(): void {
    const block = this.#blocks.shift()
    if (block === undefined) return
    this.#onGiveUp?.(this.viewIn(block, this.#start), this.#start)
    this.#start += BLOCK_BYTES
    this.#memory.give(block)
  }

  /** Adds bytes (copied). */
  append(bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length;) {
      const used = (this.#end - this.#start) % BLOCK_BYTES
      if (used === 0 && this.#end - this.#start === this.allocatedBytes) this.#addBlock()
      const block = this.#blocks.at(-1) as Block
      const count = Math.min(BLOCK_BYTES - used, bytes.length - done)
      block.bytes.set(count === bytes.length ? bytes : bytes.subarray(done, done + count), used)
      done += count
      this.#end += count
    }
  }

  /**
   * The bytes from `from` to the end of its block or of the output: a view, not a copy. It stays right for ever: its block
   * is never used again.
   * @param from - from `start` to `end`; at `end` the view is empty.
   */
  view(from: number): Uint8Array {
    const block = this.#blockAt(from)
    if (block === undefined) return NOTHING
    block.kept = true
    return this.viewIn(block, from)
  }

  /**
   * The block that holds the byte at `from`, as it is until `unlease`: then it may be used again.
   * @returns undefined where no byte of it is held
   */
  lease(from: number): Block | undefined {
    const block = this.#blockAt(from)
    if (block !== undefined) block.leases += 1
    return block
  }

  unlease(block: Block): void {
    this.#memory.unlease(block)
  }

  /** As `view`, of the block that `lease` gave for an offset: right until `unlease`. */
  viewIn({ bytes }: Block, from: number): Uint8Array {
    const offset = (from - this.#start) % BLOCK_BYTES
    return bytes.subarray(offset, Math.min(BLOCK_BYTES, offset + this.#end - from))
  }

  /** What is needed has changed: gives up what is over the cap, and over the budget of all, and no longer needed. */
  settle(): void {
    const keepFrom = this.#keepFrom()
    while (this.#blocks.length > this.#capBlocks && this.#start + BLOCK_BYTES <= keepFrom) this.giveUp()
    this.#memory.settle()
  }

  /** A copy of the last bytes, at most `count`. */
  tail(count: number): Uint8Array<ArrayBuffer> {
    const from = Math.max(this.#start, this.#end - Math.max(0, Math.floor(count)))
    const out = new Uint8Array(this.#end - from)
    for (let at = from; at < this.#end;) {
      const view = this.viewIn(this.#blockAt(at) as Block, at)
      out.set(view, at - from)
      at += view.length
    }
    return out
  }

  /** A copy of what is held from `from` to `to`, at most to the end of a block. */
  copy(from: number, to: number): Uint8Array<ArrayBuffer> {
    const block = this.#blockAt(from)
    return block === undefined ? new Uint8Array(0) : new Uint8Array(this.viewIn(block, from).subarray(0, Math.max(0, to - from)))
  }

  /** Gives up all: `start` is `end` from now on. */
  clear(): void {
    this.#memory.leave(this)
    this.#onGiveUp = undefined
    while (this.#blocks.length > 0) this.giveUp()
    this.#start = this.#end
  }

  #blockAt(from: number): Block | undefined {
    return from < this.#start ? undefined : this.#blocks[Math.floor((from - this.#start) / BLOCK_BYTES)]
  }

  #addBlock(): void {
    const keepFrom = this.#keepFrom()
    while (this.#blocks.length >= this.#capBlocks && this.#start + BLOCK_BYTES <= keepFrom) this.giveUp()
    if (this.#blocks.length === 0) this.#memory.join(this)
    this.#writtenAt = this.#memory.nextWrite()
    this.#blocks.push(this.#memory.take(this))
  }
}
