/** Who hears what the other members of a channel say. */
export interface FanOutListener {
  /** What one of them sent; of each sender in order, each once. Must not throw. */
  message(text: string): void
  /** The channel is connected, for the first time or again: what was said before may have been missed. Must not throw. */
  connected(): void
}

/**
 * Hands messages to every other process on a channel, at most once: what is said while somebody's connection is away, that
 * one does not hear. One contract suite runs on every implementation.
 */
export interface FanOut {
  /** Replaces the listener there is. Connects where it is not, and connects again whenever the connection is lost. */
  join(listener: FanOutListener): void
  /** Sends to all others. Lost, without a word, while the connection is away or after `close`. */
  send(text: string): void
  /** Nothing is heard any more. Idempotent; never rejects. */
  close(): Promise<void>
}
