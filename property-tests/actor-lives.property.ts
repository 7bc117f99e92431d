import fc from 'fast-check'
import { expect } from 'vitest'
import type { Clock, Timer } from '../src/ports/clock.port.ts'
import { type SupervisorProtocol, type SupervisorSpec, worker } from '../src/kernel/child-spec.ts'
import { type ActorContext, type ActorRef, defineActor, named } from '../src/kernel/types.ts'
import { note } from '../src/testing/recording.ts'
import type { Engine } from '../src/testing/simulate.ts'
import { engineProperty } from './engine-property.ts'
import type { Proven } from './proven.ts'

const GROUPS = 2
const WORKERS_A_GROUP = 2
const WORKERS = GROUPS * WORKERS_A_GROUP
const SHUTDOWN_MS = 20
const workerName = (index: number): string => `worker-${index}`
const groupName = (index: number): string => `group-${index}`

/** What a worker is told to do. */
type Act =
  | { readonly do: 'watch'; readonly whom: number; readonly first: boolean }
  | { readonly do: 'crash' | 'exit' | 'hang' | 'end-slowly' }
  | { readonly do: 'effect' | 'timer' | 'wait' | 'unwatch'; readonly ms: number }
  | { readonly do: 'ask'; readonly whom: number }
type Step =
  | { readonly do: 'act'; readonly by: number; readonly act: Act }
  | { readonly do: 'stop-child' | 'start-child'; readonly child: number }
  | { readonly do: 'stop-group'; readonly group: number }
  | { readonly do: 'advance'; readonly ms: number }
  | { readonly do: 'settle' }
type Scenario = {
  readonly seed: number
  readonly strategies: readonly ('one_for_one' | 'one_for_all' | 'rest_for_one')[]
  readonly steps: readonly Step[]
  /** Whether all is at rest when it is stopped, so that every exit must have been told. */
  readonly rests: boolean
}

type Protocol = {
  act: { message: Act; reply: null }
  $exit: { message: { watch: Watch } }
  $wrote: { message: object }
  $tick: { message: object }
}
/** One watch. `told`: how often its exit came; `unwatched`: it was ended, and how often it had been told by then. */
type Watch = { readonly by: string; readonly target: string; told: number; unwatched: number | null }
type State = { readonly watches: readonly { readonly watch: Watch; readonly end: () => void }[]; readonly endsSlowly: boolean }

/** What was seen of a run. */
class Log {
  readonly watches: Watch[] = []
  readonly ended = new Set<string>()
  /** Who runs, by name, with the name of the supervisor. */
  readonly running = new Map<string, string | null>()
  readonly problems: string[] = []
  timersLeft = 0

  /** What the actor was refused is well; that it was not is a problem. */
  afterEnd(ctx: ActorContext<Protocol>, what: string): void {
    if (!this.ended.has(ctx.self.id)) return
    this.problems.push(`${what} of ${ctx.self.id} after its end`)
  }

  exited(name: string, incarnation: number): void {
    this.ended.add(`${name}$${incarnation}`)
    this.running.delete(name)
    for (const [child, supervisor] of this.running) if (supervisor === name) this.problems.push(`${child} runs without ${name}`)
  }

  /** The clock that the system gets, whose timers are counted. */
  clock(clock: Clock): Clock {
    return {
      now: () => clock.now(),
      monotonic: () => clock.monotonic(),
      setTimer: (ms, fire): Timer => {
        let isSet = true
        const over = (): void => {
          if (isSet) this.timersLeft -= 1
          isSet = false
        }
        this.timersLeft += 1
        const timer = clock.setTimer(ms, () => (over(), fire()))
        return { cancel: () => (over(), timer.cancel()) }
      },
    }
  }
}

const wait = (clock: Clock, ms: number): Promise<void> => new Promise((resolve) => void clock.setTimer(ms, resolve))

/** An effect that heeds no signal; what it does after the end of its actor must be refused, and have been cancelled. */
const effect = async (log: Log, clock: Clock, ctx: ActorContext<Protocol>, signal: AbortSignal, ms: number): Promise<void> => {
  await wait(clock, ms)
  if (!log.ended.has(ctx.self.id)) return
  if (!signal.aborted) log.problems.push(`an effect of ${ctx.self.id} is not aborted by its end`)
  try {
    ctx.tell(named<Protocol>(workerName(0)), 'act', { do: 'timer', ms: 1 })
  } catch {
    return
  }
  log.problems.push(`an effect of ${ctx.self.id} sends after its end`)
}

/** While it waits, the exit may come, and wait in turn. */
const unwatch = async (clock: Clock, state: State, ms: number): Promise<State> => {
  await wait(clock, ms)
  const [first, ...watches] = state.watches
  if (first === undefined) return state
  first.end()
  first.watch.unwatched = first.watch.told
  return { ...state, watches }
}

const perform = (log: Log, clock: Clock, ctx: ActorContext<Protocol>, state: State, act: Act): State | Promise<State> => {
  switch (act.do) {
    case 'watch': {
      const name = workerName(act.whom)
      const target: ActorRef<Protocol> | undefined = act.first ? { name, incarnation: 1, id: `${name}$1` } : ctx.lookup(name)
      if (target === undefined) return state
      const watch: Watch = { by: ctx.self.id, target: target.id, told: 0, unwatched: null }
      log.watches.push(watch)
      const end = ctx.watch(target, ['$exit', () => ({ watch })])
      return { ...state, watches: [...state.watches, { watch, end }] }
    }
    case 'unwatch':
      return unwatch(clock, state, act.ms)
    case 'crash':
      throw new Error('crash')
    case 'exit':
      ctx.exit('normal')
      return state
    case 'hang':
      return new Promise(() => {})
    case 'wait':
      return wait(clock, act.ms).then(() => state)
    case 'end-slowly':
      return { ...state, endsSlowly: true }
    case 'effect':
      ctx.run((signal) => effect(log, clock, ctx, signal, act.ms), { done: ['$wrote', () => ({})], failed: ['$wrote', () => ({})] })
      return state
    case 'timer':
      ctx.setTimer('tick', act.ms, '$tick', {})
      return state
    case 'ask':
      void ctx.ask(named<Protocol>(workerName(act.whom)), 'act', { do: 'wait', ms: 5 }, { timeoutMs: 1_000_000 }).catch(() => {})
      return state
  }
}

const actor = (log: Log, clock: Clock) => {
  const seen =
    (what: string) =>
    (ctx: ActorContext<Protocol>, state: State): State => {
      log.afterEnd(ctx, what)
      return state
    }
  return defineActor<Protocol, State, null>({
    kind: 'worker',
    handlerLimitMs: 30,
    init: () => ({ watches: [], endsSlowly: false }),
    on: {
      act: (ctx, state, act, reply) => {
        log.afterEnd(ctx, `"${act.do}"`)
        reply(null)
        return perform(log, clock, ctx, state, act)
      },
      $exit: (ctx, state, { watch }) => {
        watch.told += 1
        return seen('an exit')(ctx, state)
      },
      $wrote: seen('an outcome'),
      $tick: seen('a timer'),
    },
    terminate: (_ctx, { endsSlowly }) => (endsSlowly ? wait(clock, 2 * SHUTDOWN_MS) : undefined),
  })
}

type World = InstanceType<Engine['SeededScheduler']>

const treeOf = (log: Log, world: World, { strategies }: Scenario): SupervisorSpec => ({
  type: 'supervisor',
  name: 'root',
  strategy: 'one_for_one',
  intensity: { restarts: 1_000, withinMs: 1 },
  children: Array.from({ length: GROUPS }, (_, group) => ({
    type: 'supervisor',
    name: groupName(group),
    strategy: strategies[group] ?? 'one_for_one',
    intensity: { restarts: 2, withinMs: 50 },
    // Less than its slow children take together: it may have to be killed with them.
    shutdown: SHUTDOWN_MS,
    children: Array.from({ length: WORKERS_A_GROUP }, (_each, index) =>
      worker(workerName(group * WORKERS_A_GROUP + index), actor(log, world.clock), null, { shutdown: SHUTDOWN_MS }),
    ),
  })),
})

const run = async ({ startSystem, SeededScheduler }: Engine, scenario: Scenario): Promise<Log> => {
  const world = new SeededScheduler(scenario.seed)
  const log = new Log()
  const system = await startSystem({
    scheduler: world,
    clock: log.clock(world.clock),
    random: world.random,
    root: treeOf(log, world, scenario),
    observer: {
      started: ({ name, incarnation, supervisor }) => {
        note(`started ${name}$${incarnation}`)
        log.running.set(name, supervisor)
      },
      exited: ({ name, incarnation, exit }) => {
        note(`exited ${name}$${incarnation} ${exit.reason}`)
        log.exited(name, incarnation)
      },
    },
  })
  const group = (child: number) => named<SupervisorProtocol>(groupName(Math.floor(child / WORKERS_A_GROUP)))
  for (const step of scenario.steps) {
    note(`step ${JSON.stringify(step)}`)
    if (step.do === 'advance') await world.advance(step.ms)
    else if (step.do === 'settle') await world.settle()
    else if (step.do === 'act') system.tell(named<Protocol>(workerName(step.by)), 'act', step.act)
    else if (step.do === 'stop-group') {
      system.tell(named<SupervisorProtocol>('root'), 'supervisor.terminate-child', { name: groupName(step.group) })
      system.tell(named<SupervisorProtocol>('root'), 'supervisor.restart-child', { name: groupName(step.group) })
    } else if (step.do === 'stop-child') system.tell(group(step.child), 'supervisor.terminate-child', { name: workerName(step.child) })
    else system.tell(group(step.child), 'supervisor.restart-child', { name: workerName(step.child) })
  }
  if (scenario.rests) {
    await world.advance(10_000)
    expectAllTold(log)
  }
  await ended(world, system.stop())
  expect(log.timersLeft, 'timers that are left').toBe(0)
  // What was given up goes on beyond the end: what it does then must have no effect.
  await world.advance(10_000)
  return log
}

/** Moves time no further than the stop needs: what is left of it then was forgotten. */
const ended = async (world: World, stop: Promise<void>): Promise<void> => {
  let isOver = false
  void stop.then(() => (isOver = true))
  for (await world.settle(); !isOver;) expect(await world.step(), 'something that could end it').toBe(true)
}

/** At rest: who watches, and runs, has been told of every end. */
const expectAllTold = ({ watches, ended }: Log): void => {
  for (const { by, target, told, unwatched } of watches)
    if (unwatched === null && !ended.has(by)) expect(told, `exits of ${target} that ${by} was told of`).toBe(ended.has(target) ? 1 : 0)
}

const anyWorker = fc.nat(WORKERS - 1)
const ms = fc.constantFrom(1, 5, 15, 40, 2_000)
const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('watch' as const), whom: anyWorker, first: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('ask' as const), whom: anyWorker }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constantFrom('effect' as const, 'timer' as const, 'wait' as const, 'unwatch' as const), ms }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constantFrom('crash' as const, 'exit' as const, 'hang' as const, 'end-slowly' as const) }),
  },
)
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 10, arbitrary: fc.record({ do: fc.constant('act' as const), by: anyWorker, act }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('stop-child' as const, 'start-child' as const), child: anyWorker }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('stop-group' as const), group: fc.nat(GROUPS - 1) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('advance' as const), ms: fc.constantFrom(1, 10, 25, 60) }) },
  { weight: 2, arbitrary: fc.constant({ do: 'settle' as const }) },
)
const scenarios: fc.Arbitrary<Scenario> = fc.record({
  seed: fc.nat(),
  strategies: fc.array(fc.constantFrom('one_for_one' as const, 'one_for_all' as const, 'rest_for_one' as const), {
    minLength: GROUPS,
    maxLength: GROUPS,
  }),
  steps: fc.array(step, { maxLength: 25, size: 'max' }),
  rests: fc.boolean(),
})

const cell = 'kernel/cell.ts'
const context = 'kernel/context.ts'

export const actorLives: readonly Proven<Scenario>[] = engineProperty(
  'kernel',
  'every watch tells one exit, no child runs without its supervisor, and what has ended does nothing more and leaves no timer [SUP-6, SUP-7, SUP-8]',
  scenarios,
  async (engine, scenario) => {
    const { watches, problems, running } = await run(engine, scenario)
    expect(problems).toEqual([])
    expect([...running.keys()]).toEqual([])
    for (const { by, target, told, unwatched } of watches) {
      expect(told, `exits of ${target} that ${by} was told of`).toBeLessThanOrEqual(1)
      if (unwatched !== null) expect(told, `exits of ${target} that ${by} was told of after it had ended the watch`).toBe(unwatched)
    }
  },
  {
    runs: 300,
    catches: [
      { name: 'exit told twice', file: cell, from: 'watch.tell(exit)', to: 'watch.tell(exit)\n      watch.tell(exit)' },
      { name: 'exit told to one watcher only', file: cell, from: 'watch.tell(exit)', to: 'watch.tell(exit)\n      break' },
      {
        name: 'exit told once a target',
        file: cell,
        from: 'for (const watch of this.ties?.watchers ?? [])',
        to: 'for (const watch of [])',
      },
      {
        name: 'watch of one that has ended never told',
        file: 'kernel/kernel.ts',
        from: 'tell(this.registry.exitOf(target.id) ??',
        to: 'void (this.registry.exitOf(target.id) ??',
      },
      { name: 'ended watch still tells', file: 'kernel/kernel.ts', from: 'token.cancelled = true\n      endWatch', to: 'endWatch' },
      {
        name: 'children outlive a killed supervisor',
        file: cell,
        from: 'entry.current?.kill()',
        to: '',
      },
      {
        name: 'timers outlive their actor',
        file: context,
        from: 'for (const { timer } of this.timers?.values() ?? []) timer.cancel()',
        to: '',
      },
      { name: 'effects not aborted by the end', file: context, from: 'this.abort.abort()', to: 'void 0' },
      { name: 'no fence', file: context, from: 'if (this.cell.isClosed) throw fenced(this.self)', to: '' },
      { name: 'time to end goes on after the end', file: cell, from: '    this.deadline?.cancel()\n', to: '' },
      { name: 'limit of a handler goes on after it', file: 'kernel/patience.ts', from: 'timer?.cancel()', to: '' },
      { name: 'time limits of asks outlive the system', file: 'supervisors/system.ts', from: 'kernel.deadlines.close()', to: '' },
      {
        name: 'outcome of an effect reaches one that has ended',
        file: cell,
        from: "    if (this.phase === 'ended') return null\n    if (this.ending",
        to: '    if (this.ending',
      },
    ],
  },
)
