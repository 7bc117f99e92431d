import type fc from 'fast-check'
import { property } from '../src/testing/property.ts'
import type { Engine } from '../src/testing/simulate.ts'
import { type Mutant, OUR_ENGINES, SCHEDULINGS, type Scheduling, withMutant } from './engine.ts'
import type { Planted, Proven } from './proven.ts'

/** Real schedulers run things in one order only, so that fewer runs show as much. */
const SHARE_OF_REAL = 0.3

const COPY: Mutant = {
  name: 'a copy without a bug',
  file: 'kernel/cell.ts',
  from: 'One incarnation of an actor: its mail',
  to: 'One incarnation: its mail',
}

/** A bug in one scheduler is not sought on another. */
const concerns = ({ file, on }: Mutant, scheduling: Scheduling): boolean =>
  (on ?? scheduling) === scheduling &&
  (!file.startsWith('adapters/schedulers/') || file === `adapters/schedulers/${scheduling}-scheduler.adapter.ts`)

/**
 * A property of the engine that runs actors, and the bugs in its sources that it must catch: under the seeded scheduler,
 * which runs actors in any order that could be, and under each scheduler that users have.
 */
export const engineProperty = <T>(
  area: 'kernel' | 'supervisors',
  title: string,
  scenarios: fc.Arbitrary<T>,
  holds: (engine: Engine, scenario: T) => Promise<void>,
  { runs, catches }: { readonly runs: number; readonly catches: readonly Mutant[] },
): readonly Proven<T>[] =>
  SCHEDULINGS.map((scheduling): Proven<T> => {
    const isReal = scheduling !== 'seeded'
    const named = isReal ? `${title}, on ${scheduling}` : title
    const on = (engine: Engine) =>
      property<T>(named, scenarios, (scenario) => holds(engine, scenario), { runs: isReal ? Math.ceil(runs * SHARE_OF_REAL) : runs })
    const planted = (mutant: Mutant): Planted<T> => ({
      name: mutant.name,
      with: (use) => withMutant(mutant, (engines) => use(on(engines[scheduling]))),
    })
    const bugs = catches.filter((mutant) => concerns(mutant, scheduling)).map(planted)
    return { ...on(OUR_ENGINES[scheduling]), area, bugs, control: planted(COPY) }
  })
