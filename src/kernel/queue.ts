const NONE: never[] = []

/** First in, first out; both ends in constant time. */
export class Queue<T> {
  /** Shared while empty, so that a queue that nobody uses costs nothing. */
  private items: (T | undefined)[] = NONE
  private head = 0

  get size(): number {
    return this.items.length - this.head
  }

  push(item: T): void {
    if (this.items === NONE) this.items = [item]
    else this.items.push(item)
  }

  peek(): T | undefined {
    return this.items[this.head]
  }

  shift(): T | undefined {
    if (this.head === this.items.length) return undefined
    const item = this.items[this.head]
    this.items[this.head++] = undefined
    if (this.head === this.items.length) {
      this.items = NONE
      this.head = 0
    } else if (this.head >= 1_024 && this.head * 2 > this.items.length) {
      this.items = this.items.slice(this.head)
      this.head = 0
    }
    return item
  }

  /** Empties it. */
  takeAll(): T[] {
    const rest = this.items.slice(this.head) as T[]
    this.items = NONE
    this.head = 0
    return rest
  }
}
