import type { ExitRules } from './plan.ts'
import type { ShapedRules } from './plan-classify.schema.ts'

/** Another try cannot help what is not there or not let in, and must wait where one was told to. */
const DEFAULT_RULES: ExitRules = {
  decide: {
    notExecutable: 'stop',
    authentication: 'stop',
    rateLimited: 'wait',
    memory: 'restart',
    signal: 'restart',
    failure: 'restart',
  },
  texts: { authentication: [], rateLimited: [], memory: [] },
  usual: true,
  wait: { minMs: 60_000, maxMs: 3_600_000, times: 10 },
}

const given = <T extends object>(values: T): { [K in keyof T]: NonNullable<T[K]> } =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as never

/** What a command says wins over what its plan says, key by key; the rest is as usual. */
export const exitRules = (plan: ShapedRules, command: ShapedRules): ExitRules =>
  [plan, command].reduce<ExitRules>(
    (rules, own) => ({
      decide: { ...rules.decide, ...given(own?.decide ?? {}) },
      texts: { ...rules.texts, ...given(own?.texts ?? {}) },
      usual: own?.usual ?? rules.usual,
      wait: { ...rules.wait, ...given(own?.wait ?? {}) },
    }),
    DEFAULT_RULES,
  )
