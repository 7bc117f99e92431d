/** A message that an actor has handled. */
export type HandledMessage = {
  /** ms since the Unix epoch, when its handler began. */
  readonly at: number
  readonly type: string
  /** Who sent it; null from outside, the actor itself on the system lane. */
  readonly from: string | null
  readonly message: object
  readonly lane: 'user' | 'system'
}

/** What is known of an incarnation that ended abnormally. Holds its state and messages: take from it what is to be kept, and let it go. */
export type Evidence = {
  /** What it was at work on, or failed at. */
  readonly handling: { readonly type: string; readonly message: object; readonly from: string | null } | null
  /** Its last good state; undefined when it never had one. */
  readonly state: unknown
  /** Messages handled before, oldest first; empty without the option `history`. */
  readonly history: readonly HandledMessage[]
}

/** The last messages of one incarnation. */
export class History {
  private readonly kept: HandledMessage[] = []
  private readonly size: number
  private total = 0

  constructor(size: number) {
    this.size = size
  }

  add(message: HandledMessage): void {
    this.kept[this.total++ % this.size] = message
  }

  /** Oldest first. */
  list(): readonly HandledMessage[] {
    const start = this.total % this.size
    return this.total <= this.size ? [...this.kept] : [...this.kept.slice(start), ...this.kept.slice(0, start)]
  }
}
