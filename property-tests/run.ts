import { it } from 'vitest'
import { describeFailure } from '../src/testing/failure.ts'
import { type Property, search } from '../src/testing/property.ts'

const factor = Number(process.env['SIGNALBOX_RUNS'] ?? 1)

/** Makes a test of a property. To go on where a failure was printed: SIGNALBOX_SEED and SIGNALBOX_PATH. */
export const testProperty = <T>(tested: Property<T>): void => {
  it(
    tested.title,
    async () => {
      const { SIGNALBOX_SEED: seed, SIGNALBOX_PATH: path } = process.env
      const outcome = await search(tested, {
        runs: Math.ceil(tested.runs * factor),
        ...(seed === undefined ? {} : { seed: Number(seed) }),
        ...(path === undefined ? {} : { path }),
      })
      if (!outcome.ok) throw new Error(describeFailure(outcome), { cause: outcome.failure?.error })
    },
    600_000,
  )
}
