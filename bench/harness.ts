/** What one measurement gave: latencies of single operations, or the rate of one long one. */
export type Samples = readonly number[]

/** The same operation by signalbox and by the raw thing beneath it, measured in turns in one process. */
export type Case = {
  readonly name: string
  readonly unit: 'ns' | 'µs' | 'ms' | 'B' | 'MB' | 'MB/s' | 'msg/s' | '1/s' | '%'
  /** Which way is good. */
  readonly better: 'lower' | 'higher'
  /** One round each; a round may give many samples. */
  readonly ours: () => Promise<Samples>
  readonly baseline: () => Promise<Samples>
  /** Which percentile of both is compared. @defaultValue 50 */
  readonly percent?: number
  /** The most that are of use. @defaultValue as many as there are */
  readonly rounds?: number
  /** What ours must stay below on any machine, whatever the baseline: for what does not depend on how fast it is. */
  readonly most?: number
}

export type Suite = { readonly name: string; readonly cases: readonly Case[]; readonly close: () => Promise<void> }

/** `value` and `baseline` are medians, or the percentile that the case compares; percentiles count from the good end, so p99 is the bad one for rates too. */
export type Result = {
  readonly name: string
  readonly unit: Case['unit']
  readonly better: Case['better']
  readonly value: number
  readonly p50: number
  readonly p95: number
  readonly p99: number
  /** Samples of ours. */
  readonly n: number
  readonly baseline: number
  /** value / baseline, from the same run. */
  readonly ratio: number
  readonly most?: number
}

/** @param percent 0 to 100 */
export const percentile = (samples: Samples, percent: number, better: Case['better'] = 'lower'): number => {
  if (samples.length === 0) throw new RangeError('no samples')
  const sorted = [...samples].sort((one, other) => (better === 'lower' ? one - other : other - one))
  return sorted[Math.min(sorted.length - 1, Math.floor((percent / 100) * sorted.length))] ?? Number.NaN
}

/** Runs rounds of both in turns, who begins alternating, so that a slow moment of the machine meets both. */
export const measure = async (one: Case, rounds: number): Promise<Result> => {
  const ours: number[] = []
  const baseline: number[] = []
  const turns = [async () => void ours.push(...(await one.ours())), async () => void baseline.push(...(await one.baseline()))]
  await one.ours()
  await one.baseline()
  for (let round = 0; round < rounds; round += 1) {
    for (const turn of round % 2 === 0 ? turns : turns.toReversed()) await turn()
  }
  const { percent = 50 } = one
  const value = percentile(ours, percent, one.better)
  const raw = percentile(baseline, percent, one.better)
  return {
    name: one.name,
    unit: one.unit,
    better: one.better,
    value,
    p50: percentile(ours, 50, one.better),
    p95: percentile(ours, 95, one.better),
    p99: percentile(ours, 99, one.better),
    n: ours.length,
    baseline: raw,
    ratio: value / raw,
    ...(one.most !== undefined && { most: one.most }),
  }
}

/** Committed ratios by `suite/name`. */
export type Limits = Readonly<Record<string, number>>

/** @returns one line for each result whose ratio is twice as bad as its limit, or that has no limit, or that is not below its most. */
export const exceeded = (suite: string, results: readonly Result[], limits: Limits): readonly string[] =>
  results.flatMap(({ name, ratio, better, value, unit, most = Infinity }) => {
    if (!(value < most)) return [`${suite}/${name}: ${value.toPrecision(3)} ${unit}, which must be below ${most}`]
    const limit = limits[`${suite}/${name}`]
    if (limit === undefined) return [`${suite}/${name}: no limit in bench/limits.json`]
    const bad = better === 'lower' ? !(ratio <= limit * 2) : !(ratio >= limit / 2)
    return bad ? [`${suite}/${name}: ratio ${ratio.toFixed(3)}, committed ${limit} (${better} is better)`] : []
  })

const figure = (value: number): string => (value >= 1000 ? Math.round(value).toLocaleString('en') : value.toPrecision(3))

export const tableOf = (suite: string, results: readonly Result[]): string => {
  const head = [suite, 'unit', 'p50', 'p95', 'p99', 'n', 'raw', 'ratio']
  const rows = results.map((result) => [
    result.name,
    result.unit,
    ...[result.p50, result.p95, result.p99, result.n, result.baseline, result.ratio].map(figure),
  ])
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length)))
  const line = (row: readonly string[]): string =>
    row.map((text, column) => (column < 2 ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0))).join('  ')
  return [head, ...rows].map(line).join('\n')
}

/** Milliseconds that one call took. */
export const timed = async (call: () => Promise<unknown>): Promise<number> => {
  const began = performance.now()
  await call()
  return performance.now() - began
}
