import type fc from 'fast-check'
import { property } from '../src/testing/property.ts'
import { type Engine, OURS } from '../src/testing/simulate.ts'
import { type Mutant, withMutant } from './engine.ts'
import type { Planted, Proven } from './proven.ts'

/** A property of the engine that runs actors, and the bugs in its sources that it must catch. */
export const engineProperty = <T>(
  area: 'kernel' | 'supervisors',
  title: string,
  scenarios: fc.Arbitrary<T>,
  holds: (engine: Engine, scenario: T) => Promise<void>,
  { runs, catches }: { readonly runs: number; readonly catches: readonly Mutant[] },
): Proven<T> => {
  const on = (engine: Engine) => property<T>(title, scenarios, (scenario) => holds(engine, scenario), { runs })
  const planted = (mutant: Mutant): Planted<T> => ({
    name: mutant.name,
    with: (use) => withMutant(mutant, (engine) => use(on(engine))),
  })
  const copy = {
    name: 'a copy without a bug',
    file: 'kernel/cell.ts',
    from: 'One incarnation of an actor: its mail',
    to: 'One incarnation: its mail',
  }
  return { ...on(OURS), area, bugs: catches.map(planted), control: planted(copy) }
}
