/** What a scheduler drives: one per actor. */
export interface Runnable {
  /** `name$incarnation`, in the alphabet that nact allows for names. */
  readonly id: string
  /**
   * Handles up to `budget` messages, one at a time, their promises included.
   * @returns true when mail is left, so that the scheduler must call again. Never rejects.
   */
  drain(budget: number): Promise<boolean> | boolean
}

/** A place of an actor in a scheduler. */
export interface Slot {
  /** Asks for a later `drain`. Called only when a mailbox turns from empty to non-empty: one token, one wake-up. */
  wake(): void
  /** Gives the place up; no `drain` begins afterwards. */
  release(): void
}

/**
 * Decides when actors run. A turn is one `drain`, of at most 16 messages. Who was woken waits for at most 256 turns of each
 * other actor that is awake; with `nact` and `direct` for one, with `seeded` by chance for so many once in 10^111 times. One conformance suite runs on every implementation.
 */
export interface Scheduler {
  readonly name: string
  attach(runnable: Runnable): Slot
  /** Ends the scheduler. No actor may be attached any more. */
  close(): Promise<void>
}
