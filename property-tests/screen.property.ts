import fc from 'fast-check'
import { expect } from 'vitest'
import * as ours from '../src/terminal-host/screen/screen.ts'
import { serialize } from '../src/terminal-host/screen/serialize.ts'
import { type Property, property } from '../src/testing/property.ts'
import { screenState } from '../test/helpers/screen-state.ts'
import { type Mutant, withMutantSources } from './engine.ts'
import type { Planted, Proven } from './proven.ts'
import { programOutput } from './terminal-output.ts'

const ABOVE = 1_000

type Attaching = {
  readonly cols: number
  readonly rows: number
  readonly output: string
  /** Share of it, in thousandths. */ readonly cut: number
}
const attachings: fc.Arbitrary<Attaching> = fc.record({
  cols: fc.integer({ min: 2, max: 24 }),
  rows: fc.integer({ min: 1, max: 8 }),
  output: programOutput,
  cut: fc.integer({ min: 0, max: 1_000 }),
})

type Parts = { readonly Screen: typeof ours.Screen; readonly serialize: typeof serialize }

/** Whoever attaches in the middle of any output sees what one sees who was there from the start, then and after the rest. */
const lateIsEarly =
  (parts: Parts) =>
  async ({ cols, rows, output, cut }: Attaching): Promise<void> => {
    const bytes = Buffer.from(output)
    const at = Math.round((bytes.length * cut) / 1_000)
    const [early, late] = [new parts.Screen(cols, rows, ABOVE), new ours.Screen(cols, rows, ABOVE)]
    try {
      await early.write(bytes.subarray(0, at))
      await late.write(parts.serialize(early, ABOVE))
      expect(screenState(late, { above: ABOVE })).toEqual(screenState(early, { above: ABOVE }))
      for (const screen of [early, late]) await screen.write(bytes.subarray(at))
      // which line goes on from one that is gone cannot be drawn
      expect(screenState(late, { above: ABOVE, wraps: false })).toEqual(screenState(early, { above: ABOVE, wraps: false }))
    } finally {
      early.dispose()
      late.dispose()
    }
  }

const screenProperty = (parts: Parts): Property<Attaching> =>
  property('a screen drawn in the middle of any output is the screen, and goes on as it does [PTY-20]', attachings, lateIsEarly(parts), {
    runs: 400,
  })

const planted = (mutant: Mutant): Planted<Attaching> => ({
  name: mutant.name,
  with: (use) =>
    withMutantSources(mutant, async (load) => {
      const { Screen } = await load<Parts>('terminal-host/screen/screen.ts')
      const drawing = await load<Parts>('terminal-host/screen/serialize.ts')
      await use(screenProperty({ Screen, serialize: drawing.serialize }))
    }),
})

const DRAWING = 'terminal-host/screen/serialize.ts'
const BUGS: readonly Mutant[] = [
  { name: 'the cursor is drawn one column off at the edge', file: DRAWING, from: '(!continues && x < cols)', to: '!continues' },
  { name: 'a line that wraps is broken', file: DRAWING, from: 'const wraps = next?.isWrapped === true', to: 'const wraps = false' },
  { name: 'the scroll region is forgotten', file: DRAWING, from: 'pen.add(region(normal, rows))', to: '' },
  { name: 'tab stops are forgotten', file: DRAWING, from: 'pen.add(tabs(normal, cols))', to: '' },
  { name: 'the saved cursor is forgotten', file: DRAWING, from: '} else saveCursor(pen, saved)', to: '}' },
  { name: 'the mouse is forgotten', file: DRAWING, from: "mouse === undefined ? '' : set(true, mouse)", to: "''" },
  { name: 'insert mode moves the line', file: DRAWING, from: 'pen.add(`${CSI}${x - at}P`)', to: "pen.add('')" },
  { name: 'links go on', file: DRAWING, from: 'if (link === this.link) return', to: 'return' },
  {
    name: 'what has begun is not told',
    file: 'terminal-host/screen/pending.ts',
    from: 'if (start < 0 || !goesOn(whole, start)) return partial',
    to: 'return partial',
  },
]
const COPY: Mutant = {
  name: 'a copy without a bug',
  file: DRAWING,
  from: '/** Whether terminals differ in how',
  to: '/** Whether they differ in how',
}

export const screensDrawn: Proven<Attaching> = {
  ...screenProperty({ Screen: ours.Screen, serialize }),
  area: 'output',
  bugs: BUGS.map(planted),
  control: planted(COPY),
}
