import { copyOf } from '../copy-of.ts'
import { SignalboxError } from '../errors.ts'
import { CONTROL_LIMITS } from './limits.ts'

/**
 * What goes over a binary connection: a header of 16 bytes (big-endian: length of the body u32, type u8, channel u24,
 * offset f64), then the body. A channel is one terminal of the connection; `offset` is absolute in its stream.
 */
export const FRAME = {
  /** Bytes of output; offset: of the first. To the client. */
  output: 1,
  /** Output that was overwritten before this reader took it: offset to the f64 in the body. To the client. */
  gap: 2,
  /** The process has ended and all of its output was sent. Body: JSON. To the client. */
  end: 3,
  /** The terminal cannot go on here. Body: JSON of an error envelope. To the client. */
  error: 4,
  /** Bytes of input; offset: of the first, counted from 0 at the attachment. To the server. */
  input: 5,
  /** New size: columns u16, rows u16. To the server. */
  resize: 6,
  /** Output up to `offset` is used; from the server: input up to `offset` is with the kernel. */
  ack: 7,
  /** Between an orchestrator and the terminal host only, as those up to `exit`: what both are. Body: JSON. The same in every version. */
  hello: 8,
  /** A question. Offset: its number. Body: JSON. To the host. */
  request: 9,
  /** The answer to the request or input of this number. Body: JSON, or nothing. */
  answer: 10,
  /** Begins a reading, whose number is the channel. Body: JSON. To the host. */
  open: 11,
  /** Ends a reading. To the host. */
  close: 12,
  /** How far a terminal is: offset after the last byte; f64 of when that came, then the end of the output. To the orchestrator. */
  news: 13,
  /** The process of a terminal has ended. Body: JSON. To the orchestrator. */
  exit: 14,
  /** What is on the screen as of offset: output goes on from there. Body: JSON. To the client, as what follows. */
  screen: 15,
  /** Bytes that draw it on a new terminal, a piece of those that the frame before announced. */
  drawn: 16,
  /** Output of a terminal is not taken as fast as it comes. Body: JSON. To the orchestrator. */
  pressure: 17,
} as const
export type FrameType = (typeof FRAME)[keyof typeof FRAME]

export type Frame = { readonly type: FrameType; readonly channel: number; readonly offset: number; readonly body: Uint8Array }

export const FRAME_HEADER_BYTES = 16
const MAX_CHANNEL = 0xff_ffff
/** Memory that a decoder keeps for what comes in pieces. */
const SPARE_BYTES = 65_536
const LAST_TYPE = FRAME.pressure
const NOTHING = new Uint8Array(0)

/** For the offset of a header, which may lie anywhere in a chunk. */
const scratch = new DataView(new ArrayBuffer(8))
const scratchBytes = new Uint8Array(scratch.buffer)

/** Writes a header to the start of `target`, which has room for it. Allocates nothing. */
export const putHeader = (target: Uint8Array, type: FrameType, channel: number, offset: number, length: number): void => {
  target[0] = length >>> 24
  target[1] = length >>> 16
  target[2] = length >>> 8
  target[3] = length
  target[4] = type
  target[5] = channel >>> 16
  target[6] = channel >>> 8
  target[7] = channel
  scratch.setFloat64(0, offset)
  target.set(scratchBytes, 8)
}

const header = (type: FrameType, channel: number, offset: number, length: number): Uint8Array => {
  const bytes = new Uint8Array(FRAME_HEADER_BYTES)
  putHeader(bytes, type, channel, offset, length)
  return bytes
}

/** @returns header and body, to be written one after the other; the body is not copied. */
export const encodeFrame = (frame: { type: FrameType; channel?: number; offset?: number; body?: Uint8Array }): readonly Uint8Array[] => {
  const { type, channel = 0, offset = 0, body = NOTHING } = frame
  const head = header(type, channel, offset, body.length)
  return body.length === 0 ? [head] : [head, body]
}

export const sizeBody = (cols: number, rows: number): Uint8Array => Uint8Array.of(cols >> 8, cols & 0xff, rows >> 8, rows & 0xff)

/** @throws ERR_CONTROL_LINE_INVALID */
export const readSizeBody = ({ body }: Frame): { readonly cols: number; readonly rows: number } => {
  if (body.length !== 4) throw invalid(`the body of a resize has ${body.length} bytes instead of 4`)
  const view = new DataView(body.buffer, body.byteOffset, 4)
  return { cols: view.getUint16(0), rows: view.getUint16(2) }
}

export const offsetBody = (offset: number): Uint8Array => {
  const body = new Uint8Array(8)
  new DataView(body.buffer).setFloat64(0, offset)
  return body
}

/** @throws ERR_CONTROL_LINE_INVALID */
export const readOffsetBody = ({ body }: Frame): number => {
  if (body.length !== 8) throw invalid(`the body of a gap has ${body.length} bytes instead of 8`)
  return new DataView(body.buffer, body.byteOffset, 8).getFloat64(0)
}

export const jsonBody = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value))

/** @throws ERR_CONTROL_LINE_INVALID */
export const readJsonBody = ({ body }: Frame): unknown => {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body)) as unknown
  } catch {
    throw invalid('the body of a frame is not JSON')
  }
}

const invalid = (what: string): SignalboxError => new SignalboxError('ERR_CONTROL_LINE_INVALID', what)

type Head = Omit<Frame, 'body'> & { readonly length: number }

/** Cuts a stream of bytes into frames, however they are chunked. Costs a copy only of what a chunk does not hold whole. */
export class FrameDecoder {
  /** A header that has begun. */
  private readonly head = new Uint8Array(FRAME_HEADER_BYTES)
  private headBytes = 0
  /** A frame whose body has begun. */
  private begun: Frame | null = null
  private bodyBytes = 0
  /** For bodies that no chunk holds whole, one after the other. */
  private spare = NOTHING
  private readonly limit: number

  /** @param limit bytes of the longest body */
  constructor(limit: number = CONTROL_LIMITS.frameBytes) {
    this.limit = limit
  }

  /**
   * @param take is called with each frame that this chunk completes. What its body lies in is used again: what is kept must be copied.
   * @throws ERR_CONTROL_LINE_INVALID for what is no frame
   */
  feed(chunk: Uint8Array, take: (frame: Frame) => void): void {
    for (let at = 0; at < chunk.length;) {
      if (this.begun !== null) {
        at += this.goOn(this.begun, chunk, at, take)
        continue
      }
      const isWhole = this.headBytes === 0 && chunk.length - at >= FRAME_HEADER_BYTES
      if (!isWhole) {
        const part = chunk.subarray(at, at + FRAME_HEADER_BYTES - this.headBytes)
        this.head.set(part, this.headBytes)
        this.headBytes += part.length
        at += part.length
        if (this.headBytes < FRAME_HEADER_BYTES) return
      }
      const { length, ...head } = isWhole ? this.read(chunk, at) : this.read(this.head, 0)
      if (isWhole) at += FRAME_HEADER_BYTES
      this.headBytes = 0
      if (chunk.length - at >= length) {
        take({ ...head, body: length === 0 ? NOTHING : chunk.subarray(at, at + length) })
        at += length
      } else {
        this.begun = { ...head, body: this.room(length) }
        this.bodyBytes = 0
      }
    }
  }

  /** @returns the frames that this chunk completes; their bodies are copies. @throws ERR_CONTROL_LINE_INVALID for what is no frame */
  push(chunk: Uint8Array): Frame[] {
    const frames: Frame[] = []
    this.feed(chunk, (frame) => void frames.push({ ...frame, body: copyOf(frame.body) }))
    return frames
  }

  /** Whether a frame has begun and not ended. */
  get isInFrame(): boolean {
    return this.headBytes > 0 || this.begun !== null
  }

  /** @returns how many bytes of the chunk belong to the body that has begun */
  private goOn(frame: Frame, chunk: Uint8Array, at: number, take: (frame: Frame) => void): number {
    const part = chunk.subarray(at, at + frame.body.length - this.bodyBytes)
    frame.body.set(part, this.bodyBytes)
    this.bodyBytes += part.length
    if (this.bodyBytes === frame.body.length) {
      this.begun = null
      take(frame)
    }
    return part.length
  }

  private room(length: number): Uint8Array {
    if (length > SPARE_BYTES) return new Uint8Array(length)
    if (this.spare.length === 0) this.spare = new Uint8Array(SPARE_BYTES)
    return this.spare.subarray(0, length)
  }

  private read(from: Uint8Array, at: number): Head {
    const word = (index: number): number =>
      (((from[index] ?? 0) << 24) | ((from[index + 1] ?? 0) << 16) | ((from[index + 2] ?? 0) << 8) | (from[index + 3] ?? 0)) >>> 0
    const length = word(at)
    const typeAndChannel = word(at + 4)
    const type = typeAndChannel >>> 24
    scratch.setUint32(0, word(at + 8))
    scratch.setUint32(4, word(at + 12))
    const offset = scratch.getFloat64(0)
    if (length > this.limit) throw invalid(`a frame has ${length} bytes; at most ${this.limit} are allowed`)
    if (type < 1 || type > LAST_TYPE) throw invalid(`a frame has the unknown type ${type}`)
    if (!Number.isSafeInteger(offset) || offset < 0) throw invalid(`a frame has the offset ${offset}`)
    return { length, type: type as FrameType, channel: typeAndChannel & MAX_CHANNEL, offset }
  }
}
