import { Buffer as Bytes } from 'node:buffer'
import { lastCommand } from './command-marks.ts'
import type { DrawnText, TextRequest } from './messages.ts'
import { Screen } from './screen.ts'
import type { Buffer } from './xterm-internals.ts'

/** Rows above the screen, for lines that wrap and those that are written over. */
const ROWS_PER_LINE = 4
const MOST_ROWS = 20_000
/** Cells of all rows. */
const MOST_CELLS = 4_000_000
/** Output that the emulator is given at once. */
const PIECE_BYTES = 262_144

/** The lines of a buffer, those that wrap as one, without the empty ones at the end. */
const linesOf = ({ lines }: Buffer, terminal: Screen['terminal'], isAlternate: boolean): string[] => {
  const shown = isAlternate ? terminal.buffer.alternate : terminal.buffer.normal
  const texts: string[] = []
  for (let index = 0; index < lines.length; index += 1) {
    const line = shown.getLine(index)
    if (line === undefined) continue
    const wraps = shown.getLine(index + 1)?.isWrapped === true
    const text = line.translateToString(!wraps)
    if (line.isWrapped && texts.length > 0) texts[texts.length - 1] += text
    else texts.push(text)
  }
  while (texts.at(-1) === '') texts.pop()
  return texts.map((text) => text.trimEnd())
}

/** What this output leaves on a terminal. */
const rendered = async (
  bytes: Uint8Array,
  { cols, rows, lines }: TextRequest,
): Promise<{ lines: string[]; isCut: boolean; altScreen: boolean; pendingBytes: number }> => {
  const above = Math.min(lines * ROWS_PER_LINE, MOST_ROWS, Math.floor(MOST_CELLS / Math.max(cols, 2)))
  const screen = new Screen(cols, rows, above)
  try {
    for (let at = 0; at < bytes.length; at += PIECE_BYTES) await screen.write(bytes.subarray(at, at + PIECE_BYTES))
    const { normal, alt } = screen.internals._bufferService.buffers
    const all = linesOf(screen.isAlternate ? alt : normal, screen.terminal, screen.isAlternate)
    return {
      lines: all.slice(-lines),
      isCut: all.length > lines || (!screen.isAlternate && normal.ybase >= above && above > 0),
      altScreen: screen.isAlternate,
      pendingBytes: screen.pendingLength,
    }
  } finally {
    screen.dispose()
  }
}

/** @returns null where the last command is asked for, and nothing is marked */
export const textOf = async (request: TextRequest): Promise<DrawnText | null> => {
  const bytes = Bytes.from(request.bytes.buffer, request.bytes.byteOffset, request.bytes.length)
  if (!request.lastCommand) {
    const { pendingBytes, ...text } = await rendered(bytes, request)
    return { ...text, start: 0, end: bytes.length - pendingBytes, command: null }
  }
  const command = lastCommand(bytes)
  if (command === null) return null
  const { start, end, typed, isRunning, exitCode } = command
  const { pendingBytes, ...text } = await rendered(bytes.subarray(start, end), request)
  const words = typed === null ? null : (await rendered(bytes.subarray(typed.start, typed.end), request)).lines.join('\n').trim()
  return { ...text, isCut: text.isCut || command.isCut, start, end: end - pendingBytes, command: { text: words, isRunning, exitCode } }
}
