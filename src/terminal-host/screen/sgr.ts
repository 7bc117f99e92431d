import type { Attributes } from './xterm-internals.ts'

const MODE = 0x3_00_00_00
const P16 = 0x1_00_00_00
const P256 = 0x2_00_00_00
const COLOUR = 0x3_ff_ff_ff
/** A cell without it has no attributes beyond `fg` and `bg`, whatever `extended` holds. */
const HAS_EXTENDED = 0x10_00_00_00
const PROTECTED = 0x20_00_00_00
const STYLE = 0x1c_00_00_00
const STYLE_SHIFT = 26

const FG_FLAGS = [
  [0x8_00_00_00, '1'],
  [0x20_00_00_00, '5'],
  [0x4_00_00_00, '7'],
  [0x40_00_00_00, '8'],
  [0x80_00_00_00, '9'],
] as const
const BG_FLAGS = [
  [0x8_00_00_00, '2'],
  [0x4_00_00_00, '3'],
  [0x40_00_00_00, '53'],
] as const
const UNDERLINE = 0x10_00_00_00

const colour = (value: number, first: number, bright: number, more: number): string[] => {
  const index = value & 0xff
  switch (value & MODE) {
    case 0:
      return []
    case P16:
      return [String(index < 8 ? first + index : bright + index - 8)]
    case P256:
      return [`${more};5;${index}`]
    default:
      return [`${more};2;${(value >>> 16) & 0xff};${(value >>> 8) & 0xff};${index}`]
  }
}

const underline = (fg: number, ext: number): string[] => {
  if ((fg & UNDERLINE) === 0) return []
  const style = (ext & STYLE) >>> STYLE_SHIFT
  return [style > 1 ? `4:${style}` : '4']
}

const underlineColour = (ext: number): string[] => {
  const value = ext & COLOUR
  // all ones: none, after one was taken back
  if (value === COLOUR || (value & MODE) === 0) return []
  if ((value & MODE) !== MODE) return [`58:5:${value & 0xff}`]
  return [`58:2::${(value >>> 16) & 0xff}:${(value >>> 8) & 0xff}:${value & 0xff}`]
}

/** What makes the attributes these, whatever they were before. Links and protection aside. */
export const sgr = ({ fg, bg, extended: { _ext: ext } }: Attributes): string => codes(fg, bg, ext)

const codes = (fg: number, bg: number, ext: number): string => {
  const all = [
    '0',
    ...FG_FLAGS.filter(([flag]) => (fg & flag) !== 0).map(([, code]) => code),
    ...BG_FLAGS.filter(([flag]) => (bg & flag) !== 0).map(([, code]) => code),
    ...underline(fg, ext),
    ...colour(fg, 30, 90, 38),
    ...colour(bg, 40, 100, 48),
    ...underlineColour(ext),
  ]
  return `\u001b[${all.join(';')}m`
}

export const PLAIN = '\u001b[0m'

/** The same of a cell. */
export const sgrOfCell = (cell: Attributes): string => {
  if (cell.fg === 0 && (cell.bg & ~PROTECTED) === 0) return PLAIN
  return codes(cell.fg, cell.bg, (cell.bg & HAS_EXTENDED) === 0 ? 0 : cell.extended._ext)
}

/** Id of the link of a cell; 0: none. */
export const linkOfCell = ({ bg, extended }: Attributes): number => ((bg & HAS_EXTENDED) === 0 ? 0 : extended.urlId)

export const isProtected = ({ bg }: Attributes): boolean => (bg & PROTECTED) !== 0

/** Of a cell that was erased: nothing but a background. */
export const isErased = ({ fg, bg }: Attributes): boolean => fg === 0 && (bg & ~COLOUR) === 0

export const hasBackground = ({ bg }: Attributes): boolean => (bg & MODE) !== 0
