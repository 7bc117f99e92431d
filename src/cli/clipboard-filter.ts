const ESC = 0x1b
const CLIPBOARD = 52

type State =
  /** Outside of what it looks for. */
  | 'text'
  /** In the beginning of an OSC, which is held back. */
  | 'begun'
  /** In one that sets the clipboard. */
  | 'inside'
  /** There, after an ESC. */
  | 'ending'

/**
 * Takes out of output what sets the clipboard, or asks for it (OSC 52), however it is cut in pieces. All else passes as it is.
 */
export class ClipboardFilter {
  private state: State = 'text'
  /** ESC, `]` and digits that may become a 52. */
  private held: number[] = []

  pass(bytes: Uint8Array): Uint8Array {
    if (this.state === 'text' && !bytes.includes(ESC)) return bytes
    const out = Buffer.allocUnsafe(bytes.length + this.held.length)
    let length = 0
    const give = (given: readonly number[]): void => {
      for (const byte of given) out[length++] = byte
    }
    for (let at = 0; at < bytes.length; at += 1) {
      const byte = bytes[at] as number
      if (this.state === 'text') {
        const next = bytes.indexOf(ESC, at)
        const end = next < 0 ? bytes.length : next
        out.set(bytes.subarray(at, end), length)
        length += end - at
        if (next >= 0) this.begin()
        at = end
      } else if (this.state === 'begun') {
        const isNext = this.held.length === 1 ? byte === 0x5d : byte >= 0x30 && byte <= 0x39
        if (isNext && this.held.length < 32) {
          this.held.push(byte)
          continue
        }
        if (this.held.length > 2 && Number(String.fromCharCode(...this.held.slice(2))) === CLIPBOARD) {
          this.held = []
          this.state = 'inside'
        } else {
          give(this.held)
          this.held = []
          this.state = 'text'
        }
        // this byte again, as what it is now
        at -= 1
      } else if (this.state === 'inside') {
        if (byte === ESC) this.state = 'ending'
        else if (byte === 0x07 || byte === 0x18 || byte === 0x1a) this.state = 'text'
      } else if (byte === 0x5c) this.state = 'text'
      else {
        // another sequence ended it
        this.begin()
        at -= 1
      }
    }
    return out.subarray(0, length)
  }

  private begin(): void {
    this.held = [ESC]
    this.state = 'begun'
  }
}
