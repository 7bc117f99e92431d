import assert from 'node:assert/strict'
import fc from 'fast-check'
import { defineActor } from '../kernel/types.ts'
import { type ChildSpec, type SupervisorSpec, worker } from '../kernel/child-spec.ts'
import { type Property, property, search } from './property.ts'
import { type CheckReport, messageOf, reportOf } from './report.ts'
import { type Engine, OURS, simulateOn, type SimulationStep } from './simulate.ts'
import { type CrashScript, type CrashStep, expectedLog } from './supervisor-model.ts'
import type { TraceEvent } from './trace.ts'

type Puppeteer = { readonly fails: readonly number[]; readonly starts: { count: number } }

/** Stands for a worker: starts, fails to start, crashes and ends as the script says. */
const puppet = defineActor<{ crash: { message: object }; exit: { message: object } }, null, Puppeteer>({
  kind: 'puppet',
  init(_ctx, { fails, starts }) {
    starts.count += 1
    if (fails.includes(starts.count)) throw new Error('the script says that this start fails')
    return null
  },
  on: {
    crash: () => {
      throw new Error('the script says so')
    },
    exit: (ctx) => {
      ctx.exit('normal')
      return null
    },
  },
})

const workersOf = (spec: ChildSpec): string[] => (spec.type === 'worker' ? [spec.name] : (spec.children ?? []).flatMap(workersOf))
const windowsOf = (spec: ChildSpec): number[] =>
  spec.type === 'worker' ? [] : [spec.intensity?.withinMs ?? 5_000, ...(spec.children ?? []).flatMap(windowsOf)]

/** The same tree with a puppet for every worker, restarts at once by restart type alone, and nothing recovered, as in OTP. */
export const puppets = <S extends ChildSpec>(spec: S, { fails }: CrashScript): S => {
  if (spec.type === 'worker') {
    const { definition, args } = worker(spec.name, puppet, { fails: fails[spec.name] ?? [], starts: { count: 0 } })
    return { ...spec, definition, args, ...(spec.classify === undefined ? {} : { classify: () => ({ do: 'restart' as const }) }) }
  }
  const { backoff: _, recover: _recover, ...rest } = spec as SupervisorSpec
  return {
    ...rest,
    ...(spec.children === undefined ? {} : { children: spec.children.map((child) => puppets(child, { fails } as CrashScript)) }),
  } as S
}

/** What OTP has too, as a line. */
export const lineOf = (one: TraceEvent): string[] => {
  if (one.event === 'started') return [`started ${one.actor}`]
  if (one.event === 'exited') return [`exited ${one.actor} ${one.reason}`]
  if (one.event === 'decided') return [`${one.supervisor}: ${one.decision} ${one.child}, restarts ${one.restarts}`]
  return []
}

/** What our supervisors do: one thing at a time, so that the order is theirs alone. */
export const observedLog = async (engine: Engine, spec: SupervisorSpec, script: CrashScript): Promise<readonly string[]> => {
  const steps = script.steps.flatMap((step): SimulationStep[] =>
    step.do === 'advance' ? [step, { do: 'settle' }] : [{ do: 'tell', to: step.child, type: step.do, message: {} }, { do: 'settle' }],
  )
  const { trace } = await simulateOn(engine, { seed: script.seed, tree: puppets(spec, script), steps })
  return trace.flatMap(lineOf)
}

/** Crashes, ends and waits for a tree; the very ends of its windows are where counting goes wrong. */
export const crashScripts = (spec: SupervisorSpec, maxSteps: number): fc.Arbitrary<CrashScript> => {
  const names = workersOf(spec)
  const times = [...new Set(windowsOf(spec).flatMap((ms) => [ms - 1, ms, ms + 1]))].filter((ms) => ms > 0)
  const advance = fc.record({ do: fc.constant('advance' as const), ms: fc.constantFrom(1, ...times) })
  const name = fc.constantFrom(...names)
  const steps: fc.Arbitrary<CrashStep> =
    names.length === 0
      ? advance
      : fc.oneof(
          { weight: 4, arbitrary: fc.record({ do: fc.constant('crash' as const), child: name }) },
          { weight: 1, arbitrary: fc.record({ do: fc.constant('exit' as const), child: name }) },
          { weight: 2, arbitrary: advance },
        )
  return fc.record({
    seed: fc.nat(),
    steps: fc.array(steps, { maxLength: maxSteps, size: 'max' }),
    fails: fc.record(Object.fromEntries(names.map((each) => [each, fc.uniqueArray(fc.integer({ min: 2, max: 5 }), { maxLength: 2 })]))),
  })
}

/** @throws AssertionError with both logs where ours differs from OTP's */
export const compareWithOtp = async (engine: Engine, spec: SupervisorSpec, script: CrashScript): Promise<void> => {
  assert.deepEqual(await observedLog(engine, spec, script), expectedLog(spec, script))
}

const supervisorProperty = (spec: SupervisorSpec, maxSteps: number, engine: Engine): Property<CrashScript> =>
  property(`"${spec.name}" starts, stops, counts and decides as OTP’s supervisor does`, crashScripts(spec, maxSteps), (script) =>
    compareWithOtp(engine, spec, script),
  )

export type SupervisorChecks = {
  /** Scripts that are tried. @defaultValue 200 */
  readonly runs?: number
  /** @defaultValue a new one each time; a problem names it */
  readonly seed?: number
  /** Most steps of a script. @defaultValue 12 */
  readonly maxSteps?: number
}

/**
 * Whether a tree does what Erlang/OTP's supervisors would do with the same strategies, restart types and intensities:
 * its workers are replaced by puppets that crash, end and fail to start in random scripts, and every start, stop and
 * decision is compared with a model of OTP, in order. Backoff and `classify` are left out, as OTP has none; children of dynamic
 * supervisors are those that a script cannot reach.
 */
export const checkSupervisor = (spec: SupervisorSpec, checks: SupervisorChecks = {}): Promise<CheckReport> =>
  checkSupervisorOn(OURS, spec, checks)

/** `checkSupervisor` on another engine. */
export const checkSupervisorOn = async (
  engine: Engine,
  spec: SupervisorSpec,
  { runs = 200, seed, maxSteps = 12 }: SupervisorChecks = {},
): Promise<CheckReport> => {
  const { failure, ...found } = await search(supervisorProperty(spec, maxSteps, engine), { runs, ...(seed === undefined ? {} : { seed }) })
  if (failure === null) return reportOf([])
  return reportOf([`seed ${found.seed}, path ${failure.path}: ${JSON.stringify(failure.scenario)}\n${messageOf(failure.error)}`])
}
