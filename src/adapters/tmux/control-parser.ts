/** What a control-mode client of tmux is told (tmux(1), CONTROL MODE). */
export type ControlEvents = {
  /** Output of a pane, decoded; only valid during the call. */
  readonly output: (pane: string, bytes: Uint8Array) => void
  /** The answer to one command: its lines, without their ends; `ok` false: the lines say why. `own`: asked for by this client. */
  readonly reply: (reply: ControlReply) => void
  /** Any other line with a `%`: `%window-close @3` gives `window-close` and `@3`. */
  readonly notice: (name: string, rest: string) => void
}

export type ControlReply = { readonly ok: boolean; readonly own: boolean; readonly lines: readonly Buffer[] }

const LF = 0x0a
const SPACE = 0x20
const BACKSLASH = 0x5c
const PERCENT = 0x25
const OUTPUT = Buffer.from('%output %')
const BEGIN = Buffer.from('%begin ')

type Block = { readonly id: string; readonly own: boolean; readonly lines: Buffer[] }

/**
 * Cuts what tmux writes into events, whatever pieces it comes in. Lines of an answer are bytes: a captured screen is in no
 * encoding, and may look like a notice; only the `%end` or `%error` with the numbers of its `%begin` ends it.
 */
export class ControlParser {
  readonly #events: ControlEvents
  /** The beginning of a line whose end has not come. */
  #rest: Buffer[] = []
  #block: Block | undefined

  constructor(events: ControlEvents) {
    this.#events = events
  }

  /** @param chunk may be changed after the call. */
  push(chunk: Buffer): void {
    let from = 0
    for (let end = chunk.indexOf(LF); end >= 0; end = chunk.indexOf(LF, from)) {
      const piece = chunk.subarray(from, end)
      from = end + 1
      if (this.#rest.length === 0) {
        this.#line(piece)
        continue
      }
      const line = Buffer.concat([...this.#rest, piece])
      this.#rest = []
      this.#line(line)
    }
    if (from < chunk.length) this.#rest.push(Buffer.from(chunk.subarray(from)))
  }

  #line(line: Buffer): void {
    if (this.#block !== undefined) {
      this.#inBlock(this.#block, line)
    } else if (startsWith(line, OUTPUT)) {
      const space = line.indexOf(SPACE, OUTPUT.length)
      if (space >= 0) this.#events.output(line.toString('latin1', OUTPUT.length - 1, space), decodeOutput(line.subarray(space + 1)))
    } else if (startsWith(line, BEGIN)) {
      const id = line.toString('latin1', BEGIN.length)
      this.#block = { id, own: (Number(id.slice(id.lastIndexOf(' ') + 1)) & 1) === 1, lines: [] }
    } else if (line[0] === PERCENT) {
      const text = line.toString()
      const space = text.indexOf(' ')
      this.#events.notice(text.slice(1, space < 0 ? undefined : space), space < 0 ? '' : text.slice(space + 1))
    }
  }

  #inBlock(block: Block, line: Buffer): void {
    const ends = line[0] === PERCENT ? line.toString('latin1') : ''
    const ok = ends === `%end ${block.id}`
    if (!ok && ends !== `%error ${block.id}`) {
      block.lines.push(Buffer.from(line))
      return
    }
    this.#block = undefined
    this.#events.reply({ ok, own: block.own, lines: block.lines })
  }
}

const startsWith = (line: Buffer, prefix: Buffer): boolean =>
  line.length >= prefix.length && line.compare(prefix, 0, prefix.length, 0, prefix.length) === 0

/**
 * tmux writes bytes below a space, and the backslash, as a backslash and three octal digits; all others as they are.
 * @param text changed in place, if need be
 */
export function decodeOutput(text: Buffer): Buffer {
  let at = text.indexOf(BACKSLASH)
  if (at < 0) return text
  let to = at
  while (at < text.length) {
    const byte = text[at] as number
    if (byte === BACKSLASH && at + 3 < text.length) {
      text[to++] = (((text[at + 1] as number) & 7) << 6) | (((text[at + 2] as number) & 7) << 3) | ((text[at + 3] as number) & 7)
      at += 4
    } else {
      text[to++] = byte
      at += 1
    }
  }
  return text.subarray(0, to)
}
