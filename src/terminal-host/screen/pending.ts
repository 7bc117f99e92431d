const ESC = 0x1b
const CAN = 0x18
const SUB = 0x1a
const BEL = 0x07
const NOTHING = new Uint8Array(0)

/** Whether a sequence that begins with this ESC, in which no other ESC is, goes on after the last byte. */
const goesOn = (bytes: Uint8Array, start: number): boolean => {
  const kind = bytes[start + 1]
  if (kind === undefined) return true
  const body = bytes.subarray(start + 2)
  if (body.includes(CAN) || body.includes(SUB) || kind === CAN || kind === SUB) return false
  switch (kind) {
    case 0x5d: // OSC
      return !body.includes(BEL)
    case 0x50: // DCS
    case 0x58: // SOS
    case 0x5e: // PM
    case 0x5f: // APC
      return true
    case 0x5b: // CSI
      return !body.some((byte) => byte >= 0x40 && byte !== 0x7f)
    default: {
      // controls are carried out within a sequence; what comes after them belongs to it
      const own = bytes.subarray(start + 1).filter((byte) => byte >= 0x20 && byte !== 0x7f)
      return own.every((byte) => byte >= 0x20 && byte <= 0x2f)
    }
  }
}

const isString = (kind: number | undefined): boolean => kind === 0x5d || kind === 0x50 || kind === 0x58 || kind === 0x5e || kind === 0x5f

/** Bytes of a character of UTF-8 that ends after the last byte. */
const partialCharacter = (bytes: Uint8Array): Uint8Array => {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] as number
    if (byte < 0x80) return NOTHING
    if (byte < 0xc0) continue
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2
    return length > back ? bytes.subarray(bytes.length - back) : NOTHING
  }
  return NOTHING
}

/**
 * What of the end of output is the beginning of something: of a control sequence, or of a character. Whoever is given the screen
 * as of here must be given it too, or the rest would be shown as text.
 * @param bytes the last output, from any place outside of a control sequence
 */
export const pendingOf = (bytes: Uint8Array): Uint8Array => {
  const raw = rawPendingOf(bytes)
  if (raw[0] !== ESC || isString(raw[1])) return raw
  // controls within it were carried out already
  return raw.filter((byte) => byte === ESC || (byte >= 0x20 && byte !== 0x7f))
}

/** The same with the controls within it: as many bytes as it has. */
export const rawPendingOf = (bytes: Uint8Array): Uint8Array => {
  const partial = partialCharacter(bytes)
  const whole = bytes.subarray(0, bytes.length - partial.length)
  const start = whole.lastIndexOf(ESC)
  if (start < 0 || !goesOn(whole, start)) return partial
  return bytes.subarray(start)
}
