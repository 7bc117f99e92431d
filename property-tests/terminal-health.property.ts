import fc from 'fast-check'
import { expect } from 'vitest'
import type * as HealthModule from '../src/actors/terminal-health.ts'
import { type HealthNews, TerminalHealth } from '../src/actors/terminal-health.ts'
import type { ProcessSample } from '../src/ports/process-table.port.ts'
import type { Pty } from '../src/ports/terminal-host.port.ts'
import { property } from '../src/testing/property.ts'
import { note } from '../src/testing/recording.ts'
import { processSample } from '../test/helpers/process-sample.ts'
import { StillClock } from '../test/helpers/still-clock.ts'
import { type Mutant, withMutantSources } from './engine.ts'
import type { Planted, Proven } from './proven.ts'

const DEEDS = ['burn', 'fork', 'exit', 'job', 'swap'] as const

type Engine = Pick<typeof HealthModule, 'TerminalHealth'>
type Step =
  | { readonly do: 'advance'; readonly ms: number }
  | { readonly do: 'output' | 'input' }
  /**
   * A process uses CPU; starts another; ends; has a job done by another, which ends at once; ends, and another takes its pid
   * and works.
   */
  | { readonly do: (typeof DEEDS)[number]; readonly pick: number }
  /** Whether looks fail; whether its processes are gone, though its end is not known yet. */
  | { readonly do: 'fail' | 'vanish'; readonly is: boolean }
  /** The wall clock jumps. */
  | { readonly do: 'jump'; readonly ms: number }
  /** Its actor crashes; perhaps before it could record what it heard last. */
  | { readonly do: 'crash'; readonly forgets: boolean }
/** `waits`: the leader waits for its children. */
type Scenario = { readonly idleAfterMs: number; readonly isThrottled: boolean; readonly waits: boolean; readonly steps: readonly Step[] }

const BURN_MS = 5_000
const LEADER = 100

type Process = {
  readonly pid: number
  readonly startTime: string
  /** null: init, for who has lost his own. */
  parent: Process | null
  /** A parent that ignores SIGCHLD is given no times of its children. */
  readonly waits: boolean
  cpuMs: number
  childrenCpuMs: number
  unseenMs: number
  isNewOrphan: boolean
}

/** A tree of processes as a kernel keeps it; pids are used again at once. */
class Tree {
  readonly living: Process[] = []
  private readonly leader: Process
  private starts = 0

  /** A leader, and one that has worked for long. */
  constructor(waits: boolean) {
    this.leader = this.fork(null, waits)
    this.fork(this.leader).cpuMs = 20 * BURN_MS
  }

  fork(parent: Process | null, waits = true): Process {
    let pid = LEADER
    while (this.living.some((one) => one.pid === pid)) pid += 1
    this.starts += 1
    const one = { pid, startTime: String(this.starts), parent, waits, cpuMs: 0, childrenCpuMs: 0, unseenMs: 0, isNewOrphan: false }
    this.living.push(one)
    return one
  }

  pick(pick: number): Process {
    return this.living[pick % this.living.length] as Process
  }

  burn(one: Process): void {
    one.cpuMs += BURN_MS
    one.unseenMs += BURN_MS
  }

  /** The leader stays; and who has just lost his parent, until a look has seen that: before, nobody can tell who waited for him. */
  exit(one: Process): void {
    if (one === this.leader || one.isNewOrphan) return
    this.living.splice(this.living.indexOf(one), 1)
    for (const child of this.living.filter(({ parent }) => parent === one)) {
      child.parent = null
      child.isNewOrphan = true
    }
    if (one.parent?.waits !== true) return
    one.parent.childrenCpuMs += one.cpuMs + one.childrenCpuMs
    one.parent.unseenMs += one.unseenMs
  }

  /** The one that has worked most ends; somebody else has its pid, and works. */
  swap(): void {
    this.exit(this.living.toSorted((one, other) => other.cpuMs - one.cpuMs).find((one) => one !== this.leader) ?? this.leader)
    this.burn(this.fork(this.leader))
  }

  samples(): readonly ProcessSample[] {
    return this.living.map(({ pid, startTime, parent, cpuMs, childrenCpuMs }) =>
      processSample(pid, { startTime, ppid: parent?.pid ?? 1, pgid: LEADER, cpuMs, childrenCpuMs, foreground: LEADER }),
    )
  }

  /** CPU time that a look can see, and that none has seen. */
  takeUnseen(): number {
    const unseen = this.living.reduce((sum, one) => sum + one.unseenMs, 0)
    for (const one of this.living) {
      one.unseenMs = 0
      one.isNewOrphan = false
    }
    return unseen
  }
}

const work = (tree: Tree, deed: (typeof DEEDS)[number], one: Process): void => {
  if (deed === 'burn') tree.burn(one)
  else if (deed === 'fork') tree.fork(one)
  else if (deed === 'exit') tree.exit(one)
  else if (deed === 'swap') tree.swap()
  else {
    const job = tree.fork(one)
    tree.burn(job)
    tree.exit(job)
  }
}

const run = async (engine: Engine, { idleAfterMs, isThrottled, waits, steps }: Scenario): Promise<void> => {
  const clock = new StillClock()
  const tree = new Tree(waits)
  const given = { outputBytes: 0, inputBytes: 0, inputQueuedBytes: 0 }
  let fails = false
  let vanished = false
  /** What its machine is, and was before it heard something last. */
  let machine = isThrottled
  let before = isThrottled
  /** What it should be, by what the looks could see. */
  let wanted = isThrottled
  let seenAt: number | null = null
  let isPending = false
  let cpuPending = 0
  let isKnown = false
  let looks = 0
  const look = (): readonly ProcessSample[] => {
    looks += 1
    if (fails) throw new Error('EMFILE')
    const at = clock.monotonic()
    const samples = vanished ? [] : tree.samples()
    if (!vanished) {
      const unseenMs = tree.takeUnseen()
      // what was used before the first sight of it nobody can tell from what was used long ago
      cpuPending = isKnown ? unseenMs : 0
      isKnown = true
    }
    if (seenAt === null) seenAt = at
    else if (isPending || cpuPending > 0) [seenAt, wanted] = [at, false]
    else if (!vanished && idleAfterMs > 0 && at - seenAt >= idleAfterMs) wanted = true
    isPending = false
    cpuPending = 0
    return samples
  }
  const health = new engine.TerminalHealth({
    clock,
    bus: { hears: () => false, publish: () => undefined },
    processTable: { trees: () => ({ look: (roots) => new Promise((resolve) => resolve(roots.map(look))) }), waiting: () => 'busy' },
  })
  const exited = Promise.withResolvers<void>()
  const pty = {
    ptyId: 'pt_1',
    identity: { pid: LEADER, startTime: '1', bootId: 'b' },
    exited: exited.promise,
    stats: () => ({ ...given, lastOutputAt: null, cols: 80, rows: 24 }),
  } as unknown as Pty
  let incarnation = 0
  const heard = (news: HealthNews): void => {
    note(`${clock.monotonic()} ms  ${news.verdict}`)
    expect(news.verdict === 'idle', 'told of a change that is none').toBe(!machine)
    before = machine
    machine = !machine
  }
  const follow = (): void => {
    incarnation += 1
    const own = incarnation
    health.follow(pty, {
      ids: {},
      who: { lane: 'a', command: 'b', attempt: 1 },
      mark: 'm',
      idleAfterMs,
      isThrottled: machine,
      size: { cols: 80, rows: 24 },
      heard: (news) => own === incarnation && heard(news),
    })
  }

  follow()
  for (const step of steps) {
    note(`${clock.monotonic()} ms  ${JSON.stringify(step)}`)
    if (step.do === 'advance') {
      const made = looks
      await clock.advanceInTurns(step.ms)
      if (step.ms > 60_000) expect(looks, 'looks').toBeGreaterThan(made)
    } else if (step.do === 'output' || step.do === 'input') {
      given[`${step.do}Bytes`] += 1
      isPending = true
    } else if ('pick' in step) work(tree, step.do, tree.pick(step.pick))
    else if (step.do === 'fail') fails = step.is
    else if (step.do === 'vanish') vanished = step.is
    else if (step.do === 'jump') clock.aheadMs += step.ms
    else if (step.do === 'crash') {
      if (step.forgets) {
        machine = before
        wanted = before
      }
      before = machine
      follow()
    }
    expect(machine, 'throttled').toBe(wanted)
  }
  exited.resolve()
  await exited.promise
  expect(clock.pending, 'timers without a terminal').toBe(0)
  const made = looks
  await clock.advanceInTurns(60_000)
  expect(looks, 'looks without a terminal').toBe(made)
}

const IDLE_MS = 20_000
const pick = fc.nat(9)
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ do: fc.constant('advance' as const), ms: fc.constantFrom(1_000, 5_000, 5_001, 15_000, 25_000, 61_000) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('output' as const, 'input' as const) }) },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constantFrom(...DEEDS, 'swap' as const, 'swap' as const), pick }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('fail' as const, 'vanish' as const), is: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('jump' as const), ms: fc.constantFrom(-3_600_000, 3_600_000) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('crash' as const), forgets: fc.boolean() }) },
)
const scenarios: fc.Arbitrary<Scenario> = fc.record({
  idleAfterMs: fc.oneof({ weight: 9, arbitrary: fc.constant(IDLE_MS) }, { weight: 1, arbitrary: fc.constant(0) }),
  isThrottled: fc.boolean(),
  waits: fc.boolean(),
  steps: fc.array(step, { maxLength: 40 }),
})

const TITLE =
  'a terminal is throttled exactly while no look saw output, input or CPU for the time; its actor hears of each change once [PTY-10]'
const on = (engine: Engine) => property(TITLE, scenarios, (scenario) => run(engine, scenario), { runs: 300 })

const watch = 'actors/terminal-health.ts'
const rules = 'actors/health-rules.ts'
const MUTANTS: readonly Mutant[] = [
  { name: 'output is no sign of life', file: rules, from: "if (seen.outputBytes !== last.outputBytes) signs.push('output')", to: '' },
  { name: 'input is no sign of life', file: rules, from: "if (seen.inputBytes !== last.inputBytes) signs.push('input')", to: '' },
  {
    name: 'input does not begin the time anew',
    file: rules,
    from: 'Math.max(since.output, since.input, since.cpu)',
    to: 'Math.max(since.output, since.cpu)',
  },
  { name: 'children that were waited for used nothing', file: rules, from: 'grownMs > 0 ? spent', to: 'grownMs < 0 ? spent' },
  {
    name: 'what was seen of a process counts once more when it has ended',
    file: rules,
    from: 'grownMs >= all ? grownMs - all : grownMs - direct',
    to: 'grownMs - 0 * (all + direct)',
  },
  { name: 'a pid that is used again is the same process', file: rules, from: '`${pid} ${startTime} ${bootId}`', to: '`${pid}`' },
  { name: 'what is gone is idle', file: rules, from: 'idleAfterMs > 0 && isSeen', to: 'idleAfterMs > 0' },
  { name: 'a time of 0 is none at all', file: rules, from: 'const isIdle = idleAfterMs > 0 &&', to: 'const isIdle =' },
  { name: 'one look too late', file: rules, from: 'idleMs(quiet) >= idleAfterMs', to: 'idleMs(quiet) > idleAfterMs' },
  { name: 'only CPU ends idleness', file: rules, from: "signs.length > 0 ? 'activity'", to: "signs.includes('cpu') ? 'activity'" },
  {
    name: 'told at each look',
    file: rules,
    from: "isThrottled: verdict === 'idle' }, signs",
    to: 'isThrottled: before.isThrottled }, signs',
  },
  {
    name: 'a new orchestrator takes what is throttled for active',
    file: watch,
    from: 'firstLook(seen, follow.isThrottled)',
    to: 'firstLook(seen, false)',
  },
  {
    name: 'what an actor could not record is not told to the next',
    file: watch,
    from: 'if (known.quiet !== null) known.quiet = { ...known.quiet, isThrottled: follow.isThrottled }',
    to: '',
  },
  { name: 'an actor that goes on hears nothing', file: watch, from: 'known.follow = follow', to: '' },
  {
    name: 'time by the clock on the wall',
    file: watch,
    from: 'const at = this.parts.clock.monotonic()\n    const seen',
    to: 'const at = this.parts.clock.now()\n    const seen',
  },
  { name: 'looks go on for nobody', file: watch, from: 'if (this.entries.size === 0) this.cancel()', to: '' },
  { name: 'a look that fails is the last', file: watch, from: "if (trees !== 'unseen') {", to: "if (trees === 'unseen') return\n    {" },
]

const planted = (mutant: Mutant): Planted<Scenario> => ({
  name: mutant.name,
  with: (use) => withMutantSources(mutant, async (load) => use(on(await load<Engine>(watch)))),
})

/** Any order of work, output, input, failed looks, crashes of the actor and jumps of the wall clock. */
export const terminalHealth: Proven<Scenario> = {
  ...on({ TerminalHealth }),
  area: 'pty',
  bugs: MUTANTS.map(planted),
  control: planted({ name: 'a copy without a bug', file: rules, from: 'Takes one more look in.', to: 'Takes another look in.' }),
}
