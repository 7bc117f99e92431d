import fc from 'fast-check'
import { expect } from 'vitest'
import { defineActor, type Exit, named } from '../src/kernel/types.ts'
import { type Decision, type Judgement, type SupervisorProtocol, worker } from '../src/kernel/child-spec.ts'
import type { TreeNode } from '../src/supervisors/system.types.ts'
import { note } from '../src/testing/recording.ts'
import type { Engine } from '../src/testing/simulate.ts'
import { engineProperty } from './engine-property.ts'
import type { Proven } from './proven.ts'

type Protocol = { crash: { message: object }; limited: { message: object } }
type Step =
  | { readonly do: 'crash' | 'limited'; readonly child: number }
  | { readonly do: 'stop-child' | 'start-child'; readonly child: number }
  | { readonly do: 'advance'; readonly ms: number }
  | { readonly do: 'settle' }
type Scenario = {
  readonly seed: number
  readonly strategy: 'one_for_one' | 'one_for_all' | 'rest_for_one'
  readonly restarts: number
  readonly backoffMs: number
  /** How the nth start of any child goes; well after the last. */
  readonly starts: readonly ('well' | 'slow' | 'throws' | 'hangs')[]
  readonly steps: readonly Step[]
}
type Trace = {
  readonly log: { readonly name: string; readonly did: 'started' | 'exited'; readonly incarnation: number; readonly reason: string }[]
  readonly decisions: { readonly at: number; readonly decision: Decision }[]
  readonly before: TreeNode | null
}

const CHILDREN = 4
const WITHIN = 100
const nameOf = (index: number): string => `child-${index}`

const classify = ({ error }: Exit): Judgement =>
  error?.message === 'limited' ? { do: 'wait', ms: 20, atMost: 1_000, reason: 'limited' } : { do: 'restart' }

const run = async ({ startSystem, SeededScheduler }: Engine, scenario: Scenario): Promise<Trace> => {
  const world = new SeededScheduler(scenario.seed)
  const log: Trace['log'] = []
  const decisions: Trace['decisions'] = []
  let starts = 0
  const child = defineActor<Protocol, null, null>({
    kind: 'child',
    initLimitMs: 30,
    // The first starts of all go well: a failed one is another test's business.
    init: () => {
      const how = starts++ < CHILDREN ? 'well' : (scenario.starts[starts - CHILDREN - 1] ?? 'well')
      if (how === 'throws') throw new Error('init')
      const waitMs = how === 'slow' ? 10 : how === 'hangs' ? 1_000_000 : 0
      return waitMs === 0 ? null : new Promise<void>((resolve) => void world.clock.setTimer(waitMs, resolve)).then(() => null)
    },
    on: {
      crash: () => {
        throw new Error('crash')
      },
      limited: () => {
        throw new Error('limited')
      },
    },
  })
  const specOf = (index: number) => worker(nameOf(index), child, null, { classify })
  const { strategy, restarts, backoffMs } = scenario
  const system = await startSystem({
    scheduler: world,
    clock: world.clock,
    random: world.random,
    root: {
      type: 'supervisor',
      name: 'root',
      strategy,
      intensity: { restarts, withinMs: WITHIN },
      ...(backoffMs > 0 ? { backoff: { minMs: backoffMs, maxMs: 4 * backoffMs, jitter: 0.5, resetAfterMs: 50 } } : {}),
      children: Array.from({ length: CHILDREN }, (_, index) => specOf(index)),
    },
    observer: {
      started: ({ name, incarnation }) => {
        note(`started ${name}$${incarnation}`)
        log.push({ name, did: 'started', incarnation, reason: '' })
      },
      exited: ({ name, incarnation, exit }) => {
        note(`exited ${name}$${incarnation} ${exit.reason}`)
        log.push({ name, did: 'exited', incarnation, reason: exit.reason })
      },
      decided: (decision) => decisions.push({ at: world.clock.monotonic(), decision }),
    },
  })
  const root = named<SupervisorProtocol>('root')
  for (const step of scenario.steps) {
    note(`step ${JSON.stringify(step)}`)
    if (step.do === 'advance') await world.advance(step.ms)
    else if (step.do === 'settle') await world.settle()
    else if (step.do === 'crash' || step.do === 'limited') system.tell(named<Protocol>(nameOf(step.child)), step.do, {})
    else if (step.do === 'stop-child') system.tell(root, 'supervisor.stop-child', { name: nameOf(step.child) })
    else system.tell(root, 'supervisor.start-child', { spec: specOf(step.child) })
  }
  await world.advance(10_000)
  const over = log.some(({ name, did }) => name === 'root' && did === 'exited')
  const before = over ? null : system.tree()
  const stopped = system.stop()
  await world.advance(10_000)
  await stopped
  return { log, decisions, before }
}

/** In any window there are no more restarts than allowed; one more ends the supervisor. Waits do not count. */
const expectIntensity = ({ decisions }: Trace, allowed: number): void => {
  const counted = decisions.filter(({ decision }) => decision.decision === 'restart' || decision.decision === 'escalate')
  for (const [index, { at, decision }] of counted.entries()) {
    const within = counted.slice(0, index + 1).filter((other) => at <= other.at + WITHIN).length
    expect(decision.restarts).toBe(within)
    expect(decision.decision).toBe(within > allowed ? 'escalate' : 'restart')
  }
}

/** An incarnation starts once and ends once; one after the other. What is stopped in order has nothing alive to its right. */
const expectLives = ({ log }: Trace, scenario: Scenario): void => {
  const alive = new Map<string, number>()
  const last = new Map<string, number>()
  // Children that were started later stand at the end: only those of the first start have the order of their names.
  const isStatic = !scenario.steps.some((step) => step.do === 'start-child')
  for (const { name, did, incarnation, reason } of log) {
    if (did === 'started') {
      expect(alive.has(name), `${name} runs twice`).toBe(false)
      expect(incarnation).toBeGreaterThan(last.get(name) ?? 0)
      alive.set(name, incarnation)
    } else if (name === 'root') {
      expect([...alive.keys()]).toEqual(['root'])
    } else {
      if (alive.has(name)) expect(alive.get(name)).toBe(incarnation)
      alive.delete(name)
      const isOrdered =
        isStatic && reason === 'shutdown' && scenario.strategy !== 'one_for_one' && !scenario.steps.some((step) => step.do === 'stop-child')
      if (isOrdered) for (const other of alive.keys()) if (other !== 'root') expect(other < name, `${other} alive after ${name}`).toBe(true)
    }
    last.set(name, Math.max(incarnation, last.get(name) ?? 0))
  }
}

const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('crash' as const), child: fc.nat(CHILDREN - 1) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('limited' as const), child: fc.nat(CHILDREN - 1) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('stop-child' as const, 'start-child' as const), child: fc.nat(CHILDREN - 1) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('advance' as const), ms: fc.constantFrom(1, 7, 30, WITHIN) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('settle' as const) }) },
)
const scenarios: fc.Arbitrary<Scenario> = fc.record({
  seed: fc.nat(),
  strategy: fc.constantFrom('one_for_one' as const, 'one_for_all' as const, 'rest_for_one' as const),
  restarts: fc.oneof(fc.nat(3), fc.constant(1_000)),
  backoffMs: fc.constantFrom(0, 5),
  starts: fc.array(fc.constantFrom('well' as const, 'slow' as const, 'throws' as const, 'hangs' as const), { maxLength: 6 }),
  steps: fc.array(steps, { maxLength: 20 }),
})

const supervisor = 'supervisors/supervisor.ts'

export const supervisorSafety: readonly Proven<Scenario>[] = engineProperty(
  'supervisors',
  'keeps its intensity and its order, and brings all children back, when they crash in the midst of restarts [SUP-3, SUP-4, SUP-5, SUP-6]',
  scenarios,
  async (engine, scenario) => {
    const trace = await run(engine, scenario)
    expectIntensity(trace, scenario.restarts)
    expectLives(trace, scenario)
    // Each had its shutdown time, and needs less.
    expect(trace.log.filter(({ reason }) => reason === 'killed')).toEqual([])
    if (trace.before !== null) expect(trace.before.children.filter(({ state }) => state !== 'running')).toEqual([])
  },
  {
    runs: 300,
    catches: [
      {
        name: 'never escalates',
        file: 'supervisors/restart-policy.ts',
        from: 'if (restarts > this.intensity.restarts)',
        to: 'if (restarts < 0)',
      },
      {
        name: 'window never moves',
        file: 'supervisors/restart-window.ts',
        from: 'atMs <= time + this.intensity.withinMs',
        to: 'atMs >= time',
      },
      { name: 'child forgotten after its delay', file: supervisor, from: "if (child.phase === 'waiting') child.phase = 'down'", to: '' },
      { name: 'group stopped from the left', file: supervisor, from: 'children.findLast(', to: 'children.find(' },
      {
        name: 'group not waited for',
        file: supervisor,
        from: "if (last.phase !== 'stopping') this.stop(last)\n      return\n",
        to: "if (last.phase !== 'stopping') this.stop(last)",
      },
      { name: 'init without a limit', file: 'kernel/cell.ts', from: 'definition.initLimitMs ?? INIT_LIMIT_MS', to: 'Infinity' },
      { name: 'end of children not waited for', file: supervisor, from: 'while (actor.exit === null) await this.next(child)', to: '' },
    ],
  },
)
