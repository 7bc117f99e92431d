import { createRequire } from 'node:module'
import type * as Headless from '@xterm/headless'
import type * as Unicode11 from '@xterm/addon-unicode11'
import { pendingOf, rawPendingOf } from './pending.ts'
import { type Attributes, type Buffer, type Charset, type Internals, internalsOf, type Link } from './xterm-internals.ts'

// Both packages are CommonJS, whose names Node does not find by import.
const require = createRequire(import.meta.url)
const { Terminal } = require('@xterm/headless') as typeof Headless
const { Unicode11Addon } = require('@xterm/addon-unicode11') as typeof Unicode11

export type SavedCursor = {
  readonly x: number
  /** Of the screen. */
  readonly y: number
  readonly attributes: Attributes
  readonly charsets: readonly Charset[]
  readonly level: number
}

/** Sequences that select a character set, for the sets that the emulator knows. */
const CHARSETS = ['0', 'A', '4', 'C', 'R', 'Q', 'K', 'Y', 'E', 'Z', 'H', '='] as const

/** Private modes that the emulator follows itself, or that do something once. All others are noted as they are set. */
const FOLLOWED = new Set([1, 2, 3, 6, 7, 9, 25, 45, 47, 66, 1000, 1002, 1003, 1004, 1006, 1016, 1047, 1048, 1049, 2004, 2026])
const ALTERNATE = new Set([47, 1047, 1049])
/** Sequences that are done as often as their parameter says. */
const REPEATED = '@ILMPSTXZb'
const REPEATED_BESIDE = [
  { intermediates: ' ', final: '@' },
  { intermediates: ' ', final: 'A' },
  { intermediates: "'", final: '}' },
  { intermediates: "'", final: '~' },
]
/** Colours that programs set, by the number of their sequence: each of the palette, text, background, cursor. */
const MOST_COLOURS = 300
/** Of hyperlinks that are remembered. */
const MOST_LINKS = 10_000
/** Of a sequence that does not end: the emulator takes no longer ones either. */
const MOST_PENDING = 10_000_000

/**
 * A terminal that nobody sees, with all that one needs to know to draw it elsewhere: what @xterm/headless follows, and what it
 * leaves to the terminal that shows it (keyboard protocols, colours, further modes). Cursors are saved and restored as
 * terminals do, in rows of the screen and with character sets; the package counts rows of the scrollback.
 */
export class Screen {
  readonly terminal: Headless.Terminal
  readonly internals: Internals
  /** Further private modes, as they were last set. */
  readonly modes: Map<number, boolean> = new Map()
  /** Keyboard flags pushed (`CSI > flags u`), by screen. */
  readonly keyboard: { normal: number[]; alternate: number[] } = { normal: [], alternate: [] }
  /** modifyOtherKeys and its like (`CSI > n ; m m`). */
  readonly modifiers: Map<number, number> = new Map()
  /** What sets a colour, by what it sets: `4;1`, `11`. */
  readonly colours: Map<string, string> = new Map()
  title = ''
  private readonly saved = new WeakMap<Buffer, SavedCursor>()
  private begun: Uint8Array = new Uint8Array(0)

  constructor(cols: number, rows: number, scrollback: number) {
    this.terminal = new Terminal({ cols, rows, scrollback, allowProposedApi: true, logLevel: 'off' })
    this.terminal.loadAddon(new Unicode11Addon())
    this.terminal.unicode.activeVersion = '11'
    this.internals = internalsOf(this.terminal)
    this.keepLinks()
    this.follow()
  }

  /** Resolves when all of it was carried out. */
  write(bytes: Uint8Array | string): Promise<void> {
    const given = typeof bytes === 'string' ? new TextEncoder().encode(bytes) : bytes
    if (given.length > 0)
      this.begun = rawPendingOf(this.begun.length === 0 ? given : Buffer.concat([this.begun, given])).slice(0, MOST_PENDING)
    return new Promise((resolve) => this.terminal.write(given, resolve))
  }

  resize(cols: number, rows: number): void {
    this.terminal.resize(cols, rows)
    const { alt } = this.internals._bufferService.buffers
    // or a program that fills the screen later has lines above it, as many as the screen once had more
    if (alt.lines.length === 0) alt.lines.maxLength = rows
  }

  /** The beginning of a control sequence or a character, whose end has not come. */
  get pending(): Uint8Array {
    return pendingOf(this.begun)
  }

  /** Of that, in bytes of output. */
  get pendingLength(): number {
    return this.begun.length
  }

  get isAlternate(): boolean {
    const { active, alt } = this.internals._bufferService.buffers
    return active === alt
  }

  savedCursor(buffer: Buffer): SavedCursor | undefined {
    return this.saved.get(buffer)
  }

  dispose(): void {
    this.terminal.dispose()
  }

  private follow(): void {
    const { parser } = this.terminal
    const { _inputHandler: handler } = this.internals
    handler.saveCursor = () => this.save()
    handler.restoreCursor = () => this.restore()
    // The package does each of them as often as it is told, which may take minutes; what is beyond the screen changes nothing.
    for (const id of REPEATED.split('')
      .map((final) => ({ final }))
      .concat(REPEATED_BESIDE)) {
      handler._parser.registerCsiHandler(id, ({ params }) => {
        const most = id.final === 'b' ? this.terminal.cols * this.terminal.rows : Math.max(this.terminal.cols, this.terminal.rows)
        if ((params[0] ?? 0) > most) params[0] = most
        return false
      })
    }
    const set = (value: boolean) => (params: readonly (number | number[])[]) => {
      for (const mode of params) {
        if (typeof mode !== 'number') continue
        if (!value && ALTERNATE.has(mode)) this.keyboard.alternate = []
        if (mode > 0 && !FOLLOWED.has(mode)) this.modes.set(mode, value)
      }
      return false
    }
    parser.registerCsiHandler({ prefix: '?', final: 'h' }, set(true))
    parser.registerCsiHandler({ prefix: '?', final: 'l' }, set(false))
    for (const protects of [false, true]) {
      // up to the cursor in the last column of the last row: the package fails, looking for the row below
      parser.registerCsiHandler({ ...(protects && { prefix: '?' }), final: 'J' }, ([what]) => {
        const { x, y } = this.internals._bufferService.buffers.active
        if (what !== 1 || x < this.terminal.cols - 1 || y < this.terminal.rows - 1) return false
        return handler.eraseInDisplay({ params: [2], length: 1 }, protects)
      })
    }
    parser.registerCsiHandler({ prefix: '>', final: 'u' }, ([flags = 0]) => {
      const stack = this.keyboardNow
      stack.push(Number(flags))
      if (stack.length > 16) stack.shift()
      return true
    })
    parser.registerCsiHandler({ prefix: '<', final: 'u' }, ([count = 1]) => {
      this.keyboardNow.splice(-Math.max(1, Number(count)))
      return true
    })
    parser.registerCsiHandler({ prefix: '=', final: 'u' }, ([flags = 0, how = 1]) => {
      const stack = this.keyboardNow
      const now = stack.pop() ?? 0
      stack.push(how === 3 ? now & ~Number(flags) : how === 2 ? now | Number(flags) : Number(flags))
      return true
    })
    parser.registerCsiHandler({ prefix: '>', final: 'm' }, ([what = 0, value]) => {
      if (value === undefined) this.modifiers.delete(Number(what))
      else this.modifiers.set(Number(what), Number(value))
      return true
    })
    parser.registerCsiHandler({ intermediates: '!', final: 'p' }, () => {
      this.saved.delete(this.internals._bufferService.buffers.active)
      return false
    })
    parser.registerEscHandler({ final: 'c' }, () => {
      this.modes.clear()
      this.modifiers.clear()
      this.colours.clear()
      this.keyboard.normal = []
      this.keyboard.alternate = []
      return false
    })
    this.terminal.onTitleChange((title) => (this.title = title))
    for (const code of [10, 11, 12]) {
      parser.registerOscHandler(code, (data) => this.colour(String(code), code, data))
      parser.registerOscHandler(code + 100, () => !this.colours.delete(String(code)))
    }
    parser.registerOscHandler(4, (data) => {
      for (const [, index = '', value = ''] of data.matchAll(/(\d{1,3});([^;]*)/gu)) this.colour(`4;${index}`, 4, `${index};${value}`)
      return false
    })
    parser.registerOscHandler(104, (data) => {
      const indices =
        data === '' ? [...this.colours.keys()].filter((key) => key.startsWith('4;')).map((key) => key.slice(2)) : data.split(';')
      for (const index of indices) this.colours.delete(`4;${index}`)
      return false
    })
  }

  private colour(key: string, code: number, data: string): boolean {
    if (!data.includes('?') && (this.colours.has(key) || this.colours.size < MOST_COLOURS))
      this.colours.set(key, `\u001b]${code};${data}\u001b\\`)
    return false
  }

  /** The package forgets a link with the lines that it began in, also while it is written, and marks each line at a cost. */
  private keepLinks(): void {
    const { _oscLinkService: service } = this.internals
    const links = new Map<number, Link>()
    const ids = new Map<string, number>()
    let last = 0
    service.registerLink = (link) => {
      const key = link.id === undefined ? null : `${link.id};${link.uri}`
      const known = key === null ? undefined : ids.get(key)
      if (known !== undefined && links.has(known)) return known
      last += 1
      links.set(last, link)
      if (key !== null) ids.set(key, last)
      links.delete(last - MOST_LINKS)
      if (ids.size > MOST_LINKS) ids.clear()
      return last
    }
    service.addLineToLink = () => {}
    service.getLinkData = (id) => links.get(id)
  }

  private get keyboardNow(): number[] {
    return this.isAlternate ? this.keyboard.alternate : this.keyboard.normal
  }

  private save(): boolean {
    const { _bufferService, _charsetService, _inputHandler } = this.internals
    const { active } = _bufferService.buffers
    this.saved.set(active, {
      x: active.x,
      y: active.y,
      attributes: copyOf(_inputHandler._curAttrData),
      charsets: [..._charsetService._charsets],
      level: _charsetService.glevel,
    })
    return true
  }

  private restore(): boolean {
    const { _bufferService, _charsetService, _inputHandler } = this.internals
    const { active } = _bufferService.buffers
    const saved = this.saved.get(active)
    const { rows } = this.terminal
    active.x = saved?.x ?? 0
    active.y = Math.min(saved?.y ?? 0, rows - 1)
    const now = _inputHandler._curAttrData
    now.fg = saved?.attributes.fg ?? 0
    now.bg = saved?.attributes.bg ?? 0
    // a link is not of the cursor
    now.extended = now.extended.clone()
    now.extended._ext = saved?.attributes.extended._ext ?? 0
    now.updateExtended()
    _charsetService._charsets = [...(saved?.charsets ?? [])]
    _charsetService.setgLevel(saved?.level ?? 0)
    _inputHandler._restrictCursor()
    return true
  }
}

const copyOf = (attributes: Attributes): Attributes => {
  const copy = attributes.clone()
  copy.extended = attributes.extended.clone()
  return copy
}

/** The sequence that selects a character set, without the part that says of which G. */
export const charsetName: (charset: Charset) => string = (() => {
  let names: Map<Charset, string> | null = null
  return (charset) => {
    if (names === null) {
      names = new Map()
      const probe = new Screen(2, 1, 0)
      const { _core: core } = probe.terminal as unknown as { _core: { writeSync(data: string): void } }
      for (const name of CHARSETS) {
        core.writeSync(`\u001b(${name}`)
        names.set(probe.internals._charsetService._charsets[0], name)
      }
      names.set(undefined, 'B')
      probe.dispose()
    }
    return names.get(charset) ?? 'B'
  }
})()
