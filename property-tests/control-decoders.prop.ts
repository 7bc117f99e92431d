import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeFrame, FRAME, FRAME_HEADER_BYTES, type Frame, FrameDecoder, type FrameType } from '../src/protocols/control/frames.ts'
import { LineDecoder } from '../src/protocols/control/line-decoder.ts'
import { parseRequest } from '../src/protocols/control/methods.schema.ts'
import { isSignalboxError } from '../src/protocols/errors.ts'
import { type Property, property, search } from '../src/testing/property.ts'

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

/** Cuts bytes into chunks that all lie in one buffer, as those of a socket may: what is kept must be copied. */
const chunked = function* (bytes: Uint8Array, cuts: readonly number[]): Generator<Uint8Array> {
  const buffer = new Uint8Array(bytes.length + 1)
  let at = 0
  for (const cut of [...cuts, bytes.length]) {
    const chunk = bytes.subarray(at, at + cut)
    at += chunk.length
    buffer.set(chunk)
    yield buffer.subarray(0, chunk.length)
    buffer.fill(0x3f)
    if (at >= bytes.length) return
  }
}

const byte = fc.oneof(
  { weight: 5, arbitrary: fc.integer({ min: 0x20, max: 0x7e }) },
  { weight: 2, arbitrary: fc.constant(LINE_FEED) },
  { weight: 1, arbitrary: fc.nat({ max: 255 }) },
)
const text = fc.array(fc.oneof(fc.constantFrom('ä', '語', '🚦', '\n', '{"a":1}\n'), fc.string({ maxLength: 8 })), { maxLength: 12 })
const bytes: fc.Arbitrary<Uint8Array> = fc.oneof(
  fc.array(byte, { maxLength: 120 }).map((all) => Uint8Array.from(all)),
  text.map((parts) => new TextEncoder().encode(parts.join(''))),
)
const cuts = fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 60 })

const decodesLines = (make: () => LineDecoder): Property<[Uint8Array, number[]]> =>
  property(
    'lines are the same however they are chunked, and what is no line is refused where it stands',
    fc.tuple(bytes, cuts),
    ([input, at]) => {
      const decoder = make()
      const seen: string[] = []
      let refused = false
      try {
        for (const chunk of chunked(input, at)) {
          decoder.push(chunk)
          for (let line = decoder.next(); line !== null; line = decoder.next()) seen.push(line)
        }
      } catch (error) {
        refused = isSignalboxError(error, 'ERR_CONTROL_LINE_INVALID')
        if (!refused) throw error
      }
      expect({ lines: seen, refused }).toEqual(linesOf(input))
      if (!refused) expect(decoder.isInLine).toBe(input.length > 0 && input.at(-1) !== LINE_FEED)
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

const decodesFrames = (make: () => FrameDecoder): Property<[Frame[], number[]]> =>
  property(
    'frames are the same however they are chunked',
    fc.tuple(fc.array(frame, { maxLength: 8 }), cuts),
    ([frames, at]) => {
      const decoder = make()
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

const refusesNoise = (make: () => FrameDecoder): Property<[Uint8Array, number[]]> =>
  property(
    'any bytes give frames of the protocol, or are refused',
    fc.tuple(noise, cuts),
    ([input, at]) => {
      const decoder = make()
      try {
        for (const chunk of chunked(input, at)) {
          for (const { type, body, offset } of decoder.push(chunk)) {
            expect(Object.values(FRAME)).toContain(type)
            expect(body.length).toBeLessThanOrEqual(LONGEST)
            expect(Number.isSafeInteger(offset) && offset >= 0).toBe(true)
          }
        }
      } catch (error) {
        if (!isSignalboxError(error, 'ERR_CONTROL_LINE_INVALID')) throw error
      }
    },
    { runs: 2_000 },
  )

/** Bugs planted in the decoders. */
class KeepsNoCopy extends LineDecoder {
  override push(chunk: Uint8Array): void {
    const keep = chunk.slice.bind(chunk)
    Object.defineProperty(chunk, 'slice', { value: () => chunk, configurable: true })
    Object.defineProperty(chunk, 'subarray', {
      value: (from: number, to?: number) =>
        Object.defineProperty(new Uint8Array(chunk.buffer, chunk.byteOffset + from, (to ?? chunk.length) - from), 'slice', {
          value(this: Uint8Array) {
            return this
          },
        }),
      configurable: true,
    })
    void keep
    super.push(chunk)
  }
}
class LosesWhatWasBegun extends LineDecoder {
  override push(chunk: Uint8Array): void {
    super.push(chunk[0] === LINE_FEED ? chunk.subarray(1) : chunk)
  }
}
class OneByteMore extends LineDecoder {
  constructor() {
    super(LIMIT + 1)
  }
}
class ForgetsTheRest extends LineDecoder {
  override next(): string | null {
    const line = super.next()
    if (line === '') this.rest()
    return line
  }
}
class OneFrameAPush extends FrameDecoder {
  override push(chunk: Uint8Array): Frame[] {
    return super.push(chunk).slice(0, 1)
  }
}
class BodyCutAt15 extends FrameDecoder {
  override push(chunk: Uint8Array): Frame[] {
    return super.push(chunk).map((each) => ({ ...each, body: each.body.subarray(0, 15) }))
  }
}
class ChannelsOfTwoBytes extends FrameDecoder {
  override push(chunk: Uint8Array): Frame[] {
    return super.push(chunk).map((each) => ({ ...each, channel: each.channel & 0xffff }))
  }
}
class NoLimit extends FrameDecoder {
  constructor() {
    super(1_000_000)
  }
}
class TakesAnyType extends FrameDecoder {
  override push(chunk: Uint8Array): Frame[] {
    try {
      return super.push(chunk)
    } catch (error) {
      if (isSignalboxError(error) && error.message.includes('unknown type'))
        return [{ type: 99 as FrameType, channel: 0, offset: 0, body: chunk.slice(0, 0) }]
      throw error
    }
  }
}

const passes = async <T>(tested: Property<T>): Promise<void> => {
  const { failure } = await search(tested)
  if (failure !== null) throw new Error(`${tested.title}: ${JSON.stringify(failure.scenario)}`, { cause: failure.error })
}
const isCaught = async <T>(tested: Property<T>): Promise<boolean> => !(await search(tested, { seed: 7, shorten: false })).ok

describe('decoders of the control protocol', () => {
  it('cut any bytes, in any chunks, into the same lines [BUS-1]', () => passes(decodesLines(() => new LineDecoder(LIMIT))))
  it('cut frames in any chunks into the same frames [BUS-1]', () => passes(decodesFrames(() => new FrameDecoder())))
  it('take nothing for a frame that is none [BUS-1]', () => passes(refusesNoise(() => new FrameDecoder(LONGEST))))
  it('take any line for a request or refuse it, and throw nothing else [BUS-2]', () =>
    passes(
      property(
        'a line is a request or refused',
        fc.oneof(
          fc.string(),
          fc.json(),
          fc
            .record({ id: fc.jsonValue(), method: fc.jsonValue(), payload: fc.jsonValue(), key: fc.jsonValue() })
            .map((value) => JSON.stringify(value)),
        ),
        (line) => {
          try {
            expect(typeof parseRequest(line).method).toBe('string')
          } catch (error) {
            if (!isSignalboxError(error, 'ERR_CONTROL_LINE_INVALID')) throw error
          }
        },
        { runs: 1_000 },
      ),
    ))

  const lineBugs = [KeepsNoCopy, LosesWhatWasBegun, OneByteMore, ForgetsTheRest]
  it.each(lineBugs.map((Bug) => [Bug.name, Bug] as const))('catch the planted bug %s of lines', async (_name, Bug) => {
    expect(await isCaught(decodesLines(() => new Bug(LIMIT)))).toBe(true)
  })
  it.each([OneFrameAPush, BodyCutAt15, ChannelsOfTwoBytes].map((Bug) => [Bug.name, Bug] as const))(
    'catch the planted bug %s of frames',
    async (_name, Bug) => {
      expect(await isCaught(decodesFrames(() => new Bug()))).toBe(true)
    },
  )
  it.each([NoLimit, TakesAnyType].map((Bug) => [Bug.name, Bug] as const))('catch the planted bug %s of noise', async (_name, Bug) => {
    expect(await isCaught(refusesNoise(() => new Bug()))).toBe(true)
  })
})
