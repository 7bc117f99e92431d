import { charsetName, type SavedCursor, type Screen } from './screen.ts'
import { hasBackground, isErased, isProtected, linkOfCell, PLAIN, sgr, sgrOfCell } from './sgr.ts'
import { type Attributes, type Buffer, type Cell, type Charset, freshCell, type Line } from './xterm-internals.ts'

const ESC = '\u001b'
const CSI = '\u001b['

/** Writes cells and what goes with them, one after the other, as a program would on a terminal that is new. */
class Pen {
  private readonly screen: Screen
  private parts: string[] = []
  private look = PLAIN
  private protects = false
  private link = 0

  constructor(screen: Screen) {
    this.screen = screen
  }

  add(text: string): void {
    this.parts.push(text)
  }

  /** Attributes of what is written next. */
  use(look: string, protects: boolean, link: number): void {
    if (look !== this.look || protects !== this.protects) {
      this.add(look)
      if (protects) this.add(`${CSI}1"q`)
    }
    this.look = look
    this.protects = protects
    if (link === this.link) return
    this.link = link
    const data = link === 0 ? undefined : this.screen.internals._oscLinkService.getLinkData(link)
    this.add(data === undefined ? `${ESC}]8;;${ESC}\\` : `${ESC}]8;${data.id === undefined ? '' : `id=${data.id}`};${data.uri}${ESC}\\`)
  }

  isUsing(look: string): boolean {
    return look === this.look && this.link === 0
  }

  usePlain(): void {
    this.use(PLAIN, false, 0)
  }

  useCell(cell: Attributes): void {
    this.use(sgrOfCell(cell), isProtected(cell), linkOfCell(cell))
  }

  useNow(attributes: Attributes): void {
    this.use(sgr(attributes), isProtected(attributes), attributes.extended.urlId)
  }

  toString(): string {
    return this.parts.join('')
  }
}

/** Whether terminals differ in how many columns this takes. */
const isUncertain = (chars: string): boolean => {
  const [first = ''] = chars
  const code = first.codePointAt(0) ?? 0
  return chars.length > first.length || code >= 0x1_f0_00 || (code >= 0x23_00 && code < 0x28_00)
}

const isBlank = (cell: Cell): boolean => cell.getChars() === '' && cell.fg === 0 && cell.bg === 0

/** Cells of a line up to the last that is not blank. */
const usedLength = (line: Line, length: number, cell: Cell): number => {
  for (let x = length; x > 0; x -= 1) if (!isBlank(line.loadCell(x - 1, cell))) return x
  return 0
}

const edgeLook = (cell: Cell): string => `${isProtected(cell) ? '!' : ''}${sgrOfCell(cell)}`

type Row = {
  readonly line: Line
  /** Columns: where the terminal became narrower a line may have more. */
  readonly length: number
  /** It goes on from the line above. */
  readonly isWrapped: boolean
  /** The line below goes on from it. */
  readonly wraps: boolean
  /** Look of the wide character that it begins with, which wraps by itself where one column is left. */
  readonly wide: string | null
}

const writeRow = (pen: Pen, { line, length, isWrapped, wraps, wide }: Row, cell: Cell): void => {
  const last = wraps ? length : Math.max(usedLength(line, length, cell), isWrapped ? 1 : 0)
  let skipped = 0
  /** Erased cells with a background, before those that are skipped. */
  let erased = 0
  const flush = (isEnd: boolean): void => {
    if (erased > 0) pen.add(`${CSI}${erased}X`)
    skipped += erased
    if (skipped > 0 && !isEnd) pen.add(`${CSI}${skipped}C`)
    skipped = 0
    erased = 0
  }
  for (let x = 0; x < last; x += 1) {
    line.loadCell(x, cell)
    const width = cell.getWidth()
    // of a wide character that a narrower terminal has cut in half nothing is seen
    const chars = x + width > length ? ' ' : cell.getChars()
    if (width === 0 && chars === '') continue
    const isEdge = wraps && x === length - 1
    if (chars === '' && isEdge && skipped + erased === 0 && wide === edgeLook(cell)) continue
    // where a line wraps something must be written at its end and at the beginning of the next
    if (chars === '' && isErased(cell) && !isEdge && !(isWrapped && x === 0)) {
      const look = hasBackground(cell) ? sgrOfCell(cell) : null
      if (look === null ? erased > 0 : skipped > 0 || !pen.isUsing(look)) flush(false)
      if (look === null) skipped += 1
      else {
        pen.useCell(cell)
        erased += 1
      }
      continue
    }
    flush(false)
    pen.useCell(cell)
    // a mark that has nothing to be on takes a place of its own
    if (width === 0) pen.add(`${CSI}${x + 1}G`)
    pen.add(chars === '' ? ' ' : chars)
    if (isWrapped && x === 0 && hasBackground(cell)) {
      // the line that came up with it has that background
      pen.usePlain()
      pen.add(`${CSI}K`)
    }
    const next = x + Math.max(1, width)
    if ((width === 0 || isUncertain(chars)) && next < length) pen.add(`${CSI}${next + 1}G`)
  }
  flush(true)
}

/** The rows of a buffer, at most `scrollback` of those above the screen. */
const writeRows = (pen: Pen, { lines, ybase }: Buffer, cols: number, scrollback: number, cell: Cell): void => {
  const first = Math.max(0, ybase - scrollback)
  let end = lines.length
  // above a screen that is scrolled all lines count
  if (first === ybase) while (end > first && isUnused(lines.get(end - 1), cols, cell)) end -= 1
  for (let index = first; index < end; index += 1) {
    const line = lines.get(index)
    const next = index + 1 < end ? lines.get(index + 1) : undefined
    if (line === undefined) break
    const isWrapped = index > first && line.isWrapped
    if (index > first && !isWrapped) {
      pen.usePlain()
      pen.add('\r\n')
    }
    const wraps = next?.isWrapped === true
    const wide = wraps && next.loadCell(0, cell).getWidth() === 2 ? edgeLook(cell) : null
    writeRow(pen, { line, length: cols, isWrapped, wraps, wide }, cell)
  }
  pen.usePlain()
}
const isUnused = (line: Line | undefined, cols: number, cell: Cell): boolean =>
  line !== undefined && !line.isWrapped && usedLength(line, cols, cell) === 0

const cursorTo = (x: number, y: number): string => `${CSI}${y + 1};${x + 1}H`

const charsets = (sets: readonly Charset[], level: number): string => {
  const select = ['(', ')', '*', '+'].map((to, index) => (sets[index] === undefined ? '' : `${ESC}${to}${charsetName(sets[index])}`))
  return `${select.join('')}${['', '\u000e', `${ESC}n`, `${ESC}o`][level] ?? ''}`
}
/** Back to those of a new terminal. */
const CHARSETS_RESET = `${ESC}(B${ESC})B${ESC}*B${ESC}+B\u000f`

const region = ({ scrollTop, scrollBottom }: Buffer, rows: number): string =>
  scrollTop === 0 && scrollBottom === rows - 1 ? '' : `${CSI}${scrollTop + 1};${scrollBottom + 1}r`

const TAB_WIDTH = 8
const tabs = ({ tabs: stops }: Buffer, cols: number): string => {
  const columns = Array.from({ length: cols }, (_, x) => x)
  if (columns.every((x) => x === 0 || (stops[x] === true) === (x % TAB_WIDTH === 0))) return ''
  const set = columns.filter((x) => stops[x] === true).map((x) => `${CSI}${x + 1}G${ESC}H`)
  return `${CSI}3g${set.join('')}\r`
}

/** Leaves attributes and character sets as of the saved cursor, and is there. */
const goToSaved = (pen: Pen, saved: SavedCursor): void => {
  pen.use(sgr(saved.attributes), isProtected(saved.attributes), 0)
  pen.add(cursorTo(saved.x, saved.y))
  pen.add(charsets(saved.charsets, saved.level))
}
const saveCursor = (pen: Pen, saved: SavedCursor | undefined): void => {
  if (saved === undefined) return
  goToSaved(pen, saved)
  pen.add(`${ESC}7`)
  pen.usePlain()
  pen.add(CHARSETS_RESET)
}

const keyboard = (flags: readonly number[]): string => flags.map((each) => `${CSI}>${each}u`).join('')

const MOUSE: Readonly<Record<string, number>> = { X10: 9, VT200: 1000, DRAG: 1002, ANY: 1003 }
const MOUSE_ENCODING: Readonly<Record<string, number>> = { SGR: 1006, SGR_PIXELS: 1016 }
const CURSOR = { block: 2, underline: 4, bar: 6 } as const

const modes = ({ internals, modes: further, modifiers, colours, title }: Screen): string => {
  const { coreService, coreMouseService } = internals
  const { decPrivateModes: dec, modes: ansi, isCursorHidden } = coreService
  const mouse = MOUSE[coreMouseService.activeProtocol]
  const encoding = MOUSE_ENCODING[coreMouseService.activeEncoding]
  const set = (is: boolean, mode: number): string => (is ? `${CSI}?${mode}h` : '')
  return [
    ...[...further].map(([mode, value]) => `${CSI}?${mode}${value ? 'h' : 'l'}`),
    set(dec.applicationCursorKeys, 1),
    dec.applicationKeypad ? `${ESC}=` : '',
    set(dec.bracketedPasteMode, 2004),
    set(dec.sendFocus, 1004),
    set(dec.reverseWraparound, 45),
    dec.wraparound ? '' : `${CSI}?7l`,
    mouse === undefined ? '' : set(true, mouse),
    encoding === undefined ? '' : set(true, encoding),
    dec.cursorStyle === undefined ? '' : `${CSI}${CURSOR[dec.cursorStyle] - (dec.cursorBlink === true ? 1 : 0)} q`,
    isCursorHidden ? `${CSI}?25l` : '',
    ansi.insertMode ? `${CSI}4h` : '',
    ...[...modifiers].map(([what, value]) => `${CSI}>${what};${value}m`),
    ...colours.values(),
    title === '' ? '' : `${ESC}]2;${title}${ESC}\\`,
    set(dec.synchronizedOutput, 2026),
    // it moves the cursor
    set(dec.origin, 6),
  ].join('')
}

/**
 * The cursor with its attributes. Where a character was written last it is written once more, so that what continues it (a
 * combining mark, a repetition, a line that wraps) does so here.
 */
const writeCursor = (pen: Pen, { internals, terminal: { cols } }: Screen, cell: Cell): void => {
  const { _bufferService, _charsetService, _inputHandler, coreService } = internals
  const { active } = _bufferService.buffers
  const { x, y, scrollTop } = active
  const line = active.lines.get(active.ybase + y)
  const sets = charsets(_charsetService._charsets, _charsetService.glevel)
  const row = y - (coreService.decPrivateModes.origin ? scrollTop : 0)
  const now = _inputHandler._curAttrData
  const continues = _inputHandler._parser.precedingJoinState !== 0 && x > 0
  if (line === undefined || (!continues && x < cols)) {
    pen.add(sets)
    pen.useNow(now)
    pen.add(cursorTo(x, row))
    return
  }
  const isSecond = x > 1 && line.loadCell(x - 1, cell).getWidth() === 0 && cell.getChars() === ''
  const at = isSecond ? x - 2 : x - 1
  line.loadCell(at, cell)
  const chars = cell.getChars() === '' ? ' ' : cell.getChars()
  // a wide one that found no room at the edge is nowhere
  const joins = continues && sgrOfCell(cell) === sgrOfCell(now)
  if (joins) {
    pen.add(sets)
    pen.useNow(now)
  } else pen.useCell(cell)
  pen.add(cursorTo(at, row))
  // it would move the rest of the line
  if (coreService.modes.insertMode) pen.add(`${CSI}${x - at}P`)
  pen.add(chars)
  if (joins) return
  pen.useNow(now)
  if (x < cols) pen.add(cursorTo(x, row))
  // also where it changes nothing: nothing continues the character then
  pen.add(`${sets}${sgr(now)}${isProtected(now) ? `${CSI}1"q` : ''}`)
}

/**
 * What shows this screen on a terminal that is new: its text with `scrollback` lines above, and everything that decides what
 * output after it does. Of a terminal of the same size.
 */
export const serialize = (screen: Screen, scrollback: number): Uint8Array => {
  const { normal, alt, active } = screen.internals._bufferService.buffers
  const { cols, rows } = screen.terminal
  const cell = freshCell(screen.terminal)
  const pen = new Pen(screen)
  writeRows(pen, normal, cols, scrollback, cell)
  pen.add(tabs(normal, cols))
  pen.add(region(normal, rows))
  pen.add(keyboard(screen.keyboard.normal))
  const saved = screen.savedCursor(normal)
  if (active === alt) {
    if (saved === undefined) pen.add(cursorTo(0, 0))
    else goToSaved(pen, saved)
    pen.add(`${CSI}?1049h`)
    pen.usePlain()
    pen.add(`${CHARSETS_RESET}${CSI}r${CSI}2J${CSI}H`)
    writeRows(pen, alt, cols, 0, cell)
    pen.add(tabs(alt, cols))
    pen.add(region(alt, rows))
    pen.add(keyboard(screen.keyboard.alternate))
    saveCursor(pen, screen.savedCursor(alt))
  } else saveCursor(pen, saved)
  pen.add(modes(screen))
  writeCursor(pen, screen, cell)
  return Buffer.concat([Buffer.from(pen.toString()), screen.pending])
}
