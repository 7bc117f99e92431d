/** Randomness, so that a test can own it. */
export interface Random {
  /** A number in [0, 1). */
  next(): number
}
