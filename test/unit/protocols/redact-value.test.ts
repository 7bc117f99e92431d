import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { redactValue } from '../../../src/protocols/redact-value.ts'

describe('redactValue', () => {
  it('masks what has the name of a secret, all of an environment, and secrets in texts and arguments [SUP-9]', () => {
    const value = {
      user: 'tess',
      password: 'hunter2',
      nested: [{ apiKey: 12345, note: 'Bearer abcdefghijklmnopqrst' }],
      baseEnv: { HOME: '/home/tess', PATH: '/bin' },
      env: { A: 'b' },
      argv: ['agent', '--token', 'abc', '-v', '--name', 'x'],
      token: null,
    }
    expect(redactValue(value)).toEqual({
      user: 'tess',
      password: '[masked]',
      nested: [{ apiKey: '[masked]', note: 'Bearer [masked]' }],
      baseEnv: { HOME: '[masked]', PATH: '[masked]' },
      env: { A: '[masked]' },
      argv: ['agent', '--token', '[masked]', '-v', '--name', 'x'],
      token: null,
    })
  })

  it('names what is no data, and survives what cannot be read [SUP-9]', () => {
    const circular: Record<string, unknown> = { name: 'c' }
    circular['self'] = circular
    const nasty = {
      get boom(): never {
        throw new Error('no')
      },
    }
    class Live {
      readonly secret = 'x'
    }
    expect(
      redactValue({
        circular,
        nasty,
        live: new Live(),
        act: () => 1,
        bytes: new Uint8Array(7),
        big: 7n,
        nan: NaN,
        none: undefined,
        map: new Map([['token', 'x']]),
        set: new Set([1]),
        proxy: new Proxy(
          {},
          {
            ownKeys: () => {
              throw new Error('no')
            },
          },
        ),
      }),
    ).toEqual({
      circular: { name: 'c', self: '[circular]' },
      nasty: '[unreadable]',
      live: '[Live]',
      act: '[function]',
      bytes: '[7 bytes]',
      big: '7',
      nan: 'NaN',
      none: 'undefined',
      map: { token: '[masked]' },
      set: [1],
      proxy: '[unreadable]',
    })
    expect(redactValue(new TypeError('bad', { cause: 'x' }))).toMatchObject({ name: 'TypeError', message: 'bad', cause: 'x' })
  })

  it('is plain JSON of bounded size, whatever it is given [SUP-9]', () => {
    const deep = (levels: number): unknown => (levels === 0 ? 'x' : { in: deep(levels - 1) })
    const huge = Array.from({ length: 200 }, () => Array.from({ length: 200 }, () => 'x'.repeat(5_000)))
    for (const value of [deep(5_000), huge, 'x'.repeat(1_000_000)]) expect(JSON.stringify(redactValue(value)).length).toBeLessThan(200_000)
    fc.assert(
      fc.property(
        fc.anything({ withBigInt: true, withMap: true, withSet: true, withNullPrototype: true, withTypedArray: true }),
        (value) => {
          const text = JSON.stringify(redactValue(value))
          expect(JSON.stringify(JSON.parse(text))).toBe(text)
        },
      ),
    )
  })
})
