import { describe, expect, it } from 'vitest'
import { isSignalboxError } from '../../../src/protocols/errors.ts'
import { validatePlan } from '../../../src/protocols/plan-parse.ts'
import type { ExitRules } from '../../../src/protocols/plan.ts'

const rules = (plan: object, command: object): ExitRules | undefined =>
  validatePlan({ ...plan, lanes: { a: { commands: [{ run: 'x', ...command }] } } }).lanes[0]?.commands[0]?.classify
const refusal = (classify: unknown): string => {
  try {
    rules({}, { classify })
  } catch (error) {
    if (isSignalboxError(error)) return `${error.code}: ${error.message}`
  }
  return 'taken'
}

describe('classify in a plan', () => {
  it('has its defaults in every command, short form included [SUP-9]', () => {
    const usual = {
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
    expect(rules({}, {})).toEqual(usual)
    expect(validatePlan({ lanes: { a: { commands: ['x'] } } }).lanes[0]?.commands[0]?.classify).toEqual(usual)
  })

  it('is taken from the command, then from the plan, key by key [SUP-9]', () => {
    const plan = {
      classify: { decide: { memory: 'stop', failure: 'stop' }, texts: { memory: ['no room'] }, usual: false, wait: { minMs: 5 } },
    }
    const made = rules(plan, {
      classify: { decide: { failure: 'restart' }, texts: { authentication: ['who are you'] }, wait: { times: 1 } },
    })
    expect(made).toMatchObject({
      decide: { memory: 'stop', failure: 'restart', authentication: 'stop' },
      texts: { memory: ['no room'], authentication: ['who are you'], rateLimited: [] },
      usual: false,
      wait: { minMs: 5, maxMs: 3_600_000, times: 1 },
    })
  })

  it.each([
    [{ decide: { auth: 'stop' } }, 'ERR_PLAN_UNKNOWN_KEY'],
    [{ decide: { memory: 'escalate' } }, 'must be restart, wait or stop'],
    [{ texts: { memory: [''] } }, 'must be a text of 3 to 200 characters'],
    [{ texts: { memory: ['   a  '] } }, 'must be a text of 3 to 200 characters'],
    [{ texts: { memory: ['x'.repeat(201)] } }, 'must be a text of 3 to 200 characters'],
    [{ texts: { memory: ['/(a+)+$/i'] } }, 'is a regular expression'],
    [{ texts: { memory: Array.from({ length: 101 }, () => 'abc') } }, 'more than 100 texts'],
    [{ wait: { minMs: -1 } }, 'whole number of milliseconds'],
    [{ wait: { times: 1.5 } }, 'whole number of waits'],
    [{ usual: 'no' }, 'true or false'],
  ])('refuses %j [SUP-9]', (classify, why) => expect(refusal(classify)).toContain(why))
})
