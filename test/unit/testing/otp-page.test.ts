import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

const reference = join(import.meta.dirname, '../../../docs/reference')
const rows = readFileSync(join(reference, 'otp.md'), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| OTP'))
  .map((line) => line.slice(2, -2).split(/ *\| */))

describe('docs/reference/otp.md', () => {
  it('says of each behaviour whether it is the same, and why not [SUP-3]', () => {
    expect(rows.length).toBeGreaterThan(40)
    for (const [otp = '', verdict = '', why = ''] of rows) {
      expect(['same', 'better', 'different'], otp).toContain(verdict.trim())
      if (verdict.trim() !== 'same') expect(why.trim(), otp).not.toBe('')
    }
  })

  it('names for each a test that there is [SUP-3]', () => {
    for (const row of rows) {
      const [, file = '', title = ''] = /^\[[\w -]+\]\(([^)]+)\): (.+)$/.exec(row.at(-1)?.trim() ?? '') ?? []
      expect(title, row.join(' | ')).not.toBe('')
      expect(readFileSync(join(reference, file), 'utf8'), row.join(' | ')).toContain(`'${title} [`)
    }
  })
})
