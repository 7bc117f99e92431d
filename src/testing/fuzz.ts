import { relative, sep } from 'node:path'
import type { Clock } from '../ports/clock.port.ts'
import { corpusOf, findPropertyFiles } from './find-properties.ts'
import { loadProperties } from './load-properties.ts'
import type { Property } from './property.ts'
import { messageOf } from './report.ts'
import { type PropertyResult, runProperty } from './run-property.ts'

export type FuzzOptions = {
  readonly cwd: string
  /** Files and directories. */
  readonly paths: readonly string[]
  /** Time for all together; the first round is done in any case. */
  readonly minutes: number
  /** Any integer; each property of each round has one of its own, made from it. */
  readonly seed: number
  readonly clock: Clock
  /** Told of each failure as it is found. */
  readonly failed?: (finding: Finding) => void
}

/** What became of one property, or of a file that could not be loaded (`title` is null). */
export type Finding = {
  readonly title: string | null
  /** Relative to `cwd`, with `/`. */
  readonly module: string
  readonly ok: boolean
  readonly runs: number
  /** Of the search that failed, or the last one. */
  readonly seed: number
  /** The counterexample. */
  readonly file: string | null
  readonly text: string
}
export type FuzzReport = { readonly ok: boolean; readonly seed: number; readonly findings: readonly Finding[] }

type Candidate = { readonly tested: Property; readonly module: string; readonly corpus: string; finding: Finding }

const MS_PER_MINUTE = 60_000
/** What one property may take of the first round, however short the time is. */
const LEAST_MS = 1_000
const GROWTH = 2

/** A seed for each search: far from the others, and the same for the same start. */
const seedOf = (seed: number, round: number, index: number): number => (Math.imul(seed ^ (round + 1), 0x9e_37_79_b1) + index) | 0

const load = async (options: FuzzOptions): Promise<{ candidates: Candidate[]; broken: Finding[] }> => {
  const candidates: Candidate[] = []
  const broken: Finding[] = []
  for (const file of findPropertyFiles(options.paths, options.cwd)) {
    const module = relative(options.cwd, file).replaceAll(sep, '/')
    const none = { module, runs: 0, seed: options.seed, file: null, text: '' }
    const corpus = corpusOf(file, options.cwd)
    try {
      const properties = await loadProperties(file)
      if (properties.length === 0) throw new Error('exports no property')
      for (const tested of properties) candidates.push({ tested, module, corpus, finding: { title: tested.title, ok: true, ...none } })
    } catch (error) {
      // A file that is silently left out would be a property that nobody checks.
      broken.push({ title: null, ok: false, ...none, text: `${module}: ${messageOf(error)}` })
    }
  }
  return { candidates, broken }
}

const merge = (before: Finding, { ok, seed, runs, file, text }: PropertyResult): Finding => ({
  ...before,
  ok,
  seed,
  runs: before.runs + runs,
  file,
  text,
})

/**
 * Runs the properties of a project, round after round with twice the runs each time, until the time is over. What failed
 * in the past runs first; what fails is shortened, kept as a counterexample, and not run again.
 * @throws ERR_PROPERTIES_NOT_FOUND, ERR_COUNTEREXAMPLE_INVALID
 */
export const fuzz = async (options: FuzzOptions): Promise<FuzzReport> => {
  const { clock, failed } = options
  const end = clock.monotonic() + options.minutes * MS_PER_MINUTE
  const { candidates, broken } = await load(options)
  for (const finding of broken) failed?.(finding)
  for (let round = 0; round === 0 || clock.monotonic() < end; round += 1) {
    const active = candidates.filter(({ finding }) => finding.ok)
    if (active.length === 0) break
    for (const [index, candidate] of active.entries()) {
      const leftMs = end - clock.monotonic()
      if (round > 0 && leftMs <= 0) break
      const { tested, module, corpus } = candidate
      const result = await runProperty(tested, {
        corpus,
        module,
        seed: seedOf(options.seed, round, index),
        runs: tested.runs * GROWTH ** round,
        // Each has its share, so that a slow one does not take the time of those after it.
        limitMs: Math.max(LEAST_MS, leftMs / (active.length - index)),
      })
      // Cut short before anything was tried, after rounds that went well.
      const isUntried = round > 0 && result.isUntried
      candidate.finding = merge(candidate.finding, isUntried ? { ...result, ok: true, text: '' } : result)
      if (!candidate.finding.ok) failed?.(candidate.finding)
    }
  }
  const findings = [...broken, ...candidates.map(({ finding }) => finding)]
  return { ok: findings.every(({ ok }) => ok), seed: options.seed, findings }
}
