import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ClipboardFilter } from '../../../src/cli/clipboard-filter.ts'

const passed = (pieces: readonly string[]): string => {
  const filter = new ClipboardFilter()
  return pieces.map((piece) => Buffer.from(filter.pass(Buffer.from(piece, 'latin1'))).toString('latin1')).join('')
}
const SETS = ['\u001b]52;c;aGk=\u0007', '\u001b]52;;aGk=\u001b\\', '\u001b]052;c;?\u0007', '\u001b]52;c;aGk=\u0018']
const OTHERS = [
  'text',
  '\u001b[31m',
  '\u001b]0;52;title\u0007',
  '\u001b]8;;http://52\u001b\\',
  '\u001b]520;x\u0007',
  '\u001b7',
  '\u00c3\u00a9',
  '\u001b]5\u0007',
]

describe('what sets the clipboard', () => {
  it('is taken out of output, and nothing else, however it is cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...SETS, ...OTHERS), { maxLength: 12 }),
        fc.array(fc.integer({ min: 1, max: 9 })),
        (parts, cuts) => {
          const whole = parts.join('')
          const pieces: string[] = []
          let at = 0
          for (const cut of cuts) {
            pieces.push(whole.slice(at, at + cut))
            at += cut
          }
          pieces.push(whole.slice(at))
          expect(passed(pieces)).toBe(parts.filter((part) => !SETS.includes(part)).join(''))
        },
      ),
    )
  })

  it('does not take along the sequence that ends it, nor output after one that is too long to hold', () => {
    expect(passed(['\u001b]52;c;aGk=\u001b[1mbold'])).toBe('\u001b[1mbold')
    expect(passed(['\u001b]52;c;', 'A'.repeat(3_000_000), '\u0007after'])).toBe('after')
    expect(passed(['\u001b]52;c;aGk=\u001b]52;c;aGk=\u0007after'])).toBe('after')
  })
})
