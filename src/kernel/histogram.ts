const BUCKETS = 32

/**
 * How often something took how long, in 32 buckets: bucket `i` counts what took less than 2^i µs and no bucket before has;
 * the last one counts the rest, from 18 minutes on.
 */
export class Histogram {
  private readonly counts = new Uint32Array(BUCKETS)

  add(ms: number): void {
    const index = Math.min(BUCKETS - 1, 32 - Math.clz32(Math.min(ms * 1_000, 0xffff_ffff)))
    this.counts[index] = (this.counts[index] ?? 0) + 1
  }

  /** Up to the last one that counts something. */
  list(): number[] {
    return [...this.counts.subarray(0, this.counts.findLastIndex((count) => count > 0) + 1)]
  }
}

/**
 * The time within which a share of all stayed: the upper end of the bucket where it is reached, so up to twice the true time.
 * @param share in (0, 1]
 * @returns ms, at most `maxMs`; 0 when nothing was counted
 */
export const quantileMs = (histogram: readonly number[], share: number, maxMs: number): number => {
  const wanted = share * histogram.reduce((sum, count) => sum + count, 0)
  let seen = 0
  for (const [index, count] of histogram.entries()) {
    seen += count
    if (seen >= wanted) return Math.min(maxMs, 2 ** index / 1_000)
  }
  return 0
}
