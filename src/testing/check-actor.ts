import assert from 'node:assert/strict'
import fc from 'fast-check'
import { type ErasedDefinition, erase, isPromise } from '../kernel/erased.ts'
import type { ActorDefinition, AnyProtocol, MessageOf, TypeOf } from '../kernel/types.ts'
import { worker } from '../kernel/child-spec.ts'
import { type Fault, fault } from './fault.ts'
import { type Property, property, search } from './property.ts'
import { type CheckReport, messageOf, reportOf } from './report.ts'
import { simulate, type Simulation, type SimulationStep } from './simulate.ts'
import type { World } from './simulated-world.ts'
import { formatTrace, type TraceEvent } from './trace.ts'

/** A message with its type. */
export type Letter<P> = { [T in TypeOf<P>]: readonly [type: T, message: MessageOf<P, T>] }[TypeOf<P>]

export type ActorChecks<P, S, A> = {
  /** What the actor is started with, made anew for each run; put its ports into `world.port`. */
  readonly args: (world: World) => A
  /** What it may be told or asked, as `[type, message]`; plain data. */
  readonly messages: fc.Arbitrary<Letter<P>>
  /** Types that are told and not asked: nobody waits for an answer. @defaultValue none: each that answers is asked */
  readonly told?: readonly (keyof P & string)[]
  /** Must hold in the state that each start and each handler leaves. */
  readonly invariants?: Readonly<Record<string, (state: S) => boolean>>
  /** Methods of ports that may fail, hang and be late. */
  readonly ports?: readonly { readonly port: string; readonly method: string }[]
  /** Whether it crashes, is slow, and its effects fail. @defaultValue true */
  readonly faults?: boolean
  /** Scenarios that are tried. @defaultValue 200 */
  readonly runs?: number
  /** @defaultValue a new one each time; a problem names it */
  readonly seed?: number
}

type Scenario = { readonly seed: number; readonly steps: readonly SimulationStep[]; readonly faults: readonly Fault[] }

const NAME = 'checked'
const ASK_LIMIT_MS = 1_000_000

/** Looks at every state that a start or a handler leaves; what does not hold is noted and not thrown, as a crash would hide it. */
const watched = (
  definition: ErasedDefinition,
  invariants: ActorChecks<never, unknown, never>['invariants'],
  broken: string[],
): ErasedDefinition => {
  const look = (where: string, state: unknown): unknown => {
    for (const [name, holds] of Object.entries(invariants ?? {}))
      if (!holds(state as never)) broken.push(`"${name}" does not hold after ${where}: ${JSON.stringify(state)}`)
    return state
  }
  const then = (where: string, value: unknown): unknown =>
    isPromise(value) ? value.then((state) => look(where, state)) : look(where, value)
  return {
    ...definition,
    init: (ctx, args) => then('its start', definition.init(ctx, args)),
    on: Object.fromEntries(
      Object.entries(definition.on).map(([type, handler]) => [
        type,
        (ctx, state, message, reply) => then(`"${type}"`, handler(ctx, state, message, reply)),
      ]),
    ),
  }
}

const faultsOf = (types: readonly string[], ports: readonly { port: string; method: string }[]): fc.Arbitrary<Fault> => {
  const nth = fc.record({ nth: fc.integer({ min: 1, max: 4 }), times: fc.constantFrom(1, 2) })
  const outside = fc.oneof(fc.constantFrom('fail' as const, 'hang' as const), fc.record({ lateMs: fc.constantFrom(1, 50, 10_000) }))
  const crash = fc.oneof(fc.constantFrom('crash-before' as const, 'crash-after' as const), fc.record({ slowMs: fc.constantFrom(5, 100) }))
  return fc.oneof(
    fc.tuple(fc.constantFrom(...types), crash, nth).map(([on, kind, when]) => fault({ actor: NAME, on }, kind, when)),
    fc.tuple(crash, fc.integer({ min: 2, max: 4 })).map(([kind, after]) => fault({ actor: NAME, init: true }, kind, { nth: after })),
    fc.tuple(outside, nth).map(([kind, when]) => fault({ effectsOf: NAME }, kind, when)),
    ...ports.map((site) => fc.tuple(outside, nth).map(([kind, when]) => fault(site, kind, when))),
  )
}

const scenariosOf = <P, S, A>(definition: ErasedDefinition, checks: ActorChecks<P, S, A>): fc.Arbitrary<Scenario> => {
  const { messages, told = [], ports = [], faults = true } = checks
  const letter = messages.map(([type, message]): SimulationStep => {
    const common = { to: NAME, type, message: message as object }
    return told.includes(type) ? { do: 'tell', ...common } : { do: 'ask', ...common, timeoutMs: ASK_LIMIT_MS }
  })
  const steps = fc.oneof(
    { weight: 6, arbitrary: letter },
    { weight: 1, arbitrary: fc.constant<SimulationStep>({ do: 'settle' }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('advance' as const), ms: fc.constantFrom(1, 60, 1_000, 60_000) }) },
  )
  return fc.record({
    seed: fc.nat(),
    steps: fc.array(steps, { maxLength: 20, size: 'max' }),
    faults: faults ? fc.array(faultsOf(Object.keys(definition.on), ports), { maxLength: 3 }) : fc.constant([]),
  })
}

/** It ends only as it was made to: by a planted crash, or by itself in good order. */
const expectPlannedEnds = (trace: readonly TraceEvent[]): void => {
  for (const one of trace) {
    if (one.event === 'start-failed') assert.fail(`it does not start: ${one.error}`)
    if (one.event !== 'exited' || !one.actor.startsWith(`${NAME}$`) || one.error === null || one.error === 'ERR_FAULT_PLANTED') continue
    // A port that hangs may take a handler that awaits it beyond its limit: that is what the limit is for.
    const isHanging = one.reason === 'timeout' && trace.some((other) => other.event === 'fault' && /hang|late|slow/.test(other.kind))
    if (!isHanging) assert.fail(`it ended by itself: ${one.reason}: ${one.error}`)
  }
}

const expectAnswers = ({ steps, faults }: Scenario, trace: readonly TraceEvent[]): void => {
  const settled = new Set(trace.flatMap((one) => (one.event === 'answered' || one.event === 'refused' ? [one.step] : [])))
  const mayBeLost = faults.length > 0
  for (const [index, step] of steps.entries()) {
    if (step.do !== 'ask') continue
    if (!settled.has(index)) assert.fail(`step ${index}: "${step.type}" is neither answered nor refused`)
    const refusal = trace.find((one) => one.event === 'refused' && one.step === index)
    const isSilent = refusal?.event === 'refused' && ['ERR_ASK_TIMEOUT', 'ERR_ACTOR_STOPPED'].includes(refusal.error)
    if (isSilent && !mayBeLost) assert.fail(`step ${index}: "${step.type}" is never answered`)
  }
}

/** Nothing is done in its name once it has ended. */
const expectSilence = (trace: readonly TraceEvent[], timersLeft: number): void => {
  const end = trace.findLastIndex((one) => one.event === 'exited')
  const late = trace.slice(end + 1).find((one) => one.event === 'port' && one.did === 'called')
  if (late?.event === 'port') assert.fail(`${late.port}.${late.method} is called after the end`)
  assert.equal(timersLeft, 0, `${timersLeft} timers are left after the end`)
}

const actorProperty = <P, S, A>(definition: ActorDefinition<P, S, A>, checks: ActorChecks<P, S, A>): Property<Scenario> => {
  const erased = erase(definition)
  const holds = async (scenario: Scenario): Promise<void> => {
    const broken: string[] = []
    const simulation: Simulation = {
      ...scenario,
      // Let go of what still waits, so that an answer which comes late has come.
      steps: [...scenario.steps, { do: 'advance', ms: 120_000 }],
      tree: (world) => ({
        type: 'supervisor',
        name: 'root',
        strategy: 'one_for_one',
        intensity: { restarts: 1_000, withinMs: 1 },
        children: [
          {
            ...worker(NAME, definition, checks.args(world)),
            definition: watched(erased, checks.invariants as never, broken) as unknown as ReturnType<typeof worker>['definition'],
          },
        ],
      }),
    }
    const { trace, timersLeft } = await simulate(simulation)
    try {
      assert.deepEqual(broken, [])
      expectPlannedEnds(trace)
      expectAnswers(scenario, trace)
      expectSilence(trace, timersLeft)
      assert.equal(
        JSON.stringify((await simulate(simulation)).trace),
        JSON.stringify(trace),
        'the same seed gives another trace: it takes time or chance from elsewhere',
      )
    } catch (error) {
      throw new Error(`${messageOf(error)}\n${formatTrace(trace)}`, { cause: error })
    }
  }
  return property(`"${definition.kind}" keeps its promises whatever fails`, scenariosOf(erased, checks), holds)
}

/**
 * Whether an actor keeps what everybody relies on, in random mail, interleavings, crashes and failures of what it uses:
 * its invariants hold after every start and every message; it never ends by itself with an error; every ask is answered
 * where nothing failed, and is settled in any case; no timer, and no call of a port, outlives it; and the same seed gives
 * the same run, so it takes time and chance from its context only.
 * @example
 * const { problems } = await checkActor(counter, {
 *   args: () => null,
 *   messages: fc.record({ n: fc.nat() }).map((message) => ['add', message]),
 *   invariants: { 'never below zero': (total) => total >= 0 },
 * })
 */
export const checkActor = async <P extends AnyProtocol<P>, S, A>(
  definition: ActorDefinition<P, S, A>,
  checks: ActorChecks<P, S, A>,
): Promise<CheckReport> => {
  const { runs = 200, seed } = checks
  const { failure, ...found } = await search(actorProperty(definition, checks), { runs, ...(seed === undefined ? {} : { seed }) })
  if (failure === null) return reportOf([])
  return reportOf([`seed ${found.seed}, path ${failure.path}: ${JSON.stringify(failure.scenario)}\n${messageOf(failure.error)}`])
}
