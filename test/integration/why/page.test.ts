import { describe, expect, it } from 'vitest'
import { headings } from './page.ts'

describe('docs/reference/why.md', () => {
  it('has every planted failure once, in order, and nothing else [SUP-9]', () => {
    const { onPage, planted } = headings()
    expect(planted.length).toBeGreaterThanOrEqual(20)
    if (process.env['WHY_PAGE'] !== 'write') expect(onPage).toEqual(planted)
  })
})
