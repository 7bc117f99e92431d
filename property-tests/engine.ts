import assert from 'node:assert/strict'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type * as Seeded from '../src/adapters/schedulers/seeded-scheduler.adapter.ts'
import type * as SystemModule from '../src/supervisors/system.ts'
import type { Engine } from '../src/testing/simulate.ts'

const SOURCE = fileURLToPath(new URL('../src/', import.meta.url))
/** What the engine and the bus are made of; what is loaded of it imports no package. */
const PARTS = ['kernel', 'actors', 'supervisors', 'ports', 'protocols', 'adapters/schedulers']

/** A planted bug: one text of one source file, replaced. */
export type Mutant = { readonly name: string; readonly file: string; readonly from: string; readonly to: string }

/** Imports a file of the sources by its path. */
type Load = <M>(path: string) => Promise<M>

const engineOf = async (load: Load): Promise<Engine> => {
  const system = await load<typeof SystemModule>('supervisors/system.ts')
  const seeded = await load<typeof Seeded>('adapters/schedulers/seeded-scheduler.adapter.ts')
  return { startSystem: system.startSystem, SeededScheduler: seeded.SeededScheduler }
}

/** Runs with the engine of a copy of the sources in which the bug is planted. */
export const withMutant = (mutant: Mutant, use: (engine: Engine) => Promise<void>): Promise<void> =>
  withMutantSources(mutant, async (load) => use(await engineOf(load)))

/** Runs with a copy of the sources in which the bug is planted. */
export const withMutantSources = async (mutant: Mutant, use: (load: Load) => Promise<void>): Promise<void> => {
  const root = await mkdtemp(join(tmpdir(), 'signalbox-mutant-'))
  try {
    for (const part of PARTS) await cp(join(SOURCE, part), join(root, part), { recursive: true })
    const path = join(root, mutant.file)
    const text = await readFile(path, 'utf8')
    assert.equal(text.split(mutant.from).length, 2, `${mutant.name}: the text to replace is in ${mutant.file} once`)
    await writeFile(
      path,
      text.replace(mutant.from, () => mutant.to),
    )
    await use(async <M>(path: string) => (await import(/* @vite-ignore */ pathToFileURL(join(root, path)).href)) as M)
  } finally {
    await rm(root, { recursive: true, force: true })
  }
}
