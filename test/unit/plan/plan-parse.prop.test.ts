import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isSignalboxError } from '../../../src/protocols/errors.ts'
import { parsePlan, validatePlan } from '../../../src/protocols/plan-parse.ts'
import type { Plan } from '../../../src/protocols/plan.ts'

const planOrError = (attempt: () => Plan): Plan | null => {
  try {
    return attempt()
  } catch (error) {
    if (!isSignalboxError(error) || !error.code.startsWith('ERR_PLAN_')) throw error
    expect(error.message).not.toBe('')
    expect(error.context).toHaveProperty('problems')
    return null
  }
}

const WORDS = "lanes a b commands run after env : - { } [ ] ' &x *x !!str |\n >\n ? << # 1 ~ x é \\u0000 __proto__".split(' ')
const token = fc.constantFrom(...WORDS, ': ', '\n', '\n  ', '\n    ', ', ', '%YAML 1.2\n', '---\n', '...\n', '\t', '\0', '\ufeff', '\r')
const name = fc.stringMatching(/^[a-z][a-z0-9._-]{0,8}$/).filter((text) => !text.includes('..'))
const text = fc.string({ minLength: 1 }).filter((value) => value.trim() !== '' && !value.includes('\0'))
const command = fc.oneof(
  text,
  fc.record(
    {
      run: fc.oneof(
        text,
        fc.tuple(
          text,
          fc.string().filter((value) => !value.includes('\0')),
        ),
      ),
      restart: fc.constantFrom('permanent', 'transient', 'temporary'),
      graceMs: fc.nat(),
    },
    { requiredKeys: ['run'] },
  ),
)
const valid = fc.record(
  {
    lanes: fc.dictionary(
      name,
      fc.record(
        { commands: fc.array(command, { minLength: 1, maxLength: 4 }), base: text.filter((ref) => !/^-|[\r\n]/.test(ref)) },
        { requiredKeys: ['commands'] },
      ),
      {
        minKeys: 1,
        maxKeys: 4,
      },
    ),
    keep: fc.constantFrom('never', 'failed', 'always'),
    parallel: fc.integer({ min: 1, max: 1_000 }),
  },
  { requiredKeys: ['lanes'] },
)

describe('a plan', () => {
  it('is made from any text, or refused with a SignalboxError', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.array(token, { maxLength: 60 }).map((parts) => parts.join('')),
        ),
        (source) => {
          planOrError(() => parsePlan(source, 'p'))
        },
      ),
      { numRuns: 1_000 },
    )
  })

  it('is made from any value, or refused with a SignalboxError', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.anything(),
          fc.object().map((lanes) => ({ lanes })),
          fc.anything().map((lane) => ({ lanes: { a: lane } })),
        ),
        (value) => {
          planOrError(() => validatePlan(value))
        },
      ),
      { numRuns: 1_000 },
    )
  })

  it('has unique names of commands, safe as names of files', () => {
    fc.assert(
      fc.property(valid, (value) => {
        const plan = planOrError(() => validatePlan(value))
        for (const lane of plan?.lanes ?? []) {
          const names = lane.commands.map((each) => each.name.toLowerCase())
          expect(new Set(names).size).toBe(names.length)
          for (const each of names) expect(each).toMatch(/^(?!.*\.\.)[a-z0-9_][a-z0-9._-]{0,63}$/)
        }
        expect(plan?.lanes).toHaveLength(Object.keys(value.lanes).length)
      }),
      { numRuns: 300 },
    )
  })

  it('is the same from JSON and from the object', () => {
    fc.assert(
      fc.property(valid, (value) => {
        const again: unknown = JSON.parse(JSON.stringify(value))
        const byName = (plan: Plan | null) => plan && { ...plan, lanes: plan.lanes.toSorted((a, b) => (a.name < b.name ? -1 : 1)) }
        expect(byName(planOrError(() => parsePlan(JSON.stringify(value), 'p')))).toEqual(byName(planOrError(() => validatePlan(again))))
      }),
      { numRuns: 300 },
    )
  })
})
