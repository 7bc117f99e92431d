import assert from 'node:assert/strict'
import fc from 'fast-check'
import { createIdFactory, type IdFactory, isId, parseId } from '../../src/protocols/id-factory.ts'
import { ID_PREFIXES, type IdKind } from '../../src/protocols/ids.ts'
import { property } from '../../src/testing/property.ts'
import type { Planted, Proven } from '../proven.ts'

type Call = { readonly kind: IdKind; readonly now: number; readonly random: number }
type Make = typeof createIdFactory

/** A clock that stands, jumps and goes back; randomness at its edges as often as within. */
const calls: fc.Arbitrary<Call[]> = fc.array(
  fc.record({
    kind: fc.constantFrom(...(Object.keys(ID_PREFIXES) as IdKind[])),
    now: fc.oneof(fc.constantFrom(0, 1, 1_700_000_000_000), fc.integer({ min: 0, max: 2 ** 47 })),
    random: fc.oneof(fc.constantFrom(0, 0.999_999_999), fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })),
  }),
  { minLength: 1, maxLength: 60 },
)

const ULID_LENGTH = 26

const idsHold =
  (make: Make) =>
  (scenario: readonly Call[]): void => {
    let present = scenario[0]
    const ids = make({ clock: { now: () => present?.now ?? 0 }, random: { next: () => present?.random ?? 0 } })
    const made = scenario.map((each) => {
      present = each
      const id = ids.next(each.kind)
      assert.equal(parseId(each.kind, id), id)
      assert.equal(encodeURIComponent(id), id)
      return id.slice(-ULID_LENGTH)
    })
    assert.deepEqual(made, made.toSorted())
    assert.equal(new Set(made).size, made.length)
  }

/** A factory with a bug around ours. */
const planted = (name: string, change: (make: Make) => Make): Planted<Call[]> => ({
  name,
  with: (use) => use(idsProperty(change(createIdFactory))),
})
const changed =
  (change: (ids: IdFactory, options: Parameters<Make>[0]) => IdFactory) =>
  (make: Make): Make =>
  (options) =>
    change(make(options), options)
const RUNS = 500
const idsProperty = (make: Make) =>
  property('ids are ascending, unique, valid and safe in a URL whatever clock and randomness do [ID-1]', calls, idsHold(make), {
    runs: RUNS,
  })

export const idsAscend: Proven<Call[]> = {
  ...idsProperty(createIdFactory),
  area: 'ids',
  bugs: [
    // A new factory for each id: nothing is remembered.
    planted('not monotonic', (make) => (options) => ({ next: (kind) => make(options).next(kind) })),
    planted(
      'an id given twice',
      changed((ids) => {
        let last: { kind: IdKind; id: string } | null = null
        return {
          next: ((kind: IdKind) => {
            const id: string = last?.kind === kind ? last.id : ids.next(kind)
            last = last?.kind === kind ? null : { kind, id }
            return id
          }) as IdFactory['next'],
        }
      }),
    ),
    planted(
      'small letters',
      changed((ids) => ({ next: ((kind: IdKind) => ids.next(kind).toLowerCase()) as IdFactory['next'] })),
    ),
    planted(
      'the prefix of another kind',
      changed((ids) => ({ next: ((kind: IdKind) => ids.next(kind === 'pty' ? 'lane' : kind)) as IdFactory['next'] })),
    ),
  ],
  control: planted('wrapped without a bug', (make) => (options) => make(options)),
}

type Change = { readonly index: number; readonly character: string }
const ALPHABET = new Set('0123456789ABCDEFGHJKMNPQRSTVWXYZ')
const VALID = '01J9ZC3K6Q4WZP2J9ZC3K6Q4WZ'
const changes: fc.Arbitrary<Change> = fc.record({
  index: fc.nat(ULID_LENGTH - 1),
  // Any, or one that a check by letters and digits would let through.
  character: fc.oneof(fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }), fc.constantFrom(...Array.from('ILOUilou8z'))),
})
const toldProperty = (told: typeof isId) =>
  property(
    'ids are told from any other text: one changed character is noticed or makes another valid id [ID-1]',
    changes,
    ({ index, character }) => {
      const text = `ln_${VALID.slice(0, index)}${character}${VALID.slice(index + 1)}`
      assert.equal(told('lane', text), ALPHABET.has(character) && (index > 0 || character <= '7'), text)
    },
    { runs: RUNS },
  )
const plantedTold = (name: string, told: (kind: IdKind, text: string) => boolean): Planted<Change> => ({
  name,
  with: (use) => use(toldProperty(told as typeof isId)),
})

export const idsTold: Proven<Change> = {
  ...toldProperty(isId),
  area: 'ids',
  bugs: [
    plantedTold('any letter taken', (_kind, text) => /^ln_[0-7][0-9A-Z]{25}$/.test(text)),
    plantedTold('time beyond 48 bits taken', (_kind, text) => /^ln_[0-9A-HJKMNP-TV-Z]{26}$/.test(text)),
    plantedTold('small letters taken', (kind, text) => isId(kind, `ln_${text.slice(3).toUpperCase()}`)),
  ],
  control: plantedTold('wrapped without a bug', (kind, text) => isId(kind, text)),
}
