import fc from 'fast-check'
import { expect } from 'vitest'
import type * as Frames from '../src/protocols/control/frames.ts'
import { encodeFrame, FRAME, FRAME_HEADER_BYTES, type Frame, FrameDecoder, type FrameType } from '../src/protocols/control/frames.ts'
import type * as Lines from '../src/protocols/control/line-decoder.ts'
import { LineDecoder } from '../src/protocols/control/line-decoder.ts'
import { type Property, property } from '../src/testing/property.ts'
import { chunked, cutsUpTo } from './chunks.ts'
import { type Mutant, withMutantSources } from './engine.ts'
import type { Planted, Proven } from './proven.ts'

/** The decoders, ours or with a bug in them. */
type Decoders = Pick<typeof Lines, 'LineDecoder'> & Pick<typeof Frames, 'FrameDecoder'>

/** Whether it is the refusal of a decoder, also of one in a copy of the sources. */
const isRefusal = (error: unknown): boolean => (error as { readonly code?: unknown } | null)?.code === 'ERR_CONTROL_LINE_INVALID'

const LIMIT = 24
const LINE_FEED = 0x0a

/** What a stream of bytes says, by the simplest means: its lines, and whether it breaks a rule after them. */
const linesOf = (bytes: Uint8Array): { lines: string[]; refused: boolean } => {
  const lines: string[] = []
  let line: number[] = []
  for (const byte of bytes) {
    if (byte !== LINE_FEED) {
      line.push(byte)
      if (line.length > LIMIT) return { lines, refused: true }
      continue
    }
    try {
      lines.push(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Uint8Array.from(line)))
    } catch {
      return { lines, refused: true }
    }
    line = []
  }
  return { lines, refused: false }
}

const byte = fc.oneof(
  { weight: 5, arbitrary: fc.integer({ min: 0x20, max: 0x7e }) },
  { weight: 2, arbitrary: fc.constant(LINE_FEED) },
  { weight: 1, arbitrary: fc.nat({ max: 255 }) },
)
const text = fc.array(fc.oneof(fc.constantFrom('ä', '語', '🚦', '\u{feff}', '\n', '{"a":1}\n'), fc.string({ maxLength: 8 })), {
  maxLength: 12,
})
const bytes: fc.Arbitrary<Uint8Array> = fc.oneof(
  fc.array(byte, { maxLength: 120 }).map((all) => Uint8Array.from(all)),
  text.map((parts) => new TextEncoder().encode(parts.join(''))),
)
const cuts = cutsUpTo(9)

type Chunked = [Uint8Array, number[]]

const decodesLines = ({ LineDecoder: Decoder }: Decoders): Property<Chunked> =>
  property(
    'lines are the same however they are chunked, and what is no line is refused where it stands [BUS-1]',
    fc.tuple(bytes, cuts),
    ([input, at]) => {
      const decoder = new Decoder(LIMIT)
      const seen: string[] = []
      let refused = false
      try {
        for (const chunk of chunked(input, at)) {
          decoder.push(chunk)
          for (let line = decoder.next(); line !== null; line = decoder.next()) seen.push(line)
        }
      } catch (error) {
        refused = isRefusal(error)
        if (!refused) throw error
      }
      expect({ lines: seen, refused }).toEqual(linesOf(input))
      if (!refused) expect(decoder.isInLine).toBe(input.length > 0 && input.at(-1) !== LINE_FEED)
    },
    { runs: 1_000 },
  )

type Switch = { lines: string[]; tail: Uint8Array<ArrayBuffer>; cuts: number[] }

/** As the server does at terminal.attach: the line that asks for it is the last, and what follows is for another decoder. */
const handsOver = ({ LineDecoder: Decoder }: Decoders): Property<Switch> =>
  property(
    'what follows the last line is handed on whole, once, and is not read as lines [BUS-1]',
    fc.record({
      lines: fc.array(fc.stringMatching(/^[ -~]{1,20}$/), { minLength: 1, maxLength: 4 }),
      tail: fc.uint8Array({ maxLength: 60 }),
      cuts,
    }),
    ({ lines, tail, cuts: at }) => {
      const decoder = new Decoder(LIMIT)
      const seen: string[] = []
      const after: number[] = []
      for (const chunk of chunked(joined([new TextEncoder().encode(`${lines.join('\n')}\n`), tail]), at)) {
        if (seen.length === lines.length) {
          after.push(...chunk)
          continue
        }
        decoder.push(chunk)
        for (let line = decoder.next(); line !== null; line = decoder.next()) {
          seen.push(line)
          if (seen.length < lines.length) continue
          after.push(...decoder.rest())
          expect(decoder.next()).toBe(null)
          expect(decoder.isInLine).toBe(false)
          break
        }
      }
      expect({ lines: seen, after }).toEqual({ lines, after: [...tail] })
    },
    { runs: 1_000 },
  )

const frameOf = (maxLength: number): fc.Arbitrary<Frame> =>
  fc.record({
    type: fc.constantFrom<FrameType[]>(...Object.values(FRAME)),
    channel: fc.nat({ max: 0xff_ffff }),
    offset: fc.oneof(fc.nat(), fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER })),
    body: fc.uint8Array({ maxLength, size: 'max' }),
  })
const frame = frameOf(40)
const joined = (parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts))

const decodesFrames = ({ FrameDecoder: Decoder }: Decoders): Property<[Frame[], number[]]> =>
  property(
    'frames are the same however they are chunked [BUS-1]',
    fc.tuple(fc.array(frame, { maxLength: 8 }), cuts),
    ([frames, at]) => {
      const decoder = new Decoder()
      const seen: Frame[] = []
      const input = joined(frames.flatMap((each) => encodeFrame(each)))
      for (const chunk of chunked(input, at)) seen.push(...decoder.push(chunk))
      // Bodies are looked at last: what they lie in must not have been written to.
      expect(seen.map((each) => ({ ...each, body: [...each.body] }))).toEqual(frames.map((each) => ({ ...each, body: [...each.body] })))
      expect(decoder.isInFrame).toBe(false)
    },
    { runs: 1_000 },
  )

const LONGEST = 64
const noise: fc.Arbitrary<Uint8Array> = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  frameOf(2 * LONGEST).map((each) => joined(encodeFrame(each))),
  fc.tuple(frame, fc.nat({ max: FRAME_HEADER_BYTES - 1 }), fc.nat({ max: 255 })).map(([each, at, value]) => {
    const whole = joined(encodeFrame(each))
    whole[at] = value
    return whole
  }),
)

const refusesNoise = ({ FrameDecoder: Decoder }: Decoders): Property<Chunked> =>
  property(
    'any bytes give frames of the protocol, or are refused [BUS-1]',
    fc.tuple(noise, cuts),
    ([input, at]) => {
      const decoder = new Decoder(LONGEST)
      try {
        for (const chunk of chunked(input, at)) {
          for (const { type, body, offset } of decoder.push(chunk)) {
            expect(Object.values(FRAME)).toContain(type)
            expect(body.length).toBeLessThanOrEqual(LONGEST)
            expect(Number.isSafeInteger(offset) && offset >= 0).toBe(true)
          }
        }
      } catch (error) {
        if (!isRefusal(error)) throw error
      }
    },
    { runs: 2_000 },
  )

const lineDecoder = 'protocols/control/line-decoder.ts'
const frames = 'protocols/control/frames.ts'
type Bug = Omit<Mutant, 'file'>

const LINE_BUGS: readonly Bug[] = [
  { name: 'a line that goes on is kept where it came', from: 'end < 0 ? copyOf(part) : part', to: 'part' },
  {
    name: 'a line may be a byte too long',
    from: 'this.length + part.length > this.limit',
    to: 'this.length + part.length > this.limit + 1',
  },
  { name: 'each chunk of a line has the whole limit', from: 'this.length + part.length > this.limit', to: 'part.length > this.limit' },
  { name: 'a line is as long as those before it together', from: '    this.length = 0\n    try', to: '    try' },
  { name: 'the beginning of a line is in the next one too', from: '    this.parts = []\n    this.length', to: '    this.length' },
  { name: 'only the first line of a chunk is read', from: 'NOTHING : this.input.subarray(end + 1)', to: 'NOTHING : NOTHING' },
  { name: 'what is not UTF-8 is guessed at', from: 'fatal: true', to: 'fatal: false' },
  { name: 'a byte order mark is taken away', from: 'ignoreBOM: true', to: 'ignoreBOM: false' },
]
const HAND_OVER_BUGS: readonly Bug[] = [
  { name: 'what follows is handed on and read too', from: '    this.input = NOTHING\n    return rest', to: '    return rest' },
  { name: 'what follows loses its first byte', from: 'const rest = this.input', to: 'const rest = this.input.subarray(1)' },
  { name: 'what came with the last line is lost', from: 'return rest', to: 'return NOTHING' },
]
const FRAME_BUGS: readonly Bug[] = [
  { name: 'a body is kept where it came', from: 'body: copyOf(frame.body)', to: 'body: frame.body' },
  { name: 'a body is a view of what came', from: 'body: copyOf(frame.body)', to: 'body: frame.body.slice()' },
  { name: 'one frame of a chunk is read', from: '        at += length\n      } else', to: '        at = chunk.length\n      } else' },
  {
    name: 'a header that has begun is forgotten',
    from: '        this.headBytes += part.length',
    to: '        this.headBytes = part.length',
  },
  { name: 'later parts of a body come first', from: 'frame.body.set(part, this.bodyBytes)', to: 'frame.body.set(part, 0)' },
  { name: 'a body is not waited for', from: 'if (this.bodyBytes === frame.body.length)', to: 'if (this.bodyBytes > 0)' },
  { name: 'what follows a body in its chunk is lost', from: '    return part.length\n', to: '    return chunk.length - at\n' },
  { name: 'the bytes of a body before count for the next', from: '        this.bodyBytes = 0\n', to: '' },
  { name: 'offsets have 32 bits', from: 'const offset = scratch.getFloat64(0)', to: 'const offset = scratch.getFloat64(0) >>> 0' },
  { name: 'channels have 16 bits', from: 'typeAndChannel & MAX_CHANNEL', to: 'typeAndChannel & 0xffff' },
]
const NOISE_BUGS: readonly Bug[] = [
  { name: 'a body may have any length', from: 'if (length > this.limit)', to: 'if (length > 0xffff_ffff)' },
  { name: 'a frame may be of any type', from: 'type > LAST_TYPE', to: 'type > 255' },
  { name: 'a frame may be of no type', from: 'type < 1 || ', to: '' },
  { name: 'an offset may be any number', from: '!Number.isSafeInteger(offset) || offset < 0', to: 'offset === -1' },
]

const OURS: Decoders = { LineDecoder, FrameDecoder }
const proven = <T>(
  make: (decoders: Decoders) => Property<T>,
  file: string,
  bugs: readonly Bug[],
  same: Pick<Bug, 'from' | 'to'>,
): Proven<T> => {
  const planted = (bug: Bug): Planted<T> => ({
    name: bug.name,
    with: (use) =>
      withMutantSources({ ...bug, file }, async (load) =>
        use(make({ ...(await load<typeof Lines>(lineDecoder)), ...(await load<typeof Frames>(frames)) })),
      ),
  })
  return { ...make(OURS), area: 'control', bugs: bugs.map(planted), control: planted({ name: 'a copy without a bug', ...same }) }
}
const SAME_LINES = { from: 'Cuts a stream of bytes into lines', to: 'Cuts bytes into lines' }
const SAME_FRAMES = { from: 'Cuts a stream of bytes into frames', to: 'Cuts bytes into frames' }

export const controlLines: Proven<Chunked> = proven(decodesLines, lineDecoder, LINE_BUGS, SAME_LINES)
export const controlSwitch: Proven<Switch> = proven(handsOver, lineDecoder, HAND_OVER_BUGS, SAME_LINES)
export const controlFrames: Proven<[Frame[], number[]]> = proven(decodesFrames, frames, FRAME_BUGS, SAME_FRAMES)
export const controlNoise: Proven<Chunked> = proven(refusesNoise, frames, NOISE_BUGS, SAME_FRAMES)
