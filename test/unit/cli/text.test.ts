import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { painter } from '../../../src/cli/paint.ts'
import { count } from '../../../src/cli/plural.ts'
import { column, cut, duration, ordinal, plainLine, span, wholeSeconds, widthOf } from '../../../src/cli/text.ts'

describe('plainLine', () => {
  it('removes everything that could move the cursor, colour, or hide text', () => {
    expect(plainLine('\u001b[31mred\u001b[0m')).toBe('red')
    expect(plainLine('\u001b]0;title\u0007text')).toBe('text')
    expect(plainLine('a\rb\bc\n\u0085d\u2028')).toBe('abcd')
    expect(plainLine('a\u202eb\u2066c')).toBe('abc')
    expect(plainLine('a\tb  ')).toBe('a  b')
  })

  it('leaves no control character of any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(plainLine(text)).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/)
      }),
    )
  })
})

describe('cut', () => {
  it('cuts by columns of the terminal, not by characters', () => {
    expect(cut('abcdef', 4)).toBe('abc…')
    expect(cut('abcd', 4)).toBe('abcd')
    expect(cut('日本語', 4)).toBe('日…')
    expect(cut('日本', 4)).toBe('日本')
    expect(cut('👩‍👩‍👧x', 2)).toBe('…')
    expect(cut('x', 0)).toBe('')
  })

  it('never exceeds the columns, and column fills them exactly', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }).map(plainLine), fc.integer({ min: 1, max: 30 }), (text, columns) => {
        expect(widthOf(cut(text, columns))).toBeLessThanOrEqual(columns)
        expect(widthOf(column(text, columns))).toBe(columns)
      }),
      { numRuns: 500 },
    )
  })

  it('is quick with a line of a megabyte', () => {
    expect(cut('é'.repeat(1_000_000), 10)).toBe(`${'é'.repeat(9)}…`)
  })
})

describe('texts for people', () => {
  it.each([
    [0, '0.0s'],
    [1_234, '1.2s'],
    [59_940, '59.9s'],
    [59_990, '59.9s'],
    [60_000, '1m00s'],
    [125_000, '2m05s'],
    [3_599_999, '59m59s'],
    [3_720_000, '1h02m'],
    [-5, '0.0s'],
  ])('%d ms is %s', (ms, text) => expect(duration(ms)).toBe(text))

  it('shows whole seconds where the screen should stay calm', () => {
    expect(wholeSeconds(999)).toBe('0s')
    expect(wholeSeconds(12_900)).toBe('12s')
    expect(wholeSeconds(61_000)).toBe('1m01s')
  })

  it('counts', () => {
    expect([1, 2, 3, 4, 11, 12, 13, 21, 102, 111].map(ordinal)).toEqual([
      '1st',
      '2nd',
      '3rd',
      '4th',
      '11th',
      '12th',
      '13th',
      '21st',
      '102nd',
      '111th',
    ])
    expect([count(1, 'lane'), count(2, 'lane'), count(0, 'branch')]).toEqual(['1 lane', '2 lanes', '0 branches'])
    expect([span(60_000), span(1_500), span(0)]).toEqual(['60 s', '1500 ms', '0 ms'])
  })

  it('colours only when asked to', () => {
    expect(painter(false)('red', 'x')).toBe('x')
    expect(painter(true)('red', 'x')).toBe('\u001b[31mx\u001b[39m')
  })
})
