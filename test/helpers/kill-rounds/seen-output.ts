/** Room that the ring of a terminal may be short of its size: its oldest block is given up as a whole, the newest is not full. */
const BLOCKS_BYTES = 2 * 65_536
const RING_BYTES = 4_194_304
const LINE_FEED = 0x0a

type Range = { readonly from: number; readonly to: number }

/** A promise about terminals that was broken. */
export class Broken extends Error {
  override readonly name = 'Broken'
}

/**
 * All that readers were given of the output of one program, by its place: what one reader was given, every later one must be
 * given again, with the same bytes, unless the ring has given it up and says so.
 */
export class SeenOutput {
  readonly #what: string
  #bytes = Buffer.alloc(65_536)
  /** In order, apart from each other, none empty. */
  #known: Range[] = []
  #end = 0
  /** Where a reading began that misses what came before it. */
  #late: Range[] = []
  #isFirst = true

  constructor(what: string) {
    this.#what = what
  }

  /** Everything before is known, or said to be gone. */
  get end(): number {
    return this.#end
  }

  get known(): readonly Range[] {
    return this.#known
  }

  /** A reading begins anew: it may begin at any place, as far back as the ring goes. */
  begin(): void {
    this.#isFirst = true
  }

  /** @throws Broken for a hole of which nobody told, and for other bytes than those that were given there before */
  take(offset: number, bytes: Uint8Array): void {
    const to = offset + bytes.length
    if (offset > this.#end) {
      if (!this.#isFirst) throw new Broken(`${this.#what}: output from ${this.#end} to ${offset} is missing, and nobody said so`)
      this.#late.push({ from: this.#end, to: offset })
    }
    this.#isFirst = false
    this.#room(to)
    for (const range of this.#known) {
      const [from, until] = [Math.max(range.from, offset), Math.min(range.to, to)]
      if (from >= until) continue
      const again = bytes.subarray(from - offset, until - offset)
      if (this.#bytes.compare(again, 0, again.length, from, until) !== 0)
        throw new Broken(
          `${this.#what}: output from ${from} to ${until} is not what it was: ${excerpt(this.#bytes.subarray(from, until), again)}`,
        )
    }
    this.#bytes.set(bytes, offset)
    this.#add({ from: offset, to })
    this.#end = Math.max(this.#end, to)
  }

  /** A reader was told that this is gone. */
  gap({ from, to }: Range): void {
    if (from > this.#end && !this.#isFirst)
      throw new Broken(`${this.#what}: a gap from ${from} on is told, after output up to ${this.#end}`)
    this.#isFirst = false
    this.#room(to)
    this.#end = Math.max(this.#end, to)
  }

  /** Once readers have caught up. @throws Broken where less was there than the ring holds */
  checkLate(): void {
    for (const { from, to } of this.#late) {
      if (this.#end - to < RING_BYTES - BLOCKS_BYTES)
        throw new Broken(
          `${this.#what}: output from ${from} to ${to} was given up, though there were only ${this.#end - to} bytes after it`,
        )
    }
    this.#late = []
  }

  /** Everything known must be in the log at its place. @param isWhole the log holds all output @returns bytes that it is short of */
  checkLog(log: Buffer, isWhole: boolean): number {
    if (isWhole && log.length < this.#end)
      throw new Broken(`${this.#what}: the log has ${log.length} bytes, output was seen up to ${this.#end}`)
    for (const { from, to } of this.#known) {
      const until = Math.min(to, log.length)
      if (from < until && this.#bytes.compare(log, from, until, from, until) !== 0)
        throw new Broken(
          `${this.#what}: the log from ${from} to ${until} is not what was seen: ${excerpt(this.#bytes.subarray(from, until), log.subarray(from, until))}`,
        )
    }
    return Math.max(0, this.#end - log.length)
  }

  /** Whole lines of the known output from a place on, without their ends. */
  *lines(from: number): Generator<{ readonly text: string; readonly at: number; readonly next: number }> {
    for (const range of this.#known) {
      let at = Math.max(range.from, from)
      if (at >= range.to) continue
      // the rest of a line that began in a hole
      if (at === range.from && at > 0) at = this.#lineEnd(at, range.to) + 1
      for (let end = this.#lineEnd(at, range.to); at < range.to && end < range.to; end = this.#lineEnd(at, range.to)) {
        yield { text: this.#bytes.toString('latin1', at, end), at, next: end + 1 }
        at = end + 1
      }
    }
  }

  #lineEnd(from: number, to: number): number {
    const at = this.#bytes.indexOf(LINE_FEED, from)
    return at < 0 || at >= to ? to : at
  }

  #room(bytes: number): void {
    if (bytes <= this.#bytes.length) return
    const larger = Buffer.alloc(Math.max(bytes, 2 * this.#bytes.length))
    larger.set(this.#bytes.subarray(0, this.#end))
    this.#bytes = larger
  }

  #add(added: Range): void {
    const touching = this.#known.filter(({ from, to }) => from <= added.to && to >= added.from)
    const apart = this.#known.filter((range) => !touching.includes(range))
    const from = Math.min(added.from, ...touching.map((range) => range.from))
    const to = Math.max(added.to, ...touching.map((range) => range.to))
    this.#known = [...apart, { from, to }].sort((a, b) => a.from - b.from)
  }
}

const excerpt = (one: Uint8Array, other: Uint8Array): string => {
  let at = 0
  while (at < one.length && one[at] === other[at]) at += 1
  const part = (bytes: Uint8Array): string => JSON.stringify(Buffer.from(bytes.subarray(Math.max(0, at - 20), at + 40)).toString('latin1'))
  return `${part(one)} is ${part(other)}`
}
