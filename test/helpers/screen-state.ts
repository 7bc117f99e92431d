import { charsetName, type Screen } from '../../src/terminal-host/screen/screen.ts'
import { isProtected, linkOfCell, sgr, sgrOfCell } from '../../src/terminal-host/screen/sgr.ts'
import { type Buffer as CellBuffer, freshCell } from '../../src/terminal-host/screen/xterm-internals.ts'

/** One text a row: characters with what they look like, where that changes. An erased cell looks as a space. */
const rowsOf = (screen: Screen, buffer: CellBuffer, from: number, wraps: boolean): string[] => {
  const cell = freshCell(screen.terminal)
  const rows: string[] = []
  for (let index = from; index < buffer.lines.length; index += 1) {
    const line = buffer.lines.get(index)
    if (line === undefined) continue
    let text = wraps && index > from && line.isWrapped ? '↳' : ''
    let look = ''
    for (let x = 0; x < screen.terminal.cols; x += 1) {
      line.loadCell(x, cell)
      if (cell.getWidth() === 0) continue
      const link = linkOfCell(cell)
      const uri = link === 0 ? '' : JSON.stringify(screen.internals._oscLinkService.getLinkData(link))
      const now = `${sgrOfCell(cell).slice(1)}${isProtected(cell) ? '!' : ''}${uri}`
      if (now !== look) text += `{${now}}`
      look = now
      text += cell.getChars() === '' || x + cell.getWidth() > screen.terminal.cols ? ' ' : cell.getChars()
    }
    rows.push(text.replace(/ +$/u, ''))
  }
  return rows
}

/**
 * Everything that a person sees, and everything that decides what output does next.
 * @param options `above`: lines of scrollback; `wraps`: whether a line goes on from the one above
 */
export const screenState = (
  screen: Screen,
  { above = 0, wraps = true }: { readonly above?: number; readonly wraps?: boolean } = {},
): object => {
  const { _bufferService, _charsetService, _inputHandler, coreService, coreMouseService } = screen.internals
  const { normal, alt, active } = _bufferService.buffers
  const now = _inputHandler._curAttrData
  const bufferState = (buffer: CellBuffer): object => {
    const saved = screen.savedCursor(buffer)
    return {
      rows: rowsOf(screen, buffer, Math.max(0, buffer.ybase - above), wraps),
      region: [buffer.scrollTop, buffer.scrollBottom],
      tabs: Array.from({ length: screen.terminal.cols }, (_, x) => (x > 0 && buffer.tabs[x] === true ? x : 0)).filter((x) => x > 0),
      saved: {
        // what it is restored to
        x: Math.min(saved?.x ?? 0, screen.terminal.cols - 1),
        y: Math.min(saved?.y ?? 0, screen.terminal.rows - 1),
        look: saved === undefined ? '\u001b[0m' : sgr(saved.attributes),
        charsets: [0, 1, 2, 3].map((index) => charsetName(saved?.charsets[index])),
        level: saved?.level ?? 0,
      },
    }
  }
  return {
    normal: bufferState(normal),
    alternate: active === alt ? bufferState(alt) : null,
    cursor: [active.x, active.y, coreService.isCursorHidden],
    look: `${sgr(now)}${isProtected(now) ? '!' : ''}`,
    link: now.extended.urlId === 0 ? null : screen.internals._oscLinkService.getLinkData(now.extended.urlId),
    charsets: [0, 1, 2, 3].map((index) => charsetName(_charsetService._charsets[index])),
    level: _charsetService.glevel,
    modes: { ...coreService.modes, ...coreService.decPrivateModes },
    mouse: [coreMouseService.activeProtocol, coreMouseService.activeEncoding],
    further: [...screen.modes].sort(([a], [b]) => a - b),
    keyboard: [screen.keyboard.normal, active === alt ? screen.keyboard.alternate : []],
    modifiers: [...screen.modifiers].sort(([a], [b]) => a - b),
    colours: [...screen.colours].sort(([a], [b]) => (a < b ? -1 : 1)),
    title: screen.title,
  }
}
