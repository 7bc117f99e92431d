/**
 * Finds the last words of a terminal in its output, in whatever pieces they come: all before them is output, all of it. A
 * terminal has no end of file of its own while somebody could still write to it.
 */
export class LastWords {
  readonly words: Buffer
  #held: Buffer = Buffer.alloc(0)
  #found = false

  /** @param token known to nobody else: what a program puts out cannot be taken for it. */
  constructor(token: string) {
    // An operating system command of nobody: a terminal that shows the pane draws nothing for it (ECMA-48, 8.3.89).
    this.words = Buffer.from(`\u001b]7711;${token}\u0007`)
  }

  get isFound(): boolean {
    return this.#found
  }

  /** @returns what is surely output. */
  push(bytes: Uint8Array): Uint8Array {
    if (this.#found) return new Uint8Array(0)
    const all = this.#held.length === 0 ? Buffer.from(bytes) : Buffer.concat([this.#held, bytes])
    const at = all.indexOf(this.words)
    if (at >= 0) {
      this.#found = true
      this.#held = Buffer.alloc(0)
      return all.subarray(0, at)
    }
    const sure = Math.max(0, all.length - this.words.length + 1)
    this.#held = all.subarray(sure)
    return all.subarray(0, sure)
  }

  /** What was held back for a beginning of the words, and is none. */
  rest(): Uint8Array {
    const held = this.#held
    this.#held = Buffer.alloc(0)
    return held
  }
}
