import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createIdFactory, isId, parseId } from '../../src/protocols/id-factory.ts'
import { ID_PREFIXES, type IdKind } from '../../src/protocols/ids.ts'

const NUM_RUNS = 100 * Number(process.env['SIGNALBOX_RUNS'] ?? '1')
const kind = fc.constantFrom(...(Object.keys(ID_PREFIXES) as IdKind[]))
/** A clock that stands, jumps and goes back; randomness at its edges as often as within. */
const call = fc.record({
  kind,
  now: fc.oneof(fc.constantFrom(0, 1, 1_700_000_000_000), fc.integer({ min: 0, max: 2 ** 47 })),
  random: fc.oneof(fc.constantFrom(0, 0.999_999_999), fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })),
})

describe('ids', () => {
  it('are ascending, unique, valid and safe in a URL whatever clock and randomness do [ID-1]', () => {
    fc.assert(
      fc.property(fc.array(call, { minLength: 1, maxLength: 60 }), (calls) => {
        let present = calls[0]
        const ids = createIdFactory({ clock: { now: () => present?.now ?? 0 }, random: { next: () => present?.random ?? 0 } })
        const made = calls.map((each) => {
          present = each
          const id = ids.next(each.kind)
          expect(parseId(each.kind, id)).toBe(id)
          expect(encodeURIComponent(id)).toBe(id)
          return id.slice(-26)
        })
        expect(made).toEqual(made.toSorted())
        expect(new Set(made).size).toBe(made.length)
      }),
      { numRuns: NUM_RUNS },
    )
  })

  it('are told from any other text: one changed character is noticed or makes another valid id [ID-1]', () => {
    const alphabet = new Set('0123456789ABCDEFGHJKMNPQRSTVWXYZ')
    fc.assert(
      fc.property(fc.nat(25), fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }), (index, character) => {
        const ulid = '01J9ZC3K6Q4WZP2J9ZC3K6Q4WZ'
        const text = `ln_${ulid.slice(0, index)}${character}${ulid.slice(index + 1)}`
        expect(isId('lane', text)).toBe(alphabet.has(character) && (index > 0 || character <= '7'))
      }),
      { numRuns: NUM_RUNS },
    )
  })
})
