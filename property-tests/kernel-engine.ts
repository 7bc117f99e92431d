import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import type * as Seeded from '../src/adapters/schedulers/seeded-scheduler.adapter.ts'
import type * as SystemModule from '../src/supervisors/system.ts'

const SOURCE = fileURLToPath(new URL('../src/', import.meta.url))
/** What the engine is made of; it imports no package. */
const PARTS = ['kernel', 'supervisors', 'ports', 'protocols', 'adapters/schedulers']

/** A planted bug: one text of one source file, replaced. */
export type Mutant = { readonly name: string; readonly file: string; readonly from: string; readonly to: string }

/** The engine, as it is or with a planted bug. */
export type Engine = {
  readonly startSystem: typeof SystemModule.startSystem
  readonly SeededScheduler: typeof Seeded.SeededScheduler
}

const load = async (root: string): Promise<Engine> => {
  const module = (path: string): string => pathToFileURL(join(root, path)).href
  const system = (await import(/* @vite-ignore */ module('supervisors/system.ts'))) as typeof SystemModule
  const seeded = (await import(/* @vite-ignore */ module('adapters/schedulers/seeded-scheduler.adapter.ts'))) as typeof Seeded
  return { startSystem: system.startSystem, SeededScheduler: seeded.SeededScheduler }
}

/** Runs with a copy of the sources in which the bug is planted. */
const withMutant = async (mutant: Mutant, use: (engine: Engine) => Promise<void>): Promise<void> => {
  const root = await mkdtemp(join(tmpdir(), 'signalbox-mutant-'))
  try {
    for (const part of PARTS) await cp(join(SOURCE, part), join(root, part), { recursive: true })
    const path = join(root, mutant.file)
    const text = await readFile(path, 'utf8')
    expect(text.split(mutant.from), `${mutant.name}: the text to replace is in ${mutant.file} once`).toHaveLength(2)
    await writeFile(
      path,
      text.replace(mutant.from, () => mutant.to),
    )
    await use(await load(root))
  } finally {
    await rm(root, { recursive: true, force: true })
  }
}

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
      const engine = await load(SOURCE)
      const numRuns = Math.ceil(runs * factor)
      await fc.assert(checked(engine, scenarios, holds), { numRuns, ...replay })
    },
    600_000,
  )

  it.each(catches)(
    `${title}: catches "$name"`,
    async (mutant) => {
      await withMutant(mutant, async (engine) => {
        const check = checked(engine, scenarios, holds)
        const outcome = await fc.check(check, {
          numRuns: MUTANT_RUNS,
          seed: 42,
          endOnFailure: true,
          plugins: [fc.interruptAfterTimeLimit(30_000)],
        })
        expect(outcome.failed).toBe(true)
      })
    },
    120_000,
  )
}
