import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { editDistance, nearest } from '../../../src/protocols/suggest.ts'

describe('nearest', () => {
  it.each([
    ['comands', 'commands'],
    ['commnads', 'commands'],
    ['Commands', 'commands'],
    ['cpoy', 'copy'],
    ['bse', 'base'],
    ['environment', undefined],
    ['x', undefined],
    ['', undefined],
  ])('%j means %j', (word, expected) => expect(nearest(word, ['base', 'env', 'copy', 'after', 'commands'])).toBe(expected))
})

describe('editDistance', () => {
  it('counts letters inserted, removed, changed and swapped', () => {
    expect(editDistance('abc', 'abc', 3)).toBe(0)
    expect(editDistance('abc', 'acb', 3)).toBe(1)
    expect(editDistance('abc', 'xabcy', 3)).toBe(2)
    expect(editDistance('', 'abc', 3)).toBe(3)
  })

  it('is symmetric, zero only for equals, and never above its limit plus one', () => {
    const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 8 })
    fc.assert(
      fc.property(word, word, fc.nat(10), (a, b, limit) => {
        const distance = editDistance(a, b, limit)
        expect(distance).toBe(editDistance(b, a, limit))
        expect(distance === 0).toBe(a === b)
        expect(distance).toBeLessThanOrEqual(limit + 1)
      }),
    )
  })
})
