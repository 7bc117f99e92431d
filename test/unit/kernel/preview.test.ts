import { describe, expect, it } from 'vitest'
import { preview } from '../../../src/kernel/preview.ts'

describe('preview', () => {
  it('shows a message in one short line [SUP-9]', () => {
    expect(preview({ n: 1, text: 'a "b"', list: [1, null, undefined], deep: { yes: true }, none: {}, empty: [] })).toBe(
      '{ n: 1, text: "a \\"b\\"", list: [ 1, null, undefined ], deep: { yes: true }, none: {}, empty: [] }',
    )
    expect(preview({ at: new Map(), bytes: new Uint8Array(9), error: new TypeError('no'), f: () => 1, big: 1n, symbol: Symbol('s') })).toBe(
      '{ at: ‹Map›, bytes: ‹Uint8Array›, error: ‹TypeError: no›, f: ‹function›, big: 1, symbol: Symbol(s) }',
    )
  })

  it('stays short, however large or deep a message is, and whatever refers to itself [SUP-9]', () => {
    const round: Record<string, unknown> = {}
    round['self'] = round
    const wide = Object.fromEntries(Array.from({ length: 1_000 }, (_, index) => [`key${index}`, 'x'.repeat(10_000)]))
    expect(preview(round)).toBe('{ self: { self: { self: {…} } } }')
    for (const value of [wide, Object.values(wide), 'x'.repeat(1e7), { wide: { wide: { wide } } }]) {
      expect(preview(value).length).toBeLessThanOrEqual(400)
    }
    expect(preview(Array.from({ length: 20 }, (_, index) => index))).toBe('[ 0, 1, 2, 3, 4, 5, 6, 7, … 12 more ]')
  })

  it('leaves out what looks like a secret, by its name or its form [SUP-9]', () => {
    const text = preview({
      apiKey: 'k-1',
      env: { GITHUB_TOKEN: 't-1', DB_PASSWORD: 'p-1', PATH: '/bin' },
      line: 'curl -H "Authorization: Bearer abc.def.0123456789" # ghp' + '_0123456789abcdef0123456789',
      list: [
        'sk-ant' + '-api03-0123456789',
        ['AKIA', '0123456789ABCDEF'].join(''),
        '--token=v-1',
        'DB_PASSWORD=v-2 x',
        ['https://me', 'v-3@host/path'].join(':'),
      ],
    })
    for (const secret of ['k-1', 't-1', 'p-1', 'abc.def', 'ghp_0', 'sk-ant', 'AKIA0', 'v-1', 'v-2', 'v-3'])
      expect(text).not.toContain(secret)
    expect(text).toContain('PATH: "/bin"')
    // One that lies across the place where a text is cut.
    expect(preview(`${'x'.repeat(70)} ghp` + '_0123456789abcdef0123456789')).not.toContain('ghp_')
  })

  it('calls nothing of what it shows, and never throws [SUP-8]', () => {
    let called = 0
    const getter = Object.defineProperty({}, 'x', { enumerable: true, get: () => (called += 1) })
    const text = { toString: () => (called += 1), toJSON: () => (called += 1) }
    expect(preview({ getter, text })).toContain('x: ‹getter›')
    expect(called).toBe(0)
    expect(
      preview(
        new Proxy(
          {},
          {
            ownKeys: () => {
              throw new Error('no')
            },
          },
        ),
      ),
    ).toBe('‹cannot be shown›')
  })
})
