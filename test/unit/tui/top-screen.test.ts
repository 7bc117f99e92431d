import { describe, expect, it } from 'vitest'
import { widthOf } from '../../../src/cli/text.ts'
import { HELP } from '../../../src/tui/top-screen.ts'

describe('the help of top', () => {
  it('has no line that is too wide for 80 columns', () => {
    expect(HELP.length).toBeGreaterThan(5)
    for (const line of HELP) expect(widthOf(line)).toBeLessThanOrEqual(80)
  })
})
