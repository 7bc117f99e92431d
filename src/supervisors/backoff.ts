import type { Backoff } from '../protocols/plan.ts'

/**
 * Delay before a restart (SUP-5).
 * @param inARow restarts in a row before this one, from 0
 * @param random in [0, 1)
 * @returns ms: min(maxMs, minMs·2^inARow), less up to `jitter` of it
 */
export const restartDelay = (backoff: Backoff, inARow: number, random: number): number => {
  // 2^60 ms is beyond every maximum, and a larger power of two times zero would be NaN.
  const full = Math.min(backoff.maxMs, backoff.minMs * 2 ** Math.min(inARow, 60))
  return full * (1 - backoff.jitter * random)
}
