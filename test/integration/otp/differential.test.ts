import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { SupervisorSpec } from '../../../src/kernel/child-spec.ts'
import { observedLog } from '../../../src/testing/check-supervisor.ts'
import { OURS } from '../../../src/testing/simulate.ts'
import { expectedLog } from '../../../src/testing/supervisor-model.ts'
import { otpScenarios, type Scenario, specOf } from '../../../property-tests/supervisor-otp.property.ts'
import { type Case, comparable, findSpec, hasErlang, runOtp } from './real-otp.ts'

const RUNS = 60 * Number(process.env['SIGNALBOX_RUNS'] ?? 1)
/** Without time: OTP counts in whole seconds, so the window never closes in these. */
const draw = (strategies: readonly string[], seed: number): Scenario[] => {
  const drawn = otpScenarios({ strategies: strategies as SupervisorSpec['strategy'][], restarts: ['permanent', 'temporary'] })
  return fc
    .sample(drawn, { numRuns: RUNS, seed })
    .map(({ shape, script }) => ({ shape, script: { ...script, steps: script.steps.filter((step) => step.do !== 'advance') } }))
}

const caseOf = ({ shape, script: { steps, fails } }: Scenario): Case => ({ spec: specOf(shape, 'root'), steps, fails })

/** Every child that may be significant is: its supervisor has an autoShutdown, and it may end for good. */
const significant = (spec: SupervisorSpec): SupervisorSpec => ({
  ...spec,
  autoShutdown: spec.autoShutdown === 'any_significant' ? 'any_significant' : 'all_significant',
  children: (spec.children ?? []).map((child, index) => ({
    ...(child.type === 'supervisor' ? significant(child) : child),
    significant: child.restart !== 'permanent' && (child.type === 'supervisor' || index % 3 < 2),
  })),
})

describe.skipIf(!hasErlang)('real OTP (needs escript, of erlang-base)', () => {
  it('starts, stops and restarts random trees as ours does, in the same order [SUP-3, SUP-4, SUP-6]', async () => {
    const scenarios = draw(['one_for_one', 'one_for_all', 'rest_for_one'], 1)
    const otp = runOtp(scenarios.map(caseOf))
    expect(otp).toHaveLength(RUNS)
    for (const [index, { shape, script }] of scenarios.entries()) {
      const ours = await observedLog(OURS, specOf(shape, 'root'), script)
      expect(comparable(ours), JSON.stringify({ shape, script })).toEqual(otp[index])
    }
    // What is compared is not the empty case: trees that restart, escalate and fail to start.
    const all = otp.flat()
    expect(all.filter((line) => /\$[2-9]/.test(line)).length).toBeGreaterThan(RUNS)
    expect(all.filter((line) => line.endsWith('killed')).length).toBeGreaterThan(RUNS / 10)
    expect(all.filter((line) => line.endsWith('init_failed')).length).toBeGreaterThan(RUNS / 10)
  }, 300_000)

  it('does what the model does that the properties compare with [SUP-3, SUP-4, SUP-6]', () => {
    const scenarios = draw(['one_for_one', 'rest_for_one', 'one_for_all'], 2)
    const otp = runOtp(scenarios.map(caseOf))
    expect(otp).toHaveLength(RUNS)
    for (const [index, { shape, script }] of scenarios.entries())
      expect(comparable(expectedLog(specOf(shape, 'root'), script)), JSON.stringify({ shape, script })).toEqual(otp[index])
  }, 300_000)

  it('ends supervisors by themselves with their significant children, supervisors among them, as ours does [SUP-3]', async () => {
    const scenarios = draw(['one_for_one', 'one_for_all', 'rest_for_one'], 5)
    const cases = scenarios.map((scenario) => ({ ...caseOf(scenario), spec: significant(caseOf(scenario).spec) }))
    const otp = runOtp(cases)
    expect(otp).toHaveLength(RUNS)
    const ended = { any_significant: 0, all_significant: 0, supervisors: 0 }
    for (const [index, { shape, script }] of scenarios.entries()) {
      const { spec } = cases[index] as Case
      const log = await observedLog(OURS, spec, script)
      expect(comparable(log), JSON.stringify({ shape, script })).toEqual(otp[index])
      for (const [, name = '', child = ''] of log.flatMap((line) => [/^(.+): auto-shutdown ([^,]+),/.exec(line) ?? []])) {
        const found = findSpec(spec, name)
        if (found?.type !== 'supervisor' || found.autoShutdown === undefined || found.autoShutdown === 'never') continue
        ended[found.autoShutdown] += 1
        if (findSpec(spec, child)?.type === 'supervisor') ended.supervisors += 1
      }
    }
    for (const count of Object.values(ended)) expect(count, JSON.stringify(ended)).toBeGreaterThan(RUNS / 60)
  }, 300_000)

  it('takes an escalation for a clean end, so that a transient supervisor that gave up is gone; ours is started again [SUP-4]', async () => {
    const leaf = { restart: 'permanent', significant: false, brutal: false } as const
    const inner = {
      strategy: 'one_for_one',
      restart: 'transient',
      autoShutdown: 'never',
      intensity: { restarts: 0, withinMs: 100 },
    } as const
    const outer = { ...inner, restart: 'permanent', intensity: { restarts: 5, withinMs: 100 } } as const
    const shape = { ...outer, children: [{ ...inner, children: [leaf] }] }
    const script = { seed: 1, steps: [{ do: 'crash', child: 'root.0.0' }], fails: {} } as const
    const ours = comparable(await observedLog(OURS, specOf(shape, 'root'), script))
    const [otp = []] = runOtp([caseOf({ shape, script })])
    const same = ['started root.0.0$1', 'started root.0$1', 'started root$1', 'exited root.0.0$1 crashed', 'exited root.0$1 shutdown']
    expect(otp).toEqual([...same, 'exited root$1 shutdown'])
    expect(ours.slice(0, 7)).toEqual([...same, 'started root.0.0$2', 'started root.0$2'])
  }, 60_000)

  it('is told from an engine that allows one restart more [SUP-4]', () => {
    const scenarios = draw(['one_for_one', 'rest_for_one'], 3)
    const more = ({ shape, script }: Scenario): readonly string[] =>
      expectedLog(specOf({ ...shape, intensity: { ...shape.intensity, restarts: shape.intensity.restarts + 1 } }, 'root'), script)
    const otp = runOtp(scenarios.map(caseOf))
    expect(scenarios.filter((scenario, index) => comparable(more(scenario)).join() !== otp[index]?.join()).length).toBeGreaterThan(0)
  }, 300_000)
})
