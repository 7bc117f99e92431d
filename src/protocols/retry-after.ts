/** What stands before the time to wait, in lower case. */
const BEFORE = [
  'retry after',
  'retry-after',
  'retry_after',
  'retry in',
  'retrydelay',
  'try again in',
  'try again after',
  'limit reached|',
  'resets in',
  'reset in',
  'resets_in_seconds',
  'resets_at',
  'ratelimit-reset',
] as const

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }
/** One number with its unit, from one place on: bounded, so that no text makes it slow. */
const PART =
  /[\s,]{0,3}(?:and )?(\d{1,13}(?:\.\d{1,9})?)(?!\d|\.\d)(?: ?(ms|milliseconds?|s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?)(?![a-z])|(?! ?[a-z]))/y
/** Between the words and the number: `": "`, ` about `. */
const BETWEEN = /[\s:="'|]{0,6}(?:about |~)?/y
const MOST_PARTS = 4
/** A number so large is a time, not a span: seconds or milliseconds since the epoch. */
const EPOCH_S = 1_000_000_000
const EPOCH_MS = 1_000_000_000_000

const unitMs = (unit: string | undefined): number => {
  if (unit === undefined) return 1_000
  return UNIT_MS[unit.startsWith('ms') || unit.startsWith('milli') ? 'ms' : unit.slice(0, 1)] ?? 1_000
}

const spanAt = (lower: string, at: number, now: number): number | null => {
  BETWEEN.lastIndex = at
  BETWEEN.test(lower)
  let next = Math.max(at, BETWEEN.lastIndex)
  let ms: number | null = null
  for (let parts = 0; parts < MOST_PARTS; parts += 1) {
    PART.lastIndex = next
    const match = PART.exec(lower)
    if (match === null) break
    const value = Number(match[1])
    if (match[2] === undefined && value >= EPOCH_S) return Math.max(0, (value >= EPOCH_MS ? value : value * 1_000) - now)
    // A second number needs a unit: `2 h 15 m`.
    if (ms !== null && match[2] === undefined) break
    ms = (ms ?? 0) + value * unitMs(match[2])
    next = PART.lastIndex
  }
  return ms
}

/**
 * When a program says that one may come back: `retry after 30 s`, `try again in 2 hours 15 minutes`, `"retryDelay": "34s"`,
 * `limit reached|1750708800`. A number without a unit means seconds. Times of day without a date are not understood.
 * @param lines the most telling first
 * @param now ms since the epoch
 * @returns ms, or null where nothing is said
 */
export const retryAfterMs = (lines: readonly string[], now: number): number | null => {
  for (const line of lines) {
    const lower = line.toLowerCase()
    for (const words of BEFORE) {
      const at = lower.indexOf(words)
      const ms = at < 0 ? null : spanAt(lower, at + words.length, now)
      if (ms !== null) return Math.round(ms)
    }
  }
  return null
}
