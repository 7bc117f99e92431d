import type { DeadLetter } from './types.ts'

const KEPT = 256

/** The last 256 messages that nobody handled, and how many there were. */
export class DeadLetters {
  /** By number, the oldest first. */
  private readonly kept = new Map<number, DeadLetter>()
  private readonly notify: (letter: DeadLetter) => void
  private total = 0

  constructor(notify: (letter: DeadLetter) => void) {
    this.notify = notify
  }

  get count(): number {
    return this.total
  }

  add(letter: Omit<DeadLetter, 'number'>): void {
    const numbered = { number: (this.total += 1), ...letter }
    this.kept.set(this.total, numbered)
    this.kept.delete(this.total - KEPT)
    this.notify(numbered)
  }

  get(number: number): DeadLetter | undefined {
    return this.kept.get(number)
  }

  remove(number: number): void {
    this.kept.delete(number)
  }

  /** Oldest first. */
  list(): readonly DeadLetter[] {
    return [...this.kept.values()]
  }
}
