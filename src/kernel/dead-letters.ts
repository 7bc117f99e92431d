import type { DeadLetter } from './types.ts'

const KEPT = 256

/** The last 256 messages that nobody handled, and how many there were. */
export class DeadLetters {
  private readonly kept: DeadLetter[] = []
  private readonly notify: (letter: DeadLetter) => void
  private total = 0

  constructor(notify: (letter: DeadLetter) => void) {
    this.notify = notify
  }

  get count(): number {
    return this.total
  }

  add(letter: DeadLetter): void {
    this.kept[this.total++ % KEPT] = letter
    this.notify(letter)
  }

  /** Oldest first. */
  list(): readonly DeadLetter[] {
    const start = this.total % KEPT
    return this.total <= KEPT ? [...this.kept] : [...this.kept.slice(start), ...this.kept.slice(0, start)]
  }
}
