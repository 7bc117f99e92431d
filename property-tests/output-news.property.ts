import fc from 'fast-check'
import { expect } from 'vitest'
import type * as NewsModule from '../src/actors/output-news.ts'
import { OutputNews } from '../src/actors/output-news.ts'
import type { Pty } from '../src/ports/terminal-host.port.ts'
import { property } from '../src/testing/property.ts'
import { note } from '../src/testing/recording.ts'
import { StillClock } from '../test/helpers/still-clock.ts'
import { type Mutant, withMutantSources } from './engine.ts'
import type { Planted, Proven } from './proven.ts'

type Engine = Pick<typeof NewsModule, 'OutputNews'>
type Step =
  | { readonly do: 'put-out'; readonly pty: number; readonly bytes: number }
  | { readonly do: 'advance'; readonly ms: number }
  /** Somebody comes, or nobody is left. */
  | { readonly do: 'listen'; readonly isHeard: boolean }
  | { readonly do: 'end'; readonly pty: number }
  /** Another incarnation of its actor goes on with it. */
  | { readonly do: 'follow-again'; readonly pty: number }
/** `early`: what each PTY had put out before it was followed. */
type Scenario = { readonly isHeard: boolean; readonly early: readonly number[]; readonly steps: readonly Step[] }

/** As promised in docs/reference/events.md. */
const EACH_MS = 250

/** A PTY, what is known of it, and what was told. */
class FakePty {
  readonly told: { readonly at: number; readonly offset: number }[] = []
  readonly pty: Pty
  total: number
  /** Something was put out while somebody listened who listens still. */
  isOwed = false
  /** Something was put out while somebody listened. */
  wasHeard = false
  isOver = false
  grew: (() => void) | null = null

  constructor(index: number, total: number) {
    this.total = total
    this.pty = {
      ptyId: `pt_${index}`,
      onPressure: () => undefined,
      onOutput: (grew: (() => void) | null) => void (this.grew = grew),
      stats: () => ({ outputBytes: this.total, lastOutputAt: null, inputBytes: 0, inputQueuedBytes: 0, cols: 80, rows: 24 }),
    } as unknown as Pty
  }

  get toldOffset(): number {
    return this.told.at(-1)?.offset ?? 0
  }
}

const run = (engine: Engine, { early, steps, ...scenario }: Scenario): void => {
  const clock = new StillClock()
  let { isHeard } = scenario
  const ptys = early.map((total, index) => new FakePty(index, total))
  let ending: FakePty | null = null
  const news = new engine.OutputNews(clock, {
    hears: (topic) => topic === 'pty.output' && isHeard,
    publish(topic, payload, options) {
      note(`${clock.now()} ms  ${topic} ${options?.key} ${JSON.stringify(payload)}`)
      expect([topic, isHeard], 'told to who listens').toEqual(['pty.output', true])
      const fake = ptys.find(({ pty }) => pty.ptyId === options?.ids?.ptyId)!
      expect(options?.key).toBe(fake.pty.ptyId)
      expect(fake.isOver, 'told after the end').toBe(false)
      expect(payload).toEqual({ lane: 'a', command: 'b', attempt: 1, offset: fake.total })
      expect(fake.total, 'told twice').toBeGreaterThan(fake.toldOffset)
      const since = clock.now() - (fake.told.at(-1)?.at ?? -EACH_MS)
      if (fake !== ending) expect(since, 'ms since it was told of last').toBeGreaterThanOrEqual(EACH_MS)
      fake.told.push({ at: clock.now(), offset: fake.total })
      fake.isOwed = false
      fake.wasHeard = false
    },
  })
  const follow = ({ pty }: FakePty): void => news.follow(pty, { ptyId: pty.ptyId }, { lane: 'a', command: 'b', attempt: 1 })
  const putOut = (fake: FakePty, bytes: number): void => {
    const isRested = clock.now() - (fake.told.at(-1)?.at ?? -EACH_MS) >= EACH_MS
    fake.total += bytes
    if (isHeard) fake.isOwed = fake.wasHeard = true
    fake.grew?.()
    if (isHeard && isRested) expect(fake.toldOffset, 'told at once after a pause').toBe(fake.total)
  }
  const end = (fake: FakePty): void => {
    ending = fake
    news.end(fake.pty)
    ending = null
    if (isHeard) expect(fake.toldOffset, 'told last').toBe(fake.total)
    fake.isOver = true
    fake.isOwed = false
    fake.wasHeard = false
    fake.grew?.()
  }
  const check = (): void => {
    for (const { isOwed, told } of ptys) if (isOwed) expect(clock.now(), 'it is late').toBeLessThan((told.at(-1)?.at ?? 0) + EACH_MS)
    expect(clock.pending, 'timers, each for what is to be told').toBeLessThanOrEqual(ptys.filter(({ wasHeard }) => wasHeard).length)
  }

  for (const fake of ptys) {
    follow(fake)
    if (isHeard) expect(fake.toldOffset, 'told when it is followed').toBe(fake.total)
  }
  for (const step of steps) {
    note(`step ${JSON.stringify(step)}`)
    if (step.do === 'advance') {
      for (let left = step.ms; left > 0; left -= 1) {
        clock.advance(1)
        check()
      }
    } else if (step.do === 'listen') {
      isHeard = step.isHeard
      if (!isHeard) for (const fake of ptys) fake.isOwed = false
    } else {
      const fake = ptys[step.pty]
      if (fake === undefined || fake.isOver) continue
      if (step.do === 'put-out') putOut(fake, step.bytes)
      else if (step.do === 'end') end(fake)
      else follow(fake)
    }
    check()
  }
}

const PTYS = 2
const pty = fc.nat(PTYS - 1)
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('put-out' as const), pty, bytes: fc.integer({ min: 1, max: 65_536 }) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('advance' as const), ms: fc.constantFrom(1, 100, 249, 250, 251, 600) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('listen' as const), isHeard: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('end' as const, 'follow-again' as const), pty }) },
)
const scenarios: fc.Arbitrary<Scenario> = fc.record({
  isHeard: fc.boolean(),
  early: fc.array(fc.nat(100), { minLength: PTYS, maxLength: PTYS }),
  steps: fc.array(step, { maxLength: 30 }),
})

const TITLE = 'who listens is told of output at once, then every 250 ms, and of the last in any case; nobody else costs a timer [PTY-13]'
const on = (engine: Engine) => property(TITLE, scenarios, (scenario) => run(engine, scenario), { runs: 300 })

const file = 'actors/output-news.ts'
const MUTANTS: readonly Mutant[] = [
  { name: 'what comes within the time is not told', file, from: 'else this.timer = this.clock.setTimer(waitMs, this.due)', to: '' },
  { name: 'each chunk is told', file, from: 'if (waitMs <= 0) this.tell()', to: 'if (waitMs <= EACH_MS) this.tell()' },
  { name: 'a timer for each chunk', file, from: 'this.timer !== null || !this.bus', to: '!this.bus' },
  { name: 'the time begins anew with each chunk', file, from: 'setTimer(waitMs', to: 'setTimer(EACH_MS' },
  {
    name: 'nothing is told after the first time',
    file,
    from: 'private readonly due = (): void => {\n    this.timer = null',
    to: 'private readonly due = (): void => {',
  },
  {
    name: 'the end tells nothing',
    file,
    from: 'this.timer = null\n    this.tell()\n  }\n\n  /** For each',
    to: 'this.timer = null\n  }\n\n  /** For each',
  },
  { name: 'what is owed outlives the end', file, from: 'this.timer?.cancel()', to: '' },
  { name: 'told though nothing was put out', file, from: 'offset === this.told || ', to: '' },
  {
    name: 'told to nobody',
    file,
    from: 'if (offset === this.told || !this.bus.hears(TOPIC)) return',
    to: 'if (offset === this.told) return',
  },
  {
    name: 'a timer for nobody',
    file,
    from: 'if (this.timer !== null || !this.bus.hears(TOPIC)) return',
    to: 'if (this.timer !== null) return',
  },
  { name: 'an actor that goes on tells anew', file, from: 'if (!this.tellers.has(pty)) ', to: '' },
  {
    name: 'what was before is told with the next only',
    file,
    from: 'pty.onOutput(this.grew)\n    this.grew()',
    to: 'pty.onOutput(this.grew)',
  },
]

const planted = (mutant: Mutant): Planted<Scenario> => ({
  name: mutant.name,
  with: (use) => withMutantSources(mutant, async (load) => use(on(await load<Engine>(file)))),
})

/** Any order of output, time, and who listens. */
export const outputNews: Proven<Scenario> = {
  ...on({ OutputNews }),
  area: 'output',
  bugs: MUTANTS.map(planted),
  control: planted({ name: 'a copy without a bug', file, from: 'Tells of one PTY:', to: 'Tells of a PTY:' }),
}
