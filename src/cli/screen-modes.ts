/** Longest control sequence that is waited for when it is cut between two pieces of output. */
const CARRY = 64

/** Private modes that are on in a terminal at rest: line wrap, the cursor. */
const ON = new Set(['7', '25'])
/** Modes that a reset of a mode itself would move the cursor for; the alternate screen comes last. */
const ALTERNATE = new Set(['47', '1047', '1049'])

const PRIVATE = /\u001b\[\?([\d;]+)([hl])/gu
// oxlint-disable-next-line no-control-regex
const OTHERS = /\u001b(?:\[[\d;]*r|[=>]|c|\[!p|\[>\d*u|\[<\d*u|\[>4(?:;\d*)?m|\[\d* q|\](?:4|10|11|12);)/gu

/**
 * Follows what a program does to the terminal of the user, to undo it when the user leaves: alternate screen, mouse, bracketed
 * paste, hidden cursor, keyboard protocols, scroll region, colours.
 */
export class ScreenModes {
  private readonly changed = new Set<string>()
  private readonly others = new Set<string>()
  private pushes = 0
  private rest = ''

  see(bytes: Uint8Array): void {
    const text = this.rest + Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
    const start = text.lastIndexOf('\u001b')
    const isOpen = start >= 0 && text.length - start < CARRY && /^\u001b(?:\[[?!<>]?[\d; ]*)?$/u.test(text.slice(start))
    this.rest = isOpen ? text.slice(start) : ''
    const whole = isOpen ? text.slice(0, start) : text
    if (!whole.includes('\u001b')) return
    for (const [, modes = '', end] of whole.matchAll(PRIVATE)) {
      for (const mode of modes.split(';')) {
        if ((end === 'h') === ON.has(mode)) this.changed.delete(mode)
        else this.changed.add(mode)
      }
    }
    for (const [sequence] of whole.matchAll(OTHERS)) this.other(sequence)
  }

  private other(sequence: string): void {
    if (sequence === '\u001bc') {
      this.changed.clear()
      this.others.clear()
      this.pushes = 0
    } else if (sequence.endsWith('u')) {
      const count = Math.max(1, Number(/<(\d+)/u.exec(sequence)?.[1] ?? 1))
      this.pushes = sequence.includes('>') ? this.pushes + 1 : Math.max(0, this.pushes - count)
    } else if (sequence.endsWith('r')) this.others.add('\u001b7\u001b[r\u001b8')
    else if (sequence === '\u001b=') this.others.add('\u001b>')
    else if (sequence.startsWith('\u001b]')) this.others.add(`\u001b]${Number(sequence.slice(2, -1)) + 100}\u001b\\`)
    else if (sequence.endsWith('m')) this.others.add('\u001b[>4m')
    else if (sequence.endsWith(' q')) this.others.add('\u001b[0 q')
  }

  /** It was brought back. */
  forget(): void {
    this.changed.clear()
    this.others.clear()
    this.pushes = 0
  }

  /** What brings the terminal back: to be written once, at the end. */
  undo(): string {
    const reset = (mode: string): string => `\u001b[?${mode}${ON.has(mode) ? 'h' : 'l'}`
    const modes = [...this.changed]
    return [
      ...(this.pushes > 0 ? [`\u001b[<${this.pushes}u`] : []),
      ...this.others,
      ...modes.filter((mode) => !ALTERNATE.has(mode)).map(reset),
      ...modes.filter((mode) => ALTERNATE.has(mode)).map(reset),
      // letters instead of line drawing, no insert mode, no colours
      '\u000f\u001b(B\u001b[4l\u001b[0m',
    ].join('')
  }
}
