import { SeededScheduler } from '../../../src/adapters/schedulers/seeded-scheduler.adapter.ts'
import type { ActorContext, ActorDefinition, DeadLetter, Exit } from '../../../src/kernel/types.ts'
import { defineActor } from '../../../src/kernel/types.ts'
import { isSignalboxError } from '../../../src/protocols/errors.ts'
import { type ChildSpec, type Decision, type SupervisorSpec, worker } from '../../../src/kernel/child-spec.ts'
import { startSystem } from '../../../src/supervisors/system.ts'
import type { System } from '../../../src/supervisors/system.types.ts'

/** A system whose time and order the test owns, and what it told. */
export type SeededSystem = {
  readonly system: System
  readonly world: SeededScheduler
  /** `started a$1`, `exited a$1 crashed`, in order. */
  readonly log: string[]
  readonly decisions: Decision[]
  readonly letters: DeadLetter[]
}

export const root = (children: readonly ChildSpec[], options: Partial<SupervisorSpec> = {}): SupervisorSpec => ({
  type: 'supervisor',
  name: 'root',
  strategy: 'one_for_one',
  children,
  ...options,
})

/** Starts it; time moves by itself only as far as `start` needs. */
export const startSeeded = async (spec: SupervisorSpec, seed: number = 1): Promise<SeededSystem> => {
  const world = new SeededScheduler(seed)
  const log: string[] = []
  const decisions: Decision[] = []
  const letters: DeadLetter[] = []
  const system = await within(
    world,
    startSystem({
      scheduler: world,
      clock: world.clock,
      random: world.random,
      root: spec,
      observer: {
        started: ({ name, incarnation }) => log.push(`started ${name}$${incarnation}`),
        exited: ({ name, incarnation, exit }) => log.push(`exited ${name}$${incarnation} ${exit.reason}`),
        decided: (decision) => decisions.push(decision),
        deadLetter: (letter) => letters.push(letter),
      },
    }),
  )
  return { system, world, log, decisions, letters }
}

/** Moves time until the promise settles. */
export const within = async <T>(world: SeededScheduler, promise: Promise<T>): Promise<T> => {
  let settled = false
  const settle = (): void => void (settled = true)
  promise.then(settle, settle)
  await world.settle()
  while (!settled && (await world.step()));
  if (!settled) throw new Error('nothing is left that could settle it')
  return promise
}

/** What most tests need: it counts, crashes, waits, ends. */
export type ProbeProtocol = {
  add: { message: { n: number } }
  get: { message: object; reply: number }
  crash: { message: { text: string } }
  exit: { message: { reason: 'normal' | 'shutdown' | 'crashed' } }
  /** Keeps the reply function and never calls it. */
  silent: { message: object; reply: number }
  /** Handled when the promise settles. */
  wait: { message: { until: Promise<unknown> } }
  /** Does what it is told, in the actor. */
  act: { message: { act: (ctx: ActorContext<ProbeProtocol>) => unknown } }
  $note: { message: { text: string } }
}

export type ProbeArgs = {
  /** Called at each start; may throw or wait. */
  readonly init?: (ctx: ActorContext<ProbeProtocol>) => unknown
  readonly terminate?: (exit: Exit, ctx: ActorContext<ProbeProtocol>) => void | Promise<void>
  /** Gets what `$note` says. */
  readonly notes?: string[]
}

type ProbeState = { readonly total: number; readonly args: ProbeArgs }

export const probe = (
  limits: Partial<ActorDefinition<ProbeProtocol, ProbeState, ProbeArgs>> = {},
): ActorDefinition<ProbeProtocol, ProbeState, ProbeArgs> =>
  defineActor<ProbeProtocol, ProbeState, ProbeArgs>({
    kind: 'probe',
    async init(ctx, args) {
      await args.init?.(ctx)
      return { total: 0, args }
    },
    on: {
      add: (_ctx, state, { n }) => ({ ...state, total: state.total + n }),
      get: (_ctx, state, _message, reply) => {
        reply(state.total)
        return state
      },
      crash: (_ctx, _state, { text }) => {
        throw new Error(text)
      },
      exit: (ctx, state, { reason }) => {
        ctx.exit(reason)
        return state
      },
      silent: (_ctx, state) => state,
      wait: async (_ctx, state, { until }) => {
        await until
        return state
      },
      act: (ctx, state, { act }) => {
        act(ctx)
        return state
      },
      $note: (_ctx, state, { text }) => {
        state.args.notes?.push(text)
        return state
      },
    },
    terminate: (ctx, { args }, exit) => args.terminate?.(exit, ctx),
    ...limits,
  })

/** A child that is a probe. */
export const probeChild = (
  name: string,
  options: Parameters<typeof worker>[3] & ProbeArgs & { limits?: Parameters<typeof probe>[0] } = {},
): ChildSpec => {
  const { init, terminate, notes, limits, ...child } = options
  const args: ProbeArgs = { ...(init && { init }), ...(terminate && { terminate }), ...(notes && { notes }) }
  return worker(name, probe(limits), args, child)
}

/** Waits until the promise fails. @returns the error's code */
export const codeOf = async (promise: Promise<unknown>): Promise<string> => {
  try {
    await promise
  } catch (error) {
    return isSignalboxError(error) ? error.code : String(error)
  }
  return 'no error'
}
