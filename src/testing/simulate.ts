import { SeededScheduler } from '../adapters/schedulers/seeded-scheduler.adapter.ts'
import { named } from '../kernel/types.ts'
import { isSignalboxError, SignalboxError } from '../protocols/errors.ts'
import type { SupervisorSpec } from '../kernel/child-spec.ts'
import { startSystem } from '../supervisors/system.ts'
import type { System, SystemObserver } from '../supervisors/system.types.ts'
import type { Fault } from './fault.ts'
import { instrument, instrumentMessage } from './instrument.ts'
import { note } from './recording.ts'
import { SimulatedWorld, type World } from './simulated-world.ts'
import { errorText, type TraceEvent } from './trace.ts'

/** What happens from outside, one thing after another. Plain data. Nothing runs before a step that lets it. */
export type SimulationStep =
  | { readonly do: 'tell'; readonly to: string; readonly type: string; readonly message: object }
  /** @defaultValue timeoutMs 5,000 */
  | { readonly do: 'ask'; readonly to: string; readonly type: string; readonly message: object; readonly timeoutMs?: number }
  /** Lets actors run until none is ready; time stands. */
  | { readonly do: 'settle' }
  /** Lets actors run while time passes. */
  | { readonly do: 'advance'; readonly ms: number }

export type Simulation = {
  /** Any integer: decides who is next, how much of its mail it handles, and what actors draw. */
  readonly seed: number
  /** The tree, made anew for each run with the run's clock, randomness and ports. */
  readonly tree: SupervisorSpec | ((world: World) => SupervisorSpec)
  readonly steps: readonly SimulationStep[]
  readonly faults?: readonly Fault[]
}

export type SimulationResult = {
  readonly seed: number
  readonly trace: readonly TraceEvent[]
  /** Timers of actors and of the kernel that were set and neither fired nor cancelled when all had stopped. */
  readonly timersLeft: number
}

/** The engine that runs a simulation: ours, or a copy of it with a planted bug. */
export type Engine = { readonly startSystem: typeof startSystem; readonly SeededScheduler: typeof SeededScheduler }
export const OURS: Engine = { startSystem, SeededScheduler }

/** A tree that is not at rest after so many timers never will be. */
const MOST_TIMERS = 100_000
const ASK_LIMIT_MS = 5_000

/** Moves time until the promise settles. @throws ERR_SIMULATION_STUCK */
const within = async <T>(scheduler: SeededScheduler, promise: Promise<T>, what: string): Promise<T> => {
  let settled = false
  const settle = (): void => void (settled = true)
  promise.then(settle, settle)
  await scheduler.settle()
  for (let timers = 0; !settled; timers += 1) {
    const moved = timers < MOST_TIMERS && (await scheduler.step())
    if (!moved && !settled) throw new SignalboxError('ERR_SIMULATION_STUCK', `${what}: nothing is left that could end it`)
  }
  return promise
}

const observe = (world: SimulatedWorld): SystemObserver => ({
  started: ({ name, incarnation, supervisor }) => world.record({ event: 'started', actor: `${name}$${incarnation}`, supervisor }),
  exited: ({ name, incarnation, exit }) =>
    world.record({
      event: 'exited',
      actor: `${name}$${incarnation}`,
      reason: exit.reason,
      error: exit.error === undefined ? null : errorText(exit.error),
    }),
  decided: ({ supervisor, child, decision, restarts, delayMs, group }) =>
    world.record({ event: 'decided', supervisor, child, decision, restarts, delayMs, group }),
  deadLetter: ({ to, from, type, reason }) => world.record({ event: 'dead-letter', to, from, type, reason }),
})

const perform = async (world: SimulatedWorld, system: System, step: SimulationStep, index: number): Promise<void> => {
  if (step.do === 'settle') return world.scheduler.settle()
  if (step.do === 'advance') return world.advance(step.ms)
  const message = instrumentMessage(step.type, step.message, world)
  const target = named<Record<string, { message: object; reply: unknown }>>(step.to)
  if (step.do === 'tell') system.tell(target, step.type, message)
  else world.noteAnswer(index, system.ask(target, step.type, message, { timeoutMs: step.timeoutMs ?? ASK_LIMIT_MS }))
}

/** `simulate` on another engine. */
export const simulateOn = async (engine: Engine, { seed, tree, steps, faults = [] }: Simulation): Promise<SimulationResult> => {
  note(`simulation with seed ${seed}`)
  for (const each of faults) note(`fault ${JSON.stringify(each)}`)
  const scheduler = new engine.SeededScheduler(seed)
  const world = new SimulatedWorld(scheduler, faults)
  const root = instrument(typeof tree === 'function' ? tree(world) : tree, world)
  const result = (): SimulationResult => ({ seed, trace: world.recorder.events, timersLeft: world.timersLeft })
  const { clock, random } = world
  let system: System
  try {
    system = await within(
      scheduler,
      engine.startSystem({ scheduler, clock, random, root, observer: observe(world) }),
      `the start of "${root.name}"`,
    )
  } catch (error) {
    if (isSignalboxError(error, 'ERR_SIMULATION_STUCK')) throw error
    world.record({ event: 'start-failed', error: errorText(error) })
    return result()
  }
  for (const [index, step] of steps.entries()) {
    note(`step ${index + 1} of ${steps.length}: ${JSON.stringify(step)}`)
    await perform(world, system, step, index)
  }
  note('the end: all is stopped')
  await scheduler.settle()
  await within(scheduler, system.stop(), `the stop of "${root.name}"`)
  await scheduler.settle()
  return result()
}

/**
 * Runs a tree with everything that is left to chance decided by one seed: who is next, time, randomness, faults. Then
 * stops it. The same seed, tree, steps and faults give the same trace, byte for byte, as long as the actors reach the
 * outside only through what they are given.
 * @throws ERR_SIMULATION_STUCK when the tree neither starts nor fails to, or does not stop
 * @example
 * const { trace } = await simulate({
 *   seed: 1,
 *   tree: { type: 'supervisor', name: 'root', strategy: 'one_for_one', children: [worker('counter', counter, null)] },
 *   steps: [{ do: 'tell', to: 'counter', type: 'add', message: { n: 1 } }, { do: 'settle' }],
 *   faults: [fault({ actor: 'counter', on: 'add' }, 'crash-before')],
 * })
 */
export const simulate = (simulation: Simulation): Promise<SimulationResult> => simulateOn(OURS, simulation)
