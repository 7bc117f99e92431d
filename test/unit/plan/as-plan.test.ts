import { describe, expect, it } from 'vitest'
import { asPlan, parsePlan } from '../../../src/protocols/plan-parse.ts'

const TEXT = 'lanes: { a: { commands: [x] } }'

describe('asPlan', () => {
  it('takes a plan that was checked as it is', () => {
    const plan = parsePlan(TEXT, 'plan.yaml')
    expect(asPlan(plan)).toBe(plan)
  })
  it('checks the form of a file', () => {
    expect(asPlan({ lanes: { a: { commands: ['x'] } } })).toEqual(parsePlan(TEXT, 'plan.yaml'))
  })
  it('refuses what only looks like a plan', () => {
    expect(() => asPlan({ ...parsePlan(TEXT, 'plan.yaml') })).toThrow(expect.objectContaining({ code: 'ERR_PLAN_INVALID' }))
    for (const value of [null, undefined, 1, 'x', [], { lanes: [] }, { lanes: [{ name: '../../etc', commands: [] }] }]) {
      expect(() => asPlan(value)).toThrow(expect.objectContaining({ code: expect.stringMatching(/^ERR_PLAN_/u) as string }))
    }
  })
})
