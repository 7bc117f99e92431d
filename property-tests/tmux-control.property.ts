import fc from 'fast-check'
import { expect } from 'vitest'
import type * as Parsers from '../src/adapters/tmux/control-parser.ts'
import { ControlParser } from '../src/adapters/tmux/control-parser.ts'
import type * as Words from '../src/adapters/tmux/last-words.ts'
import { LastWords } from '../src/adapters/tmux/last-words.ts'
import { type Property, property } from '../src/testing/property.ts'
import { chunked, cutsUpTo } from './chunks.ts'
import { type Mutant, withMutantSources } from './engine.ts'
import type { Planted, Proven } from './proven.ts'

/** What tmux may say, and what is to be understood of it. */
type Said =
  | { readonly kind: 'output'; readonly pane: string; readonly bytes: readonly number[] }
  | {
      readonly kind: 'reply'
      readonly ok: boolean
      readonly own: boolean
      readonly id: number
      readonly lines: readonly (readonly number[])[]
    }
  | { readonly kind: 'notice'; readonly name: string; readonly rest: string }

const LINE_FEED = 0x0a
const pane = fc.nat({ max: 1_000 }).map((number) => `%${number}`)
const bytesOf = (text: string): number[] => [...Buffer.from(text)]
const anyBytes = fc.oneof(
  fc.array(fc.nat({ max: 255 }), { maxLength: 40 }),
  fc.constantFrom('%end 1 2 1', '%output %1 x', '\\033', '\\\\', '\\12', '%exit\n').map(bytesOf),
)
/** A captured row is anything, also what looks like the end of an answer to another command. */
const row = fc.oneof(
  anyBytes.map((bytes) => bytes.filter((byte) => byte !== LINE_FEED)),
  fc.tuple(fc.constantFrom('end', 'error', 'begin'), fc.nat({ max: 3 })).map(([word, id]) => bytesOf(`%${word} 17 ${id} 1`)),
)
const said: fc.Arbitrary<Said> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('output' as const), pane, bytes: anyBytes }) },
  fc.record({
    kind: fc.constant('reply' as const),
    ok: fc.boolean(),
    own: fc.boolean(),
    id: fc.integer({ min: 10, max: 99 }),
    lines: fc.array(row, { maxLength: 4 }),
  }),
  fc.record({
    kind: fc.constant('notice' as const),
    name: fc.constantFrom('window-add', 'window-close', 'sessions-changed', 'layout-change', 'exit', 'outputs'),
    rest: fc.constantFrom('', '@3', '@1 b8e6,80x24,0,0,1 x', 'ü 語'),
  }),
)

/** As control.c of tmux 3.3 writes it. */
const encode = (one: Said): Buffer => {
  if (one.kind === 'notice') return Buffer.from(`%${one.name}${one.rest === '' ? '' : ` ${one.rest}`}\n`)
  if (one.kind === 'reply') {
    const numbers = `17 ${one.id} ${one.own ? 1 : 0}`
    const lines = one.lines.flatMap((line) => [...line, LINE_FEED])
    return Buffer.concat([Buffer.from(`%begin ${numbers}\n`), Buffer.from(lines), Buffer.from(`%${one.ok ? 'end' : 'error'} ${numbers}\n`)])
  }
  const text = one.bytes.flatMap((byte) => (byte < 0x20 || byte === 0x5c ? bytesOf(`\\${byte.toString(8).padStart(3, '0')}`) : [byte]))
  return Buffer.concat([Buffer.from(`%output ${one.pane} `), Buffer.from(text), Buffer.from('\n')])
}

const cuts = cutsUpTo(30)

type Stream = [Said[], number[]]
type Parts = Pick<typeof Parsers, 'ControlParser'> & Pick<typeof Words, 'LastWords'>

const understands = ({ ControlParser: Parser }: Parts): Property<Stream> =>
  property(
    'what tmux says is understood byte for byte, however it is chunked [PTY-11]',
    fc.tuple(fc.array(said, { maxLength: 8 }), cuts),
    ([all, at]) => {
      const seen: { said: Omit<Said, 'id'>; lines: readonly Buffer[] }[] = []
      const parser = new Parser({
        output: (from, bytes) => seen.push({ said: { kind: 'output', pane: from, bytes: [...bytes] } as Said, lines: [] }),
        reply: ({ ok, own, lines }) => seen.push({ said: { kind: 'reply', ok, own } as Omit<Said, 'id'>, lines }),
        notice: (name, rest) => seen.push({ said: { kind: 'notice', name, rest } as Said, lines: [] }),
      })
      for (const chunk of chunked(Buffer.concat(all.map(encode)), at)) parser.push(chunk)
      // Lines of answers are looked at last: what they lie in must not have been written to.
      const found = seen.map(({ said: one, lines }) => (one.kind === 'reply' ? { ...one, lines: lines.map((line) => [...line]) } : one))
      const { length } = all
      expect(found).toEqual(all.map((one) => (one.kind === 'reply' ? { kind: one.kind, ok: one.ok, own: one.own, lines: one.lines } : one)))
      expect(found).toHaveLength(length)
    },
    { runs: 1_000 },
  )

type Ending = { readonly before: number[][]; readonly after: number[]; readonly cuts: number[] }
const TOKEN = 'token'
const WORDS = new LastWords(TOKEN).words
/** Bytes among which beginnings of the words are common. */
const nearWords = fc.array(
  fc.oneof(
    fc.array(fc.nat({ max: 255 }), { maxLength: 10 }),
    fc.nat({ max: WORDS.length - 1 }).map((count) => [...WORDS.subarray(0, count)]),
    fc.nat({ max: WORDS.length - 1 }).map((count) => [...WORDS.subarray(count + 1)]),
  ),
  { maxLength: 6 },
)

const findsTheEnd = ({ LastWords: Finder }: Parts): Property<Ending> =>
  property(
    'all that came before the last words is output, and they and what follows are not [PTY-17]',
    fc.record({ before: nearWords, after: fc.array(fc.nat({ max: 255 }), { maxLength: 10 }), cuts }),
    ({ before, after, cuts: at }) => {
      const output = before.flat()
      const finder = new Finder(TOKEN)
      const seen: number[] = []
      for (const chunk of chunked(Buffer.from([...output, ...WORDS, ...after]), at)) seen.push(...finder.push(chunk))
      const end = Buffer.from([...output, ...WORDS]).indexOf(WORDS)
      expect(seen).toEqual(output.slice(0, end))
      expect(finder.isFound).toBe(true)
      // Without the words nothing is lost either.
      const other = new Finder('another')
      const rest: number[] = []
      for (const chunk of chunked(Buffer.from(output), at)) rest.push(...other.push(chunk))
      rest.push(...other.rest())
      expect(rest).toEqual(output)
    },
    { runs: 1_000 },
  )

const parserFile = 'adapters/tmux/control-parser.ts'
const wordsFile = 'adapters/tmux/last-words.ts'
type Bug = Omit<Mutant, 'file'>

const PARSER_BUGS: readonly Bug[] = [
  {
    name: 'a line that goes on is kept where it came',
    from: 'this.#rest.push(Buffer.from(chunk.subarray(from)))',
    to: 'this.#rest.push(chunk.subarray(from))',
  },
  { name: 'the beginning of a line is forgotten', from: 'Buffer.concat([...this.#rest, piece])', to: 'piece' },
  { name: 'the beginning of a line is in the next one too', from: '      this.#rest = []\n', to: '' },
  { name: 'any %end ends an answer', from: 'ends === `%end ${block.id}`', to: "ends.startsWith('%end ')" },
  { name: 'any %error ends an answer', from: 'ends !== `%error ${block.id}`', to: "!ends.startsWith('%error ')" },
  { name: 'a refusal is an answer', from: 'this.#events.reply({ ok,', to: 'this.#events.reply({ ok: true,' },
  { name: 'answers to others are ours', from: '& 1) === 1', to: '& 1) >= 0' },
  { name: 'rows of an answer are kept where they came', from: 'block.lines.push(Buffer.from(line))', to: 'block.lines.push(line)' },
  {
    name: 'rows that look like notices are none',
    from: '    if (!ok &&',
    to: '    if (line[0] === PERCENT && !ok && !ends.startsWith("%error")) return\n    if (!ok &&',
  },
  { name: 'the answer goes on after its end', from: '    this.#block = undefined\n', to: '' },
  { name: 'octal digits are two', from: 'at += 4', to: 'at += 3' },
  { name: 'high octal digits are lost', from: '& 7) << 6)', to: '& 0) << 6)' },
  { name: 'bytes after an escape stay where they were', from: 'return text.subarray(0, to)', to: 'return text' },
  {
    name: 'output ends at a space',
    from: 'decodeOutput(line.subarray(space + 1))',
    to: 'decodeOutput(line.subarray(space + 1, line.indexOf(SPACE, space + 1) < 0 ? undefined : line.indexOf(SPACE, space + 1)))',
  },
]
const WORDS_BUGS: readonly Bug[] = [
  { name: 'words in two pieces are not met', from: 'Math.max(0, all.length - this.words.length + 1)', to: 'all.length' },
  { name: 'one byte too few is held back', from: 'all.length - this.words.length + 1', to: 'all.length - this.words.length + 2' },
  { name: 'what was held back is forgotten', from: 'Buffer.concat([this.#held, bytes])', to: 'Buffer.from(bytes)' },
  {
    name: 'what was held back is said twice',
    from: '    this.#held = Buffer.alloc(0)\n    return held',
    to: '    return Buffer.concat([held, held])',
  },
  { name: 'what was held back at the end is lost', from: '    return held', to: '    return held.subarray(held.length)' },
  { name: 'the words are output', from: 'return all.subarray(0, at)', to: 'return all.subarray(0, at + this.words.length)' },
  { name: 'what follows the words is output', from: 'if (this.#found) return new Uint8Array(0)', to: '' },
]

const OURS: Parts = { ControlParser, LastWords }
const proven = <T>(make: (parts: Parts) => Property<T>, file: string, bugs: readonly Bug[], same: Pick<Bug, 'from' | 'to'>): Proven<T> => {
  const planted = (bug: Bug): Planted<T> => ({
    name: bug.name,
    with: (use) =>
      withMutantSources({ ...bug, file }, async (load) =>
        use(make({ ...(await load<typeof Parsers>(parserFile)), ...(await load<typeof Words>(wordsFile)) })),
      ),
  })
  return { ...make(OURS), area: 'output', bugs: bugs.map(planted), control: planted({ name: 'a copy without a bug', ...same }) }
}

export const tmuxControl: Proven<Stream> = proven(understands, parserFile, PARSER_BUGS, {
  from: 'Cuts what tmux writes',
  to: 'Cuts all that tmux writes',
})
export const tmuxLastWords: Proven<Ending> = proven(findsTheEnd, wordsFile, WORDS_BUGS, {
  from: 'Finds the last words',
  to: 'Meets the last words',
})
