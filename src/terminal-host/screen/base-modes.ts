import { pendingOf } from './pending.ts'

const ESC = 0x1b
/** A sequence cut by the end of a piece is waited for up to this length. */
const MOST_CUT = 4_096
const MOST_COLOURS = 300
const NOTHING = new Uint8Array(0)
const ALTERNATE = new Set([47, 1047, 1049])
/** Modes that do something once, or that a replay would suffer from. */
const IGNORED = new Set([2, 3, 1048, 2026])
/** What a soft reset takes back, of private modes. */
const SOFT = [1, 6, 7, 25, 45, 66, 1004, 2004]

const SEQUENCE =
  // oxlint-disable-next-line no-control-regex
  /\u001b(?:\[(?:\?([\d;]*)([hl])|([\d;]*)r|([<>=])([\d;]*)u|>(\d+)(?:;(\d*))?m|4([hl])|(!p)|(\d*) q)|([=>c])|([()])(.)|\]([^\u0007\u001b\u0018\u001a]*)(?:\u0007|\u001b\\))/gu

const pushing = (flags: readonly string[]): string => flags.map((each) => `\u001b[>${each}u`).join('')

/**
 * What a program has set on its terminal, up to some place in its output, without the text on it: what output after that place
 * needs to be shown right. Costs a look for ESC where output has none.
 */
export class BaseModes {
  private readonly modes = new Map<number, boolean>()
  private readonly modifiers = new Map<string, string>()
  /** Of titles and colours: what set them last. */
  private readonly named = new Map<string, string>()
  private readonly charsets = new Map<string, string>()
  private normalKeyboard: string[] = []
  private alternateKeyboard: string[] = []
  private isAlternate = false
  private left = 0
  private region = ''
  private keypad = false
  private inserts = false
  private cursor = ''
  private cut: Uint8Array = NOTHING

  /** Whether more than the last lines of output is needed to know what is on the screen. */
  get needsScreen(): boolean {
    return this.isAlternate || this.region !== ''
  }

  /** How often the alternate screen was left: it is empty then. */
  get alternatesLeft(): number {
    return this.left
  }

  /** The end of what was seen, where a sequence begins there: output after it continues that. */
  get begun(): Uint8Array {
    return this.cut
  }

  /** Goes on by this output. */
  see(bytes: Uint8Array): void {
    if (this.cut.length === 0 && !bytes.includes(ESC)) return
    const all = this.cut.length === 0 ? bytes : Buffer.concat([this.cut, bytes])
    const cut = pendingOf(all.subarray(Math.max(0, all.length - MOST_CUT)))
    this.cut = cut[0] === ESC ? cut.slice() : NOTHING
    for (const match of Buffer.from(all.buffer, all.byteOffset, all.byteLength).toString('latin1').matchAll(SEQUENCE)) this.take(match)
  }

  private take(match: RegExpMatchArray): void {
    const [whole, modes, set, region, keyboard, flags = '', modifier, value, insert, soft, cursor, single, charset, name, osc] = match
    if (modes !== undefined) for (const mode of modes.split(';')) this.setMode(Number(mode), set === 'h')
    else if (region !== undefined) this.region = region === '' || region === ';' ? '' : whole
    else if (keyboard !== undefined) this.setKeyboard(keyboard, flags)
    else if (modifier !== undefined) this.modifiers.set(modifier, value ?? '')
    else if (insert !== undefined) this.inserts = insert === 'h'
    else if (soft !== undefined) this.softReset()
    else if (cursor !== undefined) this.cursor = whole
    else if (single === 'c') this.reset()
    else if (single !== undefined) this.keypad = single === '='
    else if (charset !== undefined) this.charsets.set(charset, name ?? 'B')
    else if (osc !== undefined) this.setNamed(osc)
  }

  private setMode(mode: number, value: boolean): void {
    if (ALTERNATE.has(mode)) {
      if (this.isAlternate && !value) this.left += 1
      this.isAlternate = value
      if (!value) this.alternateKeyboard = []
    } else if (mode > 0 && !IGNORED.has(mode)) this.modes.set(mode, value)
  }

  private setKeyboard(how: string, flags: string): void {
    const stack = this.isAlternate ? this.alternateKeyboard : this.normalKeyboard
    if (how === '<') stack.splice(-Math.max(1, Number(flags) || 1))
    else {
      if (how === '=') stack.pop()
      stack.push(String(Number(flags.split(';')[0])))
      if (stack.length > 16) stack.shift()
    }
  }

  private setNamed(osc: string): void {
    const [, code = '', data = ''] = /^(\d{1,3});?(.*)$/su.exec(osc) ?? []
    if (code === '0' || code === '2') this.named.set('2', `2;${data}`)
    else if (code === '104' && data === '') for (const key of this.named.keys()) if (key.startsWith('4;')) this.named.delete(key)
    if (code === '110' || code === '111' || code === '112') this.named.delete(String(Number(code) - 100))
    if (data.includes('?') || this.named.size > MOST_COLOURS) return
    if (code === '10' || code === '11' || code === '12') this.named.set(code, osc)
    else if (code === '4') this.named.set(`4;${data.split(';')[0] ?? ''}`, osc)
  }

  private softReset(): void {
    this.region = ''
    this.inserts = false
    this.keypad = false
    this.charsets.clear()
    for (const mode of SOFT) this.modes.delete(mode)
  }

  private reset(): void {
    this.softReset()
    this.modes.clear()
    this.modifiers.clear()
    this.named.clear()
    this.normalKeyboard = []
    this.alternateKeyboard = []
    this.isAlternate = false
    this.cursor = ''
  }

  /** What brings the keyboard of a normal screen to where this is, whatever was pushed on it. */
  keyboard(): Uint8Array {
    return Buffer.from(`\u001b[<16u${pushing(this.normalKeyboard)}`, 'latin1')
  }

  /** What brings a new terminal to where this is: the cursor is in the last row of a normal screen, as it is when text has scrolled. */
  prefix(): Uint8Array {
    const private_ = [...this.modes].filter(([mode]) => mode !== 6).map(([mode, value]) => `\u001b[?${mode}${value ? 'h' : 'l'}`)
    const text = [
      ...private_,
      pushing(this.normalKeyboard),
      this.isAlternate ? `\u001b[?1049h${pushing(this.alternateKeyboard)}` : '',
      this.region,
      this.isAlternate ? '' : '\u001b[9999;1H',
      this.modes.get(6) === true ? '\u001b[?6h' : '',
      this.keypad ? '\u001b=' : '',
      this.inserts ? '\u001b[4h' : '',
      this.cursor,
      ...[...this.modifiers].map(([what, value]) => `\u001b[>${what}${value === '' ? '' : `;${value}`}m`),
      ...[...this.charsets].map(([to, name]) => `\u001b${to}${name}`),
      ...[...this.named.values()].map((each) => `\u001b]${each}\u001b\\`),
    ]
    return Buffer.from(text.join(''), 'latin1')
  }
}
