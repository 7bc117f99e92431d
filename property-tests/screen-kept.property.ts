import fc from 'fast-check'
import { expect } from 'vitest'
import type { Clock } from '../src/ports/clock.port.ts'
import { BLOCK_BYTES } from '../src/terminal-host/ring-memory.ts'
import { Output } from '../src/terminal-host/output.ts'
import { Screen } from '../src/terminal-host/screen/screen.ts'
import { ScreenKeeper } from '../src/terminal-host/screen/screen-keeper.ts'
import type { ScreenPool, ScreenRef } from '../src/terminal-host/screen/screens.ts'
import { serialize } from '../src/terminal-host/screen/serialize.ts'
import { type Property, property } from '../src/testing/property.ts'
import { screenState } from '../test/helpers/screen-state.ts'
import { type Mutant, withMutantSources } from './engine.ts'
import type { Planted, Proven } from './proven.ts'

/** The thread, without a thread. */
class Drawn implements ScreenPool {
  private readonly screens = new Map<ScreenRef, { readonly screen: Screen; work: Promise<void> }>()
  private lastId = 0
  open(cols: number, rows: number, scrollback: number): ScreenRef {
    this.lastId += 1
    const ref: ScreenRef = { id: this.lastId, isLost: false, hasFailed: false }
    this.screens.set(ref, { screen: new Screen(cols, rows, scrollback), work: Promise.resolve() })
    return ref
  }
  private then(ref: ScreenRef, step: (screen: Screen) => Promise<void> | void): void {
    const held = this.screens.get(ref)
    if (held !== undefined) held.work = held.work.then(() => step(held.screen))
  }
  feed = (ref: ScreenRef, bytes: Uint8Array<ArrayBuffer>): void => this.then(ref, (screen) => screen.write(bytes))
  resize = (ref: ScreenRef, cols: number, rows: number): void => this.then(ref, (screen) => screen.resize(cols, rows))
  hasRoom = (): Promise<void> => Promise.resolve()
  async snapshot(ref: ScreenRef, scrollback: number): Promise<Awaited<ReturnType<ScreenPool['snapshot']>>> {
    const held = this.screens.get(ref)
    if (held === undefined) throw new Error('it is closed')
    await held.work
    const { cols, rows } = held.screen.terminal
    return { cols, rows, bytes: serialize(held.screen, scrollback), altScreen: held.screen.isAlternate, title: held.screen.title }
  }
  close(ref: ScreenRef): void {
    ref.isLost = true
    const held = this.screens.get(ref)
    this.screens.delete(ref)
    void held?.work.then(() => held.screen.dispose())
  }
  get size(): number {
    return this.screens.size
  }
}
/** Nothing is dropped for being old here. */
const CLOCK: Clock = { now: () => 0, monotonic: () => 0, setTimer: () => ({ cancel: () => undefined }) }

/** What a program does, whole: it can be done over and over. */
const DEEDS = [
  'text \u001b[1;32mwith\u001b[0m colours 日本\r\n',
  '\u001b[3;4Hplaced \u001b[44mhere\u001b[0m\u001b[K',
  '\u001b[2;2H\u001b[2Lin between\r\n',
  '\u001b[?2004h',
  '\u001b[?2004l',
  '\u001b[?1002;1006h',
  '\u001b[?1002;1006l',
  '\u001b[?25l\u001b[?25h',
  '\u001b[?1h\u001b=',
  '\u001b[?1l\u001b>',
  '\u001b]0;title\u0007',
  '\u001b]11;#102030\u001b\\',
  '\u001b[>1u',
  '\u001b[<u',
  '\u001b[>4;2m',
  '\u001b[5 q',
] as const
const INTO = '\u001b[?1049h\u001b[H'
const OUT = '\u001b[?1049l'

type Step =
  | { readonly do: 'put'; readonly deeds: readonly string[]; readonly times: number; readonly cut: number }
  | { readonly do: 'resize'; readonly cols: number; readonly rows: number }
  | { readonly do: 'straddle'; readonly deed: string; readonly left: number }
  | { readonly do: 'look' }
type Life = { readonly blocks: number; readonly steps: readonly Step[] }
const deeds = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...DEEDS) },
    { weight: 2, arbitrary: fc.constant(INTO) },
    { weight: 1, arbitrary: fc.constant(OUT) },
  ),
  {
    minLength: 1,
    maxLength: 6,
  },
)
const lives: fc.Arbitrary<Life> = fc.record({
  blocks: fc.integer({ min: 1, max: 3 }),
  steps: fc.array(
    fc.oneof(
      {
        weight: 5,
        arbitrary: fc.record({
          do: fc.constant('put' as const),
          deeds,
          times: fc.constantFrom(1, 1, 40, 2_000),
          cut: fc.integer({ min: 1, max: 70_000 }),
        }),
      },
      {
        weight: 1,
        arbitrary: fc.record({
          do: fc.constant('resize' as const),
          cols: fc.integer({ min: 20, max: 60 }),
          rows: fc.integer({ min: 5, max: 12 }),
        }),
      },
      {
        weight: 2,
        arbitrary: fc.record({
          do: fc.constant('straddle' as const),
          deed: fc.constantFrom(...DEEDS, INTO),
          left: fc.integer({ min: 1, max: 12 }),
        }),
      },
      { weight: 2, arbitrary: fc.constant({ do: 'look' as const }) },
    ),
    { minLength: 1, maxLength: 14 },
  ),
})

const FILLER = Buffer.alloc(BLOCK_BYTES, 'plain text, again and again\r\n')
/** A deed `left` bytes before a block ends, and then enough for it to be given up. */
const straddled = (end: number, { deed, left }: { readonly deed: string; readonly left: number }, blocks: number): Buffer => {
  const before = (2 * BLOCK_BYTES - left - (end % BLOCK_BYTES)) % BLOCK_BYTES
  return Buffer.concat([FILLER.subarray(0, before), Buffer.from(deed), ...Array.from({ length: blocks + 1 }, () => FILLER)])
}

type Parts = { readonly ScreenKeeper: typeof ScreenKeeper; readonly Output: typeof Output }
type State = { readonly normal: object; readonly alternate: object | null; readonly cursor: unknown; readonly look: unknown }

/**
 * However much was put out since, and whatever of it is held: a program that fills the screen is drawn as it is, and the modes
 * of any are those that were set. All of it where nothing was given up.
 */
const keptAsDrawn =
  (parts: Parts) =>
  async ({ blocks, steps }: Life): Promise<void> => {
    const pool = new Drawn()
    const first = new Screen(40, 8, 500)
    const output: Output = new parts.Output(
      blocks * BLOCK_BYTES,
      () => {},
      undefined,
      (bytes, offset) => keeper.givenUp(bytes, offset),
    )
    const keeper: ScreenKeeper = new parts.ScreenKeeper(output, pool, CLOCK, { cols: 40, rows: 8 })
    for (const step of [...steps, { do: 'look' as const }]) {
      if (step.do === 'put') {
        const bytes = Buffer.from(step.deeds.join('').repeat(step.times))
        await first.write(bytes)
        for (let at = 0; at < bytes.length; at += step.cut) output.append(bytes.subarray(at, at + step.cut))
      } else if (step.do === 'straddle') {
        const bytes = straddled(output.end, step, blocks)
        await first.write(bytes)
        output.append(bytes)
      } else if (step.do === 'resize') {
        first.resize(step.cols, step.rows)
        keeper.resized(step.cols, step.rows)
      } else {
        const { offset, bytes, cols, rows, complete, altScreen } = await keeper.snapshot({ scrollback: 500 })
        expect(offset).toBe(output.end)
        expect(complete).toBe(true)
        const late = new Screen(cols, rows, 500)
        await late.write(bytes)
        const [{ normal: ours, ...seen }, { normal: theirs, ...was }] = [screenState(late), screenState(first)] as [State, State]
        late.dispose()
        expect(altScreen).toBe(was.alternate !== null)
        const whole = output.start === 0
        if (whole) expect(seen).toEqual(was)
        // a cursor saved long ago is not known; nor, where text has scrolled, in which row it was
        else if (altScreen)
          expect({ ...seen, alternate: { ...seen.alternate, saved: 0 } }).toEqual({ ...was, alternate: { ...was.alternate, saved: 0 } })
        else expect({ ...seen, cursor: 0 }).toEqual({ ...was, cursor: 0 })
        if (whole) expect(ours).toEqual(theirs)
      }
    }
    keeper.close()
    expect(pool.size).toBe(0)
  }

const keptProperty = (parts: Parts): Property<Life> =>
  property('what fills a screen is drawn as it is, however long ago it was put out [PTY-20]', lives, keptAsDrawn(parts), { runs: 60 })

const planted = (mutant: Mutant): Planted<Life> => ({
  name: mutant.name,
  with: (use) =>
    withMutantSources(mutant, async (load) => {
      const { ScreenKeeper: Keeper } = await load<Parts>('terminal-host/screen/screen-keeper.ts')
      const { Output: Ring } = await load<Parts>('terminal-host/output.ts')
      await use(keptProperty({ ScreenKeeper: Keeper, Output: Ring }))
    }),
})

const KEEPER = 'terminal-host/screen/screen-keeper.ts'
const BASE = 'terminal-host/screen/base-modes.ts'
const BUGS: readonly Mutant[] = [
  {
    name: 'a size that came where the screen stands is missed',
    file: KEEPER,
    from: 'find(({ order }) => order > this.sizeOrder)',
    to: 'find(({ at }) => at > this.at)',
  },
  { name: 'what is given up is not followed', file: KEEPER, from: 'this.feedTo(end, copy)', to: 'this.at = end' },
  { name: 'a screen behind the ring is used', file: KEEPER, from: 'this.screen !== null && this.at >= offset', to: 'this.screen !== null' },
  { name: 'modes are not looked for', file: KEEPER, from: 'this.base.see(bytes)', to: 'void bytes' },
  {
    name: 'a sequence cut by a block is missed',
    file: BASE,
    from: 'this.cut = cut[0] === ESC ? cut.slice() : NOTHING',
    to: 'this.cut = NOTHING',
  },
  {
    name: 'the ring says it too late',
    file: 'terminal-host/ring.ts',
    from: 'this.#onGiveUp?.(this.viewIn(block, this.#start), this.#start)',
    to: 'this.#onGiveUp?.(this.viewIn(block, this.#start), this.#start + BLOCK_BYTES)',
  },
]
const COPY: Mutant = { name: 'a copy without a bug', file: KEEPER, from: 'Where the first whole character', to: 'Where a whole character' }

export const screensKept: Proven<Life> = {
  ...keptProperty({ ScreenKeeper, Output }),
  area: 'output',
  bugs: BUGS.map(planted),
  control: planted(COPY),
}
