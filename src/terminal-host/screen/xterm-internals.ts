import type { Terminal } from '@xterm/headless'

/**
 * What of @xterm/headless is used beyond its public interface, as of the one version that package.json names: a snapshot needs
 * what no public name tells (scroll region, tab stops, saved cursors, character sets, links). All such access is through here.
 */
export type Attributes = {
  fg: number
  bg: number
  /** `_ext`: style and colour of underlines; the public getter tells a style of its own where there is a link. */
  extended: { _ext: number; readonly urlId: number; clone(): Attributes['extended'] }
  clone(): Attributes
  updateExtended(): void
}
export type Charset = Readonly<Record<string, string>> | undefined
/** Of a hyperlink: those with the same id and target are one. */
export type Link = { readonly id?: string; readonly uri: string }
/** A line of cells. */
export type Line = { readonly length: number; readonly isWrapped: boolean; loadCell(x: number, cell: Cell): Cell }
export type Cell = Attributes & { getChars(): string; getWidth(): number }
export type Buffer = {
  readonly lines: { readonly length: number; maxLength: number; get(index: number): Line | undefined }
  readonly ybase: number
  /** From 0 to the number of columns: there, the next character wraps. */
  x: number
  y: number
  readonly scrollTop: number
  readonly scrollBottom: number
  readonly tabs: Readonly<Record<number, boolean | undefined>>
}
export type Internals = {
  readonly _bufferService: { readonly buffers: { readonly normal: Buffer; readonly alt: Buffer; readonly active: Buffer } }
  readonly _charsetService: { charset: Charset; readonly glevel: number; _charsets: Charset[]; setgLevel(level: number): void }
  readonly _oscLinkService: {
    registerLink(link: Link): number
    addLineToLink(id: number, y: number): void
    getLinkData(id: number): Link | undefined
  }
  readonly coreService: {
    readonly isCursorHidden: boolean
    readonly modes: { readonly insertMode: boolean }
    readonly decPrivateModes: {
      readonly applicationCursorKeys: boolean
      readonly applicationKeypad: boolean
      readonly bracketedPasteMode: boolean
      readonly cursorBlink: boolean | undefined
      readonly cursorStyle: 'block' | 'underline' | 'bar' | undefined
      readonly origin: boolean
      readonly reverseWraparound: boolean
      readonly sendFocus: boolean
      readonly synchronizedOutput: boolean
      readonly wraparound: boolean
    }
  }
  readonly coreMouseService: { readonly activeProtocol: string; readonly activeEncoding: string }
  readonly _inputHandler: {
    _curAttrData: Attributes
    readonly _parser: {
      readonly precedingJoinState: number
      /** The handler is given the parameters themselves. */
      registerCsiHandler(
        id: { readonly intermediates?: string; readonly final: string },
        handler: (params: { readonly params: Int32Array }) => boolean,
      ): unknown
    }
    saveCursor(): boolean
    restoreCursor(): boolean
    _restrictCursor(): void
    eraseInDisplay(params: { readonly params: readonly number[]; readonly length: number }, respectsProtection: boolean): boolean
  }
}

/** @throws TypeError where the package is not of the version that this was written for */
export const internalsOf = (terminal: Terminal): Internals => {
  const { _core: core } = terminal as unknown as { readonly _core?: Partial<Internals> }
  const { _inputHandler: handler, _bufferService: buffers, _charsetService: charsets, _oscLinkService: links } = core ?? {}
  if (
    typeof handler?.restoreCursor !== 'function' ||
    typeof handler._parser.precedingJoinState !== 'number' ||
    typeof handler._curAttrData.fg !== 'number' ||
    typeof buffers?.buffers.normal.scrollBottom !== 'number' ||
    typeof buffers.buffers.alt.lines.maxLength !== 'number' ||
    !Array.isArray(charsets?._charsets) ||
    typeof links?.registerLink !== 'function' ||
    typeof core?.coreService?.decPrivateModes.wraparound !== 'boolean' ||
    typeof core.coreMouseService?.activeEncoding !== 'string'
  )
    throw new TypeError('@xterm/headless is of a version whose screens cannot be read')
  return core as Internals
}

/** A cell to load others into. */
export const freshCell = (terminal: Terminal): Cell => terminal.buffer.active.getNullCell() as unknown as Cell
