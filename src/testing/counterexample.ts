import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { SignalboxError } from '../protocols/errors.ts'
import type { Outcome } from './property.ts'
import { messageOf } from './report.ts'

/** A failure that can be run again, as it lies in a file. */
export type Counterexample = {
  readonly type: 'counterexample'
  readonly property: string
  /** The file that exports the property, relative to the project, with `/`; null when it is not known. */
  readonly module: string | null
  readonly seed: number
  readonly path: string
  /** The shortened scenario, where it is plain data; otherwise seed and path make it again. */
  readonly scenario: { readonly value: unknown } | null
  readonly error: string
  /** What happened in it, shortened. */
  readonly trace: readonly string[]
}

const MOST_TRACE = 200

/** At most `most` lines: the first ones, and more of the last ones. */
export const shortTrace = (lines: readonly string[], most: number = MOST_TRACE): readonly string[] => {
  if (lines.length <= most) return lines
  const first = Math.floor(most / 4)
  const last = most - first
  return [...lines.slice(0, first), `… ${lines.length - most} lines left out …`, ...lines.slice(-last)]
}

const isPlain = (value: unknown): boolean => {
  if (value === null || ['string', 'boolean'].includes(typeof value)) return true
  if (typeof value === 'number') return Number.isFinite(value) && !Object.is(value, -0)
  if (Array.isArray(value)) return value.every(isPlain)
  if (typeof value !== 'object') return false
  const prototype: unknown = Object.getPrototypeOf(value)
  // fast-check makes records without a prototype.
  return (prototype === Object.prototype || prototype === null) && Object.values(value).every(isPlain)
}

/** @param trace what was noted when the scenario ran */
export const counterexampleOf = <T>(
  { title, seed, failure }: Outcome<T>,
  module: string | null,
  trace: readonly string[],
): Counterexample | null => {
  if (failure === null) return null
  const { path, scenario, error } = failure
  return {
    type: 'counterexample',
    property: title,
    module,
    seed,
    path,
    scenario: isPlain(scenario) ? { value: scenario } : null,
    error: messageOf(error),
    trace: shortTrace(trace),
  }
}

const slug = (title: string): string =>
  title
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, 48)
    .replace(/^-|-$/g, '')

/** The same failure has the same name. Whole or not at all, as others may read meanwhile. @returns the path of the file */
export const writeCounterexample = (directory: string, counterexample: Counterexample): string => {
  const { property, seed, path, scenario } = counterexample
  const hash = createHash('sha256')
    .update(JSON.stringify([property, scenario ?? [seed, path]]))
    .digest('hex')
  const file = join(directory, `${slug(property)}-${hash.slice(0, 8)}.json`)
  mkdirSync(directory, { recursive: true })
  const half = `${file}.${process.pid}.tmp`
  try {
    writeFileSync(half, `${JSON.stringify(counterexample, null, 2)}\n`)
    renameSync(half, file)
  } finally {
    rmSync(half, { force: true })
  }
  return file
}

const invalid = (file: string, why: string, cause?: unknown): SignalboxError =>
  new SignalboxError('ERR_COUNTEREXAMPLE_INVALID', `${file}: ${why}`, { context: { file }, cause })

/** @throws ERR_COUNTEREXAMPLE_INVALID */
export const readCounterexample = (file: string): Counterexample => {
  let found: Partial<Counterexample> | null
  try {
    found = JSON.parse(readFileSync(file, 'utf8')) as Partial<Counterexample> | null
  } catch (error) {
    throw invalid(file, messageOf(error), error)
  }
  const isComplete =
    found?.type === 'counterexample' &&
    typeof found.property === 'string' &&
    typeof found.seed === 'number' &&
    typeof found.path === 'string'
  if (!isComplete) throw invalid(file, 'is not a counterexample')
  return { module: null, scenario: null, error: '', trace: [], ...found } as Counterexample
}

/** The counterexamples of a directory, by name; none where there is no directory. @throws ERR_COUNTEREXAMPLE_INVALID */
export const readCorpus = (directory: string): readonly { readonly file: string; readonly counterexample: Counterexample }[] => {
  let names: string[]
  try {
    names = readdirSync(directory)
  } catch {
    return []
  }
  const files = names.filter((name) => name.endsWith('.json')).sort()
  return files.map((name) => ({ file: join(directory, name), counterexample: readCounterexample(join(directory, name)) }))
}

/** Where the module of a counterexample lies: in the nearest directory above the file that has it. @throws ERR_COUNTEREXAMPLE_INVALID */
export const moduleOf = (file: string, { module }: Counterexample, exists: (path: string) => boolean): string => {
  if (module === null) throw invalid(file, 'does not say which file exports its property')
  for (let directory = dirname(resolve(file)); ; directory = dirname(directory)) {
    if (exists(join(directory, module))) return join(directory, module)
    if (directory === dirname(directory)) throw invalid(file, `there is no ${module} above it`)
  }
}

export const missingProperty = (file: string, { property, module }: Counterexample): SignalboxError =>
  invalid(file, `${module} exports no property "${property}"`)
