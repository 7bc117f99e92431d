import fc from 'fast-check'

/** Something that must hold in every scenario that can be drawn. Made by `property`. */
export type Property<T = unknown> = {
  readonly title: string
  readonly scenarios: fc.Arbitrary<T>
  /** Fails by throwing. */
  readonly holds: (scenario: T) => unknown
  /** Scenarios drawn where nothing else is said. */
  readonly runs: number
}

const RUNS = 100

/**
 * Describes a property: what is drawn, and what must hold.
 * @param holds throws, or rejects, where it does not hold; what it returns says nothing
 * @param options.runs scenarios drawn where nothing else is said. @defaultValue 100
 * @example
 * export const total = property('the total is the sum of what was added', fc.array(fc.nat()), async (amounts) => { … })
 */
export const property = <T>(
  title: string,
  scenarios: fc.Arbitrary<T>,
  holds: (scenario: T) => unknown,
  { runs = RUNS }: { readonly runs?: number } = {},
): Property<T> => ({ title, scenarios, holds, runs })

/** Where a search begins: a seed, and the path that a failure printed. */
export type Search = {
  /** @defaultValue a new one each time */
  readonly seed?: number
  readonly path?: string
  /** @defaultValue those of the property */
  readonly runs?: number
  /** Most time to search and to shorten, in ms; what has not failed by then passes. @defaultValue none */
  readonly limitMs?: number
  /** Whether a failure is shortened. @defaultValue true */
  readonly shorten?: boolean
}

/** How a search ended. */
export type Outcome<T> = {
  readonly title: string
  readonly ok: boolean
  readonly seed: number
  /** Scenarios that were tried, without those of the shortening. */
  readonly runs: number
  /** Where it did not hold: the scenario, shortened, and the way to it. */
  readonly failure: { readonly path: string; readonly scenario: T; readonly error: unknown; readonly shortened: number } | null
}

/** Draws scenarios until one fails or enough were tried. */
export const search = async <T>(tested: Property<T>, { seed, path, runs, limitMs, shorten = true }: Search = {}): Promise<Outcome<T>> => {
  const check = fc.asyncProperty(tested.scenarios, async (scenario) => {
    await tested.holds(scenario)
  })
  const found = await fc.check(check, {
    numRuns: runs ?? tested.runs,
    endOnFailure: !shorten,
    ...(seed === undefined ? {} : { seed }),
    ...(path === undefined ? {} : { path }),
    ...(limitMs === undefined ? {} : { plugins: [fc.interruptAfterTimeLimit(limitMs)] }),
  })
  const scenarios = found.counterexample as readonly [T] | null
  const failure =
    scenarios === null
      ? null
      : { path: found.counterexamplePath ?? '', scenario: scenarios[0], error: found.errorInstance as unknown, shortened: found.numShrinks }
  // A check that tried nothing has shown nothing.
  return { title: tested.title, ok: !found.failed && found.numRuns > 0, seed: found.seed, runs: found.numRuns, failure }
}
