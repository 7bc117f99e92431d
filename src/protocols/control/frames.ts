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
} as const
export type FrameType = (typeof FRAME)[keyof typeof FRAME]

export type Frame = { readonly type: FrameType; readonly channel: number; readonly offset: number; readonly body: Uint8Array }

export const FRAME_HEADER_BYTES = 16
const MAX_CHANNEL = 0xff_ffff
const LAST_TYPE = FRAME.ack
const NOTHING = new Uint8Array(0)

const header = (type: FrameType, channel: number, offset: number, length: number): Uint8Array => {
  const bytes = new Uint8Array(FRAME_HEADER_BYTES)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, length)
  view.setUint32(4, ((type << 24) | (channel & MAX_CHANNEL)) >>> 0)
  view.setFloat64(8, offset)
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

/** Cuts a stream of bytes into frames, however they are chunked. */
export class FrameDecoder {
  private held: Uint8Array = NOTHING
  /** Chunks after `held` that do not complete a frame yet. */
  private more: Uint8Array[] = []
  private size = 0
  private wanted = FRAME_HEADER_BYTES
  private readonly limit: number

  /** @param limit bytes of the longest body */
  constructor(limit: number = CONTROL_LIMITS.frameBytes) {
    this.limit = limit
  }

  /** @returns the frames that this chunk completes; their bodies are copies. @throws ERR_CONTROL_LINE_INVALID for what is no frame */
  push(chunk: Uint8Array): Frame[] {
    if (chunk.length > 0) this.more.push(chunk.slice())
    this.size += chunk.length
    if (this.size < this.wanted) return []
    this.gather()
    const frames: Frame[] = []
    let at = 0
    for (;;) {
      const frame = this.read(at)
      if (frame === null) break
      frames.push(frame)
      at += FRAME_HEADER_BYTES + frame.body.length
    }
    this.held = this.held.subarray(at)
    this.size = this.held.length
    return frames
  }

  /** Whether a frame has begun and not ended. */
  get isInFrame(): boolean {
    return this.size > 0
  }

  private gather(): void {
    const whole = new Uint8Array(this.size)
    let at = 0
    for (const part of [this.held, ...this.more]) {
      whole.set(part, at)
      at += part.length
    }
    this.held = whole
    this.more = []
  }

  private read(at: number): Frame | null {
    const left = this.held.length - at
    this.wanted = FRAME_HEADER_BYTES
    if (left < FRAME_HEADER_BYTES) return null
    const view = new DataView(this.held.buffer, this.held.byteOffset + at, FRAME_HEADER_BYTES)
    const length = view.getUint32(0)
    const type = view.getUint8(4)
    const offset = view.getFloat64(8)
    if (length > this.limit) throw invalid(`a frame has ${length} bytes; at most ${this.limit} are allowed`)
    if (type < 1 || type > LAST_TYPE) throw invalid(`a frame has the unknown type ${type}`)
    if (!Number.isSafeInteger(offset) || offset < 0) throw invalid(`a frame has the offset ${offset}`)
    this.wanted = FRAME_HEADER_BYTES + length
    if (left < this.wanted) return null
    const start = at + FRAME_HEADER_BYTES
    return { type: type as FrameType, channel: view.getUint32(4) & MAX_CHANNEL, offset, body: this.held.subarray(start, start + length) }
  }
}
