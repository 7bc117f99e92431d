import type { Property } from '../src/testing/property.ts'
import { search } from '../src/testing/property.ts'

/** A bug that can be planted, and the property as it is with that bug. */
export type Planted<T> = { readonly name: string; with(use: (planted: Property<T>) => Promise<void>): Promise<void> }

/** A property that proves itself: each of its planted bugs must make it fail. */
export type Proven<T> = Property<T> & {
  readonly area: 'kernel' | 'supervisors' | 'bus' | 'control' | 'pty' | 'lane' | 'ids' | 'input' | 'output' | 'runs'
  readonly bugs: readonly Planted<T>[]
  /** Built as a planted one is, but without a bug: it must pass, or what is caught is the planting. */
  readonly control: Planted<T>
}

/** What became of a planted bug. */
export type Verdict = { readonly area: string; readonly bug: string; readonly property: string; readonly caughtAfter: number | null }

const RUNS = 600
const SEED = 42

const judge = async <T>({ area, title }: Proven<T>, { name, with: plant }: Planted<T>, most: number = RUNS): Promise<Verdict> => {
  let caughtAfter: number | null = null
  await plant(async (planted) => {
    const { ok, runs } = await search(planted, { seed: SEED, runs: most, shorten: false })
    if (!ok) caughtAfter = runs
  })
  return { area, bug: name, property: title, caughtAfter }
}

/** Plants every bug of a property, one after another. */
export const judgeAll = async <T>(proven: Proven<T>): Promise<Verdict[]> => {
  const verdicts: Verdict[] = []
  for (const bug of proven.bugs) verdicts.push(await judge(proven, bug))
  return verdicts
}

/** @returns whether the property passes on a copy without a bug */
export const passesUnplanted = async <T>(proven: Proven<T>): Promise<boolean> =>
  (await judge(proven, proven.control, proven.runs)).caughtAfter === null

const TITLE_WIDTH = 60

/** The beginning, and at the end the scheduler that it ran on. */
const shortened = (title: string): string => {
  const [, scheduler = ''] = /(, on \w+)$/.exec(title) ?? []
  return `${title.slice(0, TITLE_WIDTH - scheduler.length)}${title.length > TITLE_WIDTH ? '…' : ''}${scheduler}`
}

/** For people. */
export const verdictTable = (verdicts: readonly Verdict[]): string => {
  const cells = verdicts.map(({ area, bug, caughtAfter, property }) => [
    caughtAfter === null ? 'MISSED' : 'caught',
    caughtAfter === null ? '' : `run ${caughtAfter}`,
    area,
    bug,
    shortened(property),
  ])
  const rows = [['', 'after', 'in', 'planted bug', 'property'], ...cells]
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  return rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column]!)).join('  ')).join('\n')
}
