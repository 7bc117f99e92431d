import { copyOf } from '../copy-of.ts'
import { SignalboxError } from '../errors.ts'
import { CONTROL_LIMITS } from './limits.ts'

const LINE_FEED = 0x0a
const NOTHING = new Uint8Array(0)

const invalid = (what: string): SignalboxError => new SignalboxError('ERR_CONTROL_LINE_INVALID', what)

const joined = (parts: readonly Uint8Array[], length: number): Uint8Array => {
  const [first] = parts
  if (parts.length === 1 && first !== undefined) return first
  const whole = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

/** Cuts a stream of bytes into lines of text, however they are chunked. Holds a line's worth of bytes beyond what was pushed last. */
export class LineDecoder {
  private parts: Uint8Array[] = []
  private length = 0
  private input: Uint8Array = NOTHING
  private readonly limit: number
  private readonly text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

  /** @param limit bytes of the longest line, without its line feed */
  constructor(limit: number = CONTROL_LIMITS.lineBytes) {
    this.limit = limit
  }

  /** Takes the next chunk. Call `next` until it says null before the next push. */
  push(chunk: Uint8Array): void {
    this.input = chunk
  }

  /** @returns the next whole line, or null. @throws ERR_CONTROL_LINE_INVALID for one that is too long or not UTF-8 */
  next(): string | null {
    const end = this.input.indexOf(LINE_FEED)
    const part = end < 0 ? this.input : this.input.subarray(0, end)
    if (this.length + part.length > this.limit) {
      throw invalid(`a line is longer than ${this.limit} bytes; send less at once`)
    }
    this.input = end < 0 ? NOTHING : this.input.subarray(end + 1)
    if (part.length > 0) {
      // A copy: the chunk may be a part of a buffer that is used again.
      this.parts.push(end < 0 ? copyOf(part) : part)
      this.length += part.length
    }
    if (end < 0) return null
    const line = joined(this.parts, this.length)
    this.parts = []
    this.length = 0
    try {
      return this.text.decode(line)
    } catch {
      throw invalid('a line is not UTF-8')
    }
  }

  /** Whether a line has begun and not ended. */
  get isInLine(): boolean {
    return this.length > 0
  }

  /** What follows the last line, which this decoder then forgets: for a connection that goes on in frames. */
  rest(): Uint8Array {
    const rest = this.input
    this.input = NOTHING
    return rest
  }
}
