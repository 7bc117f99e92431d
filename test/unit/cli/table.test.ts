import { describe, expect, it } from 'vitest'
import { table } from '../../../src/cli/table.ts'

const HEADING = ['NAME', 'ID', 'TEXT']
const ROWS = [
  ['a', 'ln_0123456789', 'short'],
  ['longer', 'ln_0', 'a text that is long'],
]

describe('table', () => {
  it('shows all where there is room, or nobody looks', () => {
    const lines = ['NAME    ID             TEXT', 'a       ln_0123456789  short', 'longer  ln_0           a text that is long']
    expect(table(HEADING, ROWS, Number.POSITIVE_INFINITY, 'ID')).toEqual(lines)
    expect(table(HEADING, ROWS, 42, 'ID')).toEqual(lines)
  })

  it('leaves out the column that is spare, then cuts the last, so that each row is one line', () => {
    expect(table(HEADING, ROWS, 27, 'ID')).toEqual(['NAME    TEXT', 'a       short', 'longer  a text that is long'])
    expect(table(HEADING, ROWS, 20, 'ID')).toEqual(['NAME    TEXT', 'a       short', 'longer  a text that…'])
    expect(table(HEADING, [['a', 'b', '漢字漢字']], 13, 'ID')).toEqual(['NAME  TEXT', 'a     漢字漢…'])
  })
})
