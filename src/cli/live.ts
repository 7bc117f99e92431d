import type { Clock, Timer } from '../ports/clock.port.ts'
import type { Output } from './io.ts'
import { widthOf } from './text.ts'

const HIDE_CURSOR = '\u001b[?25l'
const SHOW_CURSOR = '\u001b[?25h'
/** Synchronized output: a terminal that knows it shows a frame as a whole. Others ignore it. */
const BEGIN_FRAME = '\u001b[?2026h'
const END_FRAME = '\u001b[?2026l'
const CLEAR_TO_END_OF_LINE = '\u001b[K'
const CLEAR_TO_END_OF_SCREEN = '\u001b[J'

/** At most ten redraws a second. */
export const FRAME_MS = 100

export type Screen = { readonly width: number; readonly height: number }
export type LiveOptions = {
  readonly out: Output
  readonly write: (text: string) => void
  readonly clock: Clock
  /** Must return lines no wider than the screen, and no more than fit on it. */
  readonly render: (screen: Screen) => readonly string[]
}

export type Live = {
  /** Takes the drawing away and gives the cursor back. Idempotent. */
  stop(): void
}

/** Of a terminal; where it does not say, 80 × 24. */
export const screenOf = ({ columns, rows }: Output): Screen => ({
  width: columns === undefined || columns < 1 ? 80 : columns,
  // one row stays free for the cursor, so that the screen never scrolls
  height: Math.max(1, (rows === undefined || rows < 1 ? 24 : rows) - 1),
})

/** Rows that lines take once a terminal of this width has wrapped them. */
const rowsOf = (widths: readonly number[], width: number): number =>
  widths.reduce((sum, line) => sum + Math.max(1, Math.ceil(line / width)), 0)

/**
 * Draws in place, over what it drew before. Writes nothing while nothing changes. Not log-update, because that counts
 * the rows of the last frame as they were before a resize, and so leaves pieces of it on the screen.
 */
export const startLive = ({ out, write, clock, render }: LiveOptions): Live => {
  let drawn = ''
  let widths: readonly number[] = []
  let drawnWidth = 0
  let timer: Timer | null = null
  let stopped = false

  const toTop = (width: number): string => {
    const rows = rowsOf(widths, width)
    return rows === 0 ? '\r' : `\u001b[${rows}A\r`
  }
  const draw = (): void => {
    const screen = screenOf(out)
    const lines = render(screen)
    const text = lines.map((line) => `${line}${CLEAR_TO_END_OF_LINE}\n`).join('')
    if (text === drawn && screen.width === drawnWidth) return
    write(`${BEGIN_FRAME}${HIDE_CURSOR}${toTop(screen.width)}${text}${CLEAR_TO_END_OF_SCREEN}${END_FRAME}`)
    drawn = text
    drawnWidth = screen.width
    widths = lines.map(widthOf)
  }
  const tick = (): void => {
    if (stopped) return
    draw()
    timer = clock.setTimer(FRAME_MS, tick)
  }
  // whatever ends the process, the person gets the cursor back
  const restore = (): void => write(SHOW_CURSOR)
  process.once('exit', restore)
  tick()
  return {
    stop() {
      if (stopped) return
      stopped = true
      timer?.cancel()
      process.removeListener('exit', restore)
      write(`${BEGIN_FRAME}${toTop(screenOf(out).width)}${CLEAR_TO_END_OF_SCREEN}${SHOW_CURSOR}${END_FRAME}`)
    },
  }
}
