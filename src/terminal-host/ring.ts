/** Blocks are allocated as output comes, so that an empty ring costs nothing. */
export const BLOCK_BYTES = 65_536

/**
 * The last output of a terminal, addressed by absolute offset: byte 0 is the first that it ever put out. Holds at most
 * `capBytes`, a multiple of 64 KB; what is older is gone.
 */
export class Ring {
  readonly #capBlocks: number
  #blocks: Uint8Array[] = []
  /** Offset of the first byte of the first block. */
  #start = 0
  #end = 0

  constructor(capBytes: number) {
    this.#capBlocks = Math.max(1, Math.floor(capBytes / BLOCK_BYTES))
  }

  /** Offset of the oldest byte held. */
  get start(): number {
    return this.#start
  }

  /** Offset after the newest byte. */
  get end(): number {
    return this.#end
  }

  /** Bytes of memory taken, whole blocks. */
  get allocatedBytes(): number {
    return this.#blocks.length * BLOCK_BYTES
  }

  /**
   * Adds bytes (copied).
   * @param keepFrom - nothing at or after this offset is given up, even over the cap: what a lossless reader still needs.
   */
  append(bytes: Uint8Array, keepFrom: number = Infinity): void {
    let done = 0
    while (done < bytes.length) {
      const used = (this.#end - this.#start) % BLOCK_BYTES
      if (used === 0 && this.#end - this.#start === this.allocatedBytes) this.#addBlock(keepFrom)
      const block = this.#blocks.at(-1) as Uint8Array
      const count = Math.min(BLOCK_BYTES - used, bytes.length - done)
      block.set(done === 0 && count === bytes.length ? bytes : bytes.subarray(done, done + count), used)
      done += count
      this.#end += count
    }
  }

  /**
   * The bytes from `from` to the end of its block or of the output: a view, not a copy. Blocks are never written twice,
   * so a view stays right however long it is kept.
   * @param from - from `start` to `end`; at `end` the view is empty.
   */
  view(from: number): Uint8Array {
    const block = this.#blocks[Math.floor((from - this.#start) / BLOCK_BYTES)]
    if (block === undefined) return new Uint8Array(0)
    const offset = (from - this.#start) % BLOCK_BYTES
    return block.subarray(offset, Math.min(BLOCK_BYTES, offset + this.#end - from))
  }

  /** A copy of the last bytes, at most `count`. */
  tail(count: number): Uint8Array {
    const from = Math.max(this.#start, this.#end - Math.max(0, Math.floor(count)))
    const out = new Uint8Array(this.#end - from)
    for (let at = from; at < this.#end;) {
      const view = this.view(at)
      out.set(view, at - from)
      at += view.length
    }
    return out
  }

  #addBlock(keepFrom: number): void {
    while (this.#blocks.length >= this.#capBlocks && this.#start + BLOCK_BYTES <= keepFrom) {
      this.#blocks.shift()
      this.#start += BLOCK_BYTES
    }
    // Not zeroed: only what was written is ever shown.
    this.#blocks.push(new Uint8Array(Buffer.allocUnsafeSlow(BLOCK_BYTES).buffer))
  }
}
