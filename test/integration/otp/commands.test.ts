import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ChildSpec, SupervisorSpec } from '../../../src/kernel/child-spec.ts'
import { lineOf, puppets } from '../../../src/testing/check-supervisor.ts'
import { simulate, type SimulationStep } from '../../../src/testing/simulate.ts'
import type { TraceEvent } from '../../../src/testing/trace.ts'
import { otpScenarios, specOf } from '../../../property-tests/supervisor-otp.property.ts'
import { type Case, type Command, comparable, findSpec, hasErlang, isCommand, runOtp } from './real-otp.ts'

const RUNS = 60 * Number(process.env['SIGNALBOX_RUNS'] ?? 1)
const ASKED = ['terminate', 'restart', 'restart', 'delete', 'start'] as const

const childrenOf = (spec: SupervisorSpec): Omit<Command, 'do'>[] =>
  (spec.children ?? []).flatMap((child) => [
    { child: child.name, under: spec.name },
    ...(child.type === 'supervisor' ? childrenOf(child) : []),
  ])

/** Trees that crash, end and fail to start while their children are terminated, restarted, deleted and added. */
const cases: fc.Arbitrary<Case> = otpScenarios({
  strategies: ['one_for_one', 'one_for_all', 'rest_for_one'],
  restarts: ['permanent', 'temporary'],
}).chain(({ shape, script }) => {
  const spec = specOf({ ...shape, intensity: { ...shape.intensity, restarts: 4 } }, 'root')
  const command = fc
    .tuple(fc.constantFrom(...ASKED), fc.constantFrom(...childrenOf(spec)))
    .map(([what, whom]): Command => ({ do: what, ...whom }))
  const happening = script.steps.filter((step) => step.do !== 'advance').slice(0, 4)
  return fc
    .array(command, { minLength: 4, maxLength: 14, size: 'max' })
    .chain((commands) => fc.shuffledSubarray([...commands, ...happening], { minLength: commands.length }))
    .map((steps) => ({ spec, steps, fails: script.fails }))
})

const textOf: Readonly<Record<string, string>> = {
  ERR_SUPERVISOR_CHILD_NOT_FOUND: 'not_found',
  ERR_SUPERVISOR_CHILD_RUNS: 'running',
  ERR_SUPERVISOR_CHILD_EXISTS: 'taken',
  ERR_ACTOR_INIT_FAILED: 'start_failed',
  ERR_ACTOR_NOT_FOUND: 'gone',
}
const answerOf = (one: TraceEvent): string[] => {
  if (one.event === 'answered') return ['answer ok']
  return one.event === 'refused' ? [`answer ${textOf[one.error] ?? one.error}`] : []
}
const messageOf = (tree: SupervisorSpec, { do: what, child }: Command): object =>
  what === 'start' ? { spec: findSpec(tree, child) as ChildSpec } : { name: child }

/** What our supervisors do and answer. */
const ours = async ({ spec, steps, fails }: Case): Promise<string[]> => {
  const tree = puppets(spec, { seed: 1, steps: [], fails })
  const all = steps.flatMap((step): SimulationStep[] => {
    if (step.do === 'advance') return []
    if (!isCommand(step)) return [{ do: 'tell', to: step.child, type: step.do, message: {} }, { do: 'settle' }]
    return [{ do: 'ask', to: step.under, type: `supervisor.${step.do}-child`, message: messageOf(tree, step) }, { do: 'settle' }]
  })
  const { trace } = await simulate({ seed: 1, tree, steps: all })
  return [...comparable(trace.flatMap(lineOf)), ...trace.flatMap(answerOf)]
}

/** OTP says whether a child of the id runs; ours that the name is taken. */
const said = (lines: readonly string[]): string[] => lines.map((line) => line.replace(/^answer already_(present|started)$/, 'answer taken'))

describe.skipIf(!hasErlang)('real OTP (needs escript, of erlang-base)', () => {
  it('terminates, restarts, deletes and adds children, and answers, as ours does, between crashes and failed starts [SUP-3, SUP-4]', async () => {
    const drawn = fc.sample(cases, { numRuns: RUNS, seed: 4 })
    const otp = runOtp(drawn)
    expect(otp).toHaveLength(RUNS)
    for (const [index, each] of drawn.entries()) expect(await ours(each), JSON.stringify(each, null, 1)).toEqual(said(otp[index] ?? []))
    // Every answer comes up, so that none is compared in vain.
    const answers = new Set(otp.flat().filter((line) => line.startsWith('answer')))
    expect([...answers].toSorted()).toEqual(
      ['already_present', 'already_started', 'gone', 'not_found', 'ok', 'running', 'start_failed'].map((text) => `answer ${text}`),
    )
  }, 300_000)
})
