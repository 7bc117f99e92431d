import { type Counterexample, counterexampleOf, readCorpus, shortTrace, writeCounterexample } from './counterexample.ts'
import { type Property, search, type Search } from './property.ts'
import { recorded } from './recording.ts'
import { messageOf } from './report.ts'

export type PropertyRun = Search & {
  /** Where past failures lie, which run first, and where a new one is written. */
  readonly corpus: string
  /** The file that exports the property, relative to the project: replaying needs it. @defaultValue null */
  readonly module?: string | null
}

export type PropertyResult = {
  readonly title: string
  readonly ok: boolean
  readonly seed: number
  /** Scenarios that were tried, past failures among them. */
  readonly runs: number
  /** The counterexample's file, when it failed. */
  readonly file: string | null
  /** The time was over before a new scenario was through. */
  readonly isUntried: boolean
  /** For people: what failed, with seed, path, the shortened scenario and trace; empty when it holds. */
  readonly text: string
}

const PRINTED_TRACE = 40

/** What a replay of a scenario gave. */
export type Rerun = { readonly ok: boolean; readonly error: unknown; readonly lines: readonly string[] }

/** Runs one scenario of a property again. @param tell gets each line as it is noted */
export const rerun = async <T>(
  tested: Property<T>,
  { scenario, seed, path }: Pick<Counterexample, 'scenario' | 'seed' | 'path'>,
  tell: (line: string) => void = () => {},
): Promise<Rerun> => {
  const lines: string[] = []
  const listen = (line: string): void => {
    lines.push(line)
    tell(line)
  }
  try {
    await recorded(async () => {
      if (scenario !== null) return tested.holds(scenario.value as T)
      const { failure } = await search(tested, { seed, path, runs: 1, shorten: false })
      if (failure !== null) throw failure.error
      return undefined
    }, listen)
    return { ok: true, error: undefined, lines }
  } catch (error) {
    return { ok: false, error, lines }
  }
}

const textOf = ({ property, seed, path, scenario, error }: Counterexample, how: string, again: string, lines: readonly string[]): string =>
  [
    `${property}`,
    `does not hold: ${how}`,
    `seed ${seed}, path ${path}`,
    ...(scenario === null ? [] : [`scenario ${JSON.stringify(scenario.value)}`]),
    ...shortTrace(error.split('\n'), PRINTED_TRACE),
    ...(lines.length === 0 ? [] : ['what happened:', ...shortTrace(lines, PRINTED_TRACE)]),
    again,
  ].join('\n')

/** What a shell takes as it is printed. */
const againBy = (file: string): string =>
  `again, step by step: signalbox replay ${/^[\w./+-]+$/.test(file) ? file : `'${file.replaceAll("'", "'\\''")}'`}`

/** Two files may have properties of one title. */
const isOf = (past: Counterexample, title: string, module: string | null): boolean =>
  past.property === title && (past.module === null || module === null || past.module === module)

/**
 * Runs the past failures of a property, then searches for new ones. A new one is shortened and written to the corpus.
 * @throws ERR_COUNTEREXAMPLE_INVALID when the corpus cannot be read
 */
export const runProperty = async <T>(tested: Property<T>, { corpus, module = null, ...where }: PropertyRun): Promise<PropertyResult> => {
  const past = readCorpus(corpus).filter(({ counterexample }) => isOf(counterexample, tested.title, module))
  for (const [index, { file, counterexample }] of past.entries()) {
    const { ok, error, lines } = await rerun(tested, counterexample)
    if (ok) continue
    const text = textOf({ ...counterexample, error: messageOf(error) }, 'a past failure is back', againBy(file), lines)
    return { title: tested.title, ok, seed: counterexample.seed, runs: index + 1, file, isUntried: false, text }
  }
  const outcome = await search(tested, where)
  const result = {
    title: tested.title,
    ok: outcome.ok,
    seed: outcome.seed,
    runs: past.length + outcome.runs,
    isUntried: !outcome.ok && outcome.failure === null,
  }
  const found = counterexampleOf(outcome, module, [])
  if (found === null) return { ...result, file: null, text: outcome.ok ? '' : `${tested.title}: too few scenarios could be tried` }
  const { lines } = await rerun(tested, found)
  const how = `run ${outcome.runs} of the search, shortened ${outcome.failure?.shortened ?? 0} times`
  try {
    const file = writeCounterexample(corpus, { ...found, trace: shortTrace(lines) })
    return { ...result, file, text: textOf(found, how, againBy(file), lines) }
  } catch (error) {
    // What was found is worth more than its file.
    return { ...result, file: null, text: textOf(found, how, `the counterexample could not be kept: ${messageOf(error)}`, lines) }
  }
}
