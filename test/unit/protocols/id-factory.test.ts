import { describe, expect, it } from 'vitest'
import { createIdFactory, isId, parseId } from '../../../src/protocols/id-factory.ts'
import { ID_PREFIXES, type IdKind } from '../../../src/protocols/ids.ts'

const at = (...times: number[]) => {
  let index = 0
  return { now: () => times[Math.min(index++, times.length - 1)] ?? 0 }
}
const KINDS = Object.keys(ID_PREFIXES) as IdKind[]
const ULID = '01J9ZC3K6Q4WZP2J9ZC3K6Q4WZ'

describe('id factory', () => {
  it('makes an id of every kind that parses as that kind and as no other [ID-1]', () => {
    const ids = createIdFactory({ clock: at(1_700_000_000_000), random: { next: () => 0.5 } })
    for (const kind of KINDS) {
      const id = ids.next(kind)
      expect(id).toMatch(new RegExp(`^${ID_PREFIXES[kind]}_[0-9A-HJKMNP-TV-Z]{26}$`))
      expect(parseId(kind, id)).toBe(id)
      expect(KINDS.filter((other) => isId(other, id))).toEqual([kind])
    }
  })

  it('takes time and randomness only from what it is given [ID-1]', () => {
    const make = () => createIdFactory({ clock: at(0), random: { next: () => 0 } })
    expect(make().next('lane')).toBe('ln_00000000010000000000000000')
    expect(make().next('lane')).toBe(make().next('lane'))
  })

  it('goes on ascending when the clock goes back, and over all kinds [ID-1]', () => {
    const ids = createIdFactory({ clock: at(5_000, 4_000, 3_000, 5_001, 1), random: { next: () => 0.3 } })
    const made = ['lane', 'run', 'lane', 'pty', 'lane'].map((kind) => ids.next(kind as IdKind).slice(-26))
    expect(made).toEqual(made.toSorted())
    expect(new Set(made).size).toBe(5)
  })

  it('borrows from the next millisecond when the random part is used up [ID-1]', () => {
    const ids = createIdFactory({ clock: at(1_000), random: { next: () => 0.999_999 } })
    const made = [1, 2, 3].map(() => ids.next('run'))
    expect(made[0]).toMatch(/Z{16}$/)
    expect(made).toEqual(made.toSorted())
    expect(new Set(made).size).toBe(3)
  })

  it.each([0, -1, 1.5, 2 ** 48 - 1, 2 ** 60, Number.POSITIVE_INFINITY])('makes a valid id at the time %s', (time) => {
    const ids = createIdFactory({ clock: at(time), random: { next: () => 0.1 } })
    expect(isId('run', ids.next('run'))).toBe(true)
    expect(isId('run', ids.next('run'))).toBe(true)
  })
})

describe('parseId', () => {
  const wrong = {
    nothing: '',
    'no prefix': ULID,
    'another prefix': `rn_${ULID}`,
    'a prefix in upper case': `LN_${ULID}`,
    'lower case': `ln_${ULID.toLowerCase()}`,
    'too short': `ln_${ULID.slice(1)}`,
    'too long': `ln_${ULID}0`,
    'a first digit that overflows 128 bits': `ln_8${ULID.slice(1)}`,
    'letters that Crockford leaves out': `ln_${ULID.slice(0, -1)}I`,
    'a line feed at the end': `ln_${ULID}\n`,
    'a space before': ` ln_${ULID}`,
    'a path': `ln_../../../../../../etc/pwd`,
  }
  it.each(Object.entries(wrong))('refuses %s [ID-1]', (_, text) => {
    expect(isId('lane', text)).toBe(false)
    const refusal = expect.objectContaining({ code: 'ERR_ID_INVALID', context: { kind: 'lane', text } }) as Error
    expect(() => parseId('lane', text)).toThrow(refusal)
  })

  it('shortens what it quotes', () => {
    expect(() => parseId('lane', 'x'.repeat(10_000))).toThrow(/^.{1,200}$/)
  })
})
