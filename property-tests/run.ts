import { join, relative } from 'node:path'
import { expect, it } from 'vitest'
import type { Property } from '../src/testing/property.ts'
import { runProperty } from '../src/testing/run-property.ts'

const factor = Number(process.env['SIGNALBOX_RUNS'] ?? 1)
const PROJECT = join(import.meta.dirname, '..')
export const CORPUS: string = join(import.meta.dirname, 'corpus')

/**
 * Makes a test of a property; `signalbox fuzz` and `signalbox replay`, which load the same files, need none.
 * To go on where a failure was printed: SIGNALBOX_SEED and SIGNALBOX_PATH.
 */
export const testProperty = <T>(tested: Property<T>): void => {
  if (process.env['VITEST'] === undefined) return
  it(
    tested.title,
    async () => {
      const { SIGNALBOX_SEED: seed, SIGNALBOX_PATH: path } = process.env
      const { ok, text } = await runProperty(tested, {
        corpus: CORPUS,
        module: relative(PROJECT, expect.getState().testPath ?? ''),
        runs: Math.ceil(tested.runs * factor),
        ...(seed === undefined ? {} : { seed: Number(seed) }),
        ...(path === undefined ? {} : { path }),
      })
      expect(ok, text).toBe(true)
    },
    600_000,
  )
}
