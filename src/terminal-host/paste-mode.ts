/** What switches bracketed paste: DECSET and DECRST of mode 2004, alone or among others, and RIS (xterm, ctlseqs). */
const SEQUENCE = /^\u001B(?:c|\[\?([0-9;]{1,24})([hl]))/u
/** The beginning of such a sequence, at the end of what is known. */
const BEGINNING = /^\u001B(?:\[(?:\?[0-9;]{0,24})?)?$/u
const MODE = '2004'
/** Longer than every sequence that counts. */
const MOST_CHARS = 32
const PRIVATE_MODE = Buffer.from('\u001B[?')
const RESET = Buffer.from('\u001Bc')
const ESC = 0x1b

/**
 * Whether the program behind a terminal has switched bracketed paste on. It is given all output once, in order, in pieces
 * of any size, and costs little where there are no escape sequences.
 */
export class PasteMode {
  #isOn = false
  /** An unfinished sequence at the end of what was given. */
  #unfinished = ''

  get isOn(): boolean {
    return this.#isOn
  }

  feed(piece: Uint8Array): void {
    const bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength)
    if (this.#unfinished !== '') {
      const text = this.#unfinished + bytes.toString('latin1', 0, MOST_CHARS)
      if (this.#stillUnfinished(text)) return
      this.#apply(SEQUENCE.exec(text))
    }
    this.#feedWhole(bytes)
    const last = bytes.lastIndexOf(ESC)
    const rest = last >= 0 && bytes.length - last < MOST_CHARS ? bytes.toString('latin1', last) : ''
    this.#unfinished = BEGINNING.test(rest) ? rest : ''
  }

  #stillUnfinished(text: string): boolean {
    if (!BEGINNING.test(text)) {
      this.#unfinished = ''
      return false
    }
    this.#unfinished = text
    return true
  }

  /** From the end: only the last sequence counts. */
  #feedWhole(bytes: Buffer): void {
    const reset = bytes.lastIndexOf(RESET)
    for (let at = bytes.lastIndexOf(PRIVATE_MODE); at > reset; at = at === 0 ? -1 : bytes.lastIndexOf(PRIVATE_MODE, at - 1)) {
      if (this.#apply(SEQUENCE.exec(bytes.toString('latin1', at, at + MOST_CHARS)))) return
    }
    if (reset >= 0) this.#isOn = false
  }

  /** @returns whether it was one that counts. */
  #apply(found: RegExpExecArray | null): boolean {
    if (found === null) return false
    const [, modes, end] = found
    if (modes !== undefined && !modes.split(';').includes(MODE)) return false
    this.#isOn = end === 'h'
    return true
  }
}

const BEFORE = Buffer.from('\u001B[200~')
const AFTER = Buffer.from('\u001B[201~')
/** Its last byte. */
const LAST = 0x7e

/**
 * @returns pasted bytes in their brackets, without what would end the paste within them: a text from elsewhere must not
 *   get out of its brackets and type commands.
 */
export function asPaste(bytes: Uint8Array): Uint8Array {
  return Buffer.concat([BEFORE, withoutEnds(bytes), AFTER])
}

/** What is left when one end is taken out may form another: taken out as they arise, in one pass. */
function withoutEnds(bytes: Uint8Array): Uint8Array {
  if (!Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).includes(AFTER)) return bytes
  const out = Buffer.allocUnsafe(bytes.length)
  let length = 0
  for (const byte of bytes) {
    out[length] = byte
    length += 1
    if (byte === LAST && length >= AFTER.length && out.compare(AFTER, 0, AFTER.length, length - AFTER.length, length) === 0) {
      length -= AFTER.length
    }
  }
  return out.subarray(0, length)
}
