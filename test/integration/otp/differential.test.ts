import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ChildSpec, SupervisorSpec } from '../../../src/kernel/child-spec.ts'
import { observedLog } from '../../../src/testing/check-supervisor.ts'
import { OURS } from '../../../src/testing/simulate.ts'
import { type CrashScript, expectedLog } from '../../../src/testing/supervisor-model.ts'
import { otpScenarios, type Scenario, specOf } from '../../../property-tests/supervisor-otp.property.ts'

const RUNS = 60 * Number(process.env['SIGNALBOX_RUNS'] ?? 1)
const SCRIPT = join(import.meta.dirname, 'supervisor.escript')
const hasErlang = spawnSync('escript', ['--version']).error === undefined

const atom = (name: string): string => `'${name}'`
const tree = (spec: ChildSpec): string => {
  const { name, restart = 'permanent' } = spec
  if (spec.type === 'worker')
    return `{worker, ${atom(name)}, ${restart}, ${spec.significant === true}, ${spec.shutdown === 'brutal' ? 'brutal_kill' : 5000}}`
  const { strategy, autoShutdown = 'never', intensity, children = [] } = spec
  return `{sup, ${atom(name)}, ${strategy}, ${restart}, ${autoShutdown}, ${intensity?.restarts ?? 1}, [${children.map(tree).join(', ')}]}`
}
const term = (number: number, spec: SupervisorSpec, { steps, fails }: CrashScript): string => {
  const told = steps.flatMap((step) => (step.do === 'advance' ? [] : [`{${step.do}, ${atom(step.child)}}`]))
  const failing = Object.entries(fails).map(([name, starts]) => `{${atom(name)}, [${starts.join(', ')}]}`)
  return `{${number}, ${tree(spec)}, [${told.join(', ')}], [${failing.join(', ')}]}.`
}

/** What real OTP does in each scenario: starts and ends, in order. */
const runOtp = (scenarios: readonly Scenario[]): string[][] => {
  const place = mkdtempSync(join(tmpdir(), 'signalbox-otp-'))
  try {
    const file = join(place, 'scenarios.terms')
    writeFileSync(file, scenarios.map(({ shape, script }, index) => term(index, specOf(shape, 'root'), script)).join('\n'))
    const output = execFileSync('escript', [SCRIPT, file], { encoding: 'utf8', timeout: 240_000, maxBuffer: 1 << 26 })
    return output
      .split(/^# \d+\n/m)
      .slice(1)
      .map((part) => part.split('\n').filter((line) => line !== ''))
  } finally {
    rmSync(place, { recursive: true })
  }
}

/** OTP says nothing of its decisions, and calls an escalation `shutdown`. */
const comparable = (log: readonly string[]): string[] =>
  log.filter((line) => /^(started|exited) /.test(line)).map((line) => line.replace(/ escalated$/, ' shutdown'))

/** Without time: OTP counts in whole seconds, so the window never closes in these. */
const draw = (strategies: readonly string[], seed: number): Scenario[] => {
  const drawn = otpScenarios({ strategies: strategies as SupervisorSpec['strategy'][], restarts: ['permanent', 'temporary'] })
  return fc
    .sample(drawn, { numRuns: RUNS, seed })
    .map(({ shape, script }) => ({ shape, script: { ...script, steps: script.steps.filter((step) => step.do !== 'advance') } }))
}

describe.skipIf(!hasErlang)('real OTP (needs escript, of erlang-base)', () => {
  it('starts, stops and restarts random trees as ours does, in the same order [SUP-3, SUP-4, SUP-6]', async () => {
    const scenarios = draw(['one_for_one', 'one_for_all', 'rest_for_one'], 1)
    const otp = runOtp(scenarios)
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
    const otp = runOtp(scenarios)
    expect(otp).toHaveLength(RUNS)
    for (const [index, { shape, script }] of scenarios.entries())
      expect(comparable(expectedLog(specOf(shape, 'root'), script)), JSON.stringify({ shape, script })).toEqual(otp[index])
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
    const [otp = []] = runOtp([{ shape, script }])
    const same = ['started root.0.0$1', 'started root.0$1', 'started root$1', 'exited root.0.0$1 crashed', 'exited root.0$1 shutdown']
    expect(otp).toEqual([...same, 'exited root$1 shutdown'])
    expect(ours.slice(0, 7)).toEqual([...same, 'started root.0.0$2', 'started root.0$2'])
  }, 60_000)

  it('is told from an engine that allows one restart more [SUP-4]', () => {
    const scenarios = draw(['one_for_one', 'rest_for_one'], 3)
    const more = ({ shape, script }: Scenario): readonly string[] =>
      expectedLog(specOf({ ...shape, intensity: { ...shape.intensity, restarts: shape.intensity.restarts + 1 } }, 'root'), script)
    const otp = runOtp(scenarios)
    expect(scenarios.filter((scenario, index) => comparable(more(scenario)).join() !== otp[index]?.join()).length).toBeGreaterThan(0)
  }, 300_000)
})
