import assert from 'node:assert/strict'
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type * as Direct from '../src/adapters/schedulers/direct-scheduler.adapter.ts'
import { directScheduler } from '../src/adapters/schedulers/direct-scheduler.adapter.ts'
import type * as Nact from '../src/adapters/schedulers/nact-scheduler.adapter.ts'
import { nactScheduler } from '../src/adapters/schedulers/nact-scheduler.adapter.ts'
import type * as Seeded from '../src/adapters/schedulers/seeded-scheduler.adapter.ts'
import type * as SystemModule from '../src/supervisors/system.ts'
import { type Engine, OURS } from '../src/testing/simulate.ts'
import { onScheduler } from './real-scheduling.ts'

const SOURCE = fileURLToPath(new URL('../src/', import.meta.url))
const PACKAGES = fileURLToPath(new URL('../node_modules', import.meta.url))
/** What the engine, the bus, terminals and saved lanes are made of. */
const PARTS = [
  'kernel',
  'actors',
  'supervisors',
  'ports',
  'protocols',
  'adapters/schedulers',
  'adapters/tmux',
  'adapters/git',
  'terminal-host',
]

/** A planted bug: one text of one source file, replaced. */
export type Mutant = {
  readonly name: string
  readonly file: string
  readonly from: string
  readonly to: string
  /** Where it shows. @defaultValue everywhere */ readonly on?: Scheduling
}

/** Who decides which actor is next. */
export type Scheduling = 'seeded' | 'direct' | 'nact'
export const SCHEDULINGS: readonly Scheduling[] = ['seeded', 'direct', 'nact']
export type Engines = Readonly<Record<Scheduling, Engine>>

const enginesOf = (seeded: Engine, { directScheduler: direct }: typeof Direct, { nactScheduler: nact }: typeof Nact): Engines => ({
  seeded,
  direct: onScheduler(seeded, direct),
  nact: onScheduler(seeded, nact),
})
export const OUR_ENGINES: Engines = enginesOf(OURS, { directScheduler }, { nactScheduler })

/** Imports a file of the sources by its path. */
type Load = <M>(path: string) => Promise<M>

const engineOf = async (load: Load): Promise<Engines> => {
  const system = await load<typeof SystemModule>('supervisors/system.ts')
  const seeded = await load<typeof Seeded>('adapters/schedulers/seeded-scheduler.adapter.ts')
  const direct = await load<typeof Direct>('adapters/schedulers/direct-scheduler.adapter.ts')
  const nact = await load<typeof Nact>('adapters/schedulers/nact-scheduler.adapter.ts')
  return enginesOf({ startSystem: system.startSystem, SeededScheduler: seeded.SeededScheduler }, direct, nact)
}

/** Runs with the engine of a copy of the sources in which the bug is planted. */
export const withMutant = (mutant: Mutant, use: (engines: Engines) => Promise<void>): Promise<void> =>
  withMutantSources(mutant, async (load) => use(await engineOf(load)))

/** Runs with a copy of the sources in which the bug is planted. */
export const withMutantSources = async (mutant: Mutant, use: (load: Load) => Promise<void>): Promise<void> => {
  const root = await mkdtemp(join(tmpdir(), 'signalbox-mutant-'))
  try {
    for (const part of PARTS) await cp(join(SOURCE, part), join(root, part), { recursive: true })
    await symlink(PACKAGES, join(root, 'node_modules'))
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
