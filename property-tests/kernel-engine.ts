import fc from 'fast-check'
import { expect, it } from 'vitest'
import { type Engine, OURS } from '../src/testing/simulate.ts'
import { type Mutant, withMutant } from './engine.ts'

const MUTANT_RUNS = 400
const factor = Number(process.env['SIGNALBOX_RUNS'] ?? 1)
/** To replay what a failure printed: SIGNALBOX_SEED and SIGNALBOX_PATH. */
const replay = {
  ...(process.env['SIGNALBOX_SEED'] === undefined ? {} : { seed: Number(process.env['SIGNALBOX_SEED']) }),
  ...(process.env['SIGNALBOX_PATH'] === undefined ? {} : { path: process.env['SIGNALBOX_PATH'] }),
}

/** A failure is what throws: what a check returns says nothing. */
const checked = <T>(engine: Engine, scenarios: fc.Arbitrary<T>, holds: (engine: Engine, scenario: T) => Promise<void>) =>
  fc.asyncProperty(scenarios, async (scenario) => {
    await holds(engine, scenario)
  })

/**
 * A property of the engine, and the planted bugs that it must catch.
 * @param runs with SIGNALBOX_RUNS=1
 */
export const property = <T>(
  title: string,
  scenarios: fc.Arbitrary<T>,
  holds: (engine: Engine, scenario: T) => Promise<void>,
  { runs, catches }: { readonly runs: number; readonly catches: readonly Mutant[] },
): void => {
  it(
    title,
    async () => {
      const numRuns = Math.ceil(runs * factor)
      await fc.assert(checked(OURS, scenarios, holds), { numRuns, ...replay })
    },
    600_000,
  )

  it.each(catches)(
    `${title}: catches "$name"`,
    async (mutant) => {
      await withMutant(mutant, async (engine) => {
        const check = checked(engine, scenarios, holds)
        const outcome = await fc.check(check, { numRuns: MUTANT_RUNS, seed: 42, endOnFailure: true, interruptAfterTimeLimit: 30_000 })
        expect(outcome.failed).toBe(true)
      })
    },
    120_000,
  )
}
