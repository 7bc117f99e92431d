import { SignalboxError } from '../../protocols/errors.ts'
import type { SearchOptions, SearchResult, TerminalText, TextOptions } from '../../protocols/terminal-text.ts'
import type { KeptOutput } from './screen-keeper.ts'
import type { Screens } from './screens.ts'

const DEFAULT_LINES = 1_000
const MOST_LINES = 10_000
const DEFAULT_LIMIT = 100
const MOST_PATTERN = 1_000
/** A larger terminal is taken for one of this size: lines that wrap are joined anyway. */
const MOST_COLS = 1_000
const MOST_ROWS = 500

const invalid = (why: string): SignalboxError => new SignalboxError('ERR_PTY_INVALID_ARGUMENT', why)

const checkWhole = (name: string, value: number, min: number, max: number): void => {
  if (Number.isSafeInteger(value) && value >= min && value <= max) return
  throw invalid(`${name} is ${value}; it must be a whole number from ${min} to ${max}`)
}

export type TextParts = {
  readonly output: KeptOutput
  readonly texts: Pick<Screens, 'ask'>
  readonly size: { readonly cols: number; readonly rows: number }
}

/**
 * Output as text, made in a thread.
 * @throws ERR_PTY_INVALID_ARGUMENT, ERR_TERMINAL_UNMARKED, ERR_SCREEN_UNAVAILABLE
 */
export const outputText = async ({ output, texts, size }: TextParts, options: TextOptions = {}): Promise<TerminalText> => {
  const { since, lastCommand = false, lines = DEFAULT_LINES } = options
  checkWhole('lines', lines, 1, MOST_LINES)
  if (since !== undefined) {
    checkWhole('since', since, 0, Number.MAX_SAFE_INTEGER)
    const { end } = output
    if (since > end) throw invalid(`since is ${since}, but only ${end} bytes were put out until now`)
  }
  let held = { from: 0, start: 0 }
  const cols = Math.min(size.cols, MOST_COLS)
  const rows = Math.min(size.rows, MOST_ROWS)
  const ofLast = lastCommand && since === undefined
  const { text } = await texts.ask(() => {
    const { start, end } = output
    held = { from: Math.max(start, since ?? start), start }
    return { do: 'text', bytes: output.tail(end - held.from), cols, rows, lines, lastCommand: ofLast }
  })
  if (text == null)
    throw new SignalboxError(
      'ERR_TERMINAL_UNMARKED',
      'the shell of this terminal does not mark its commands (OSC 133), or has run none yet',
    )
  const { from, start } = held
  const gap = since !== undefined && since < start ? { from: since, to: start } : null
  const { start: first, end: last, isCut, ...rest } = text
  const beginsBefore = since === undefined && !lastCommand && start > 0
  return { from: from + first, offset: from + last, gap, isCut: isCut || beginsBefore, ...rest }
}

/**
 * Lines of what is held in which something is found.
 * @throws ERR_PTY_INVALID_ARGUMENT, ERR_SCREEN_UNAVAILABLE, also for an expression that takes too long
 */
export const searchOutput = async ({ output, texts }: TextParts, options: SearchOptions): Promise<SearchResult> => {
  const { pattern, regex = false, ignoreCase = false, limit = DEFAULT_LIMIT } = options
  if (pattern === '' || pattern.length > MOST_PATTERN)
    throw invalid(`the pattern has ${pattern.length} characters; it must have 1 to ${MOST_PATTERN}`)
  checkWhole('limit', limit, 1, MOST_LINES)
  try {
    if (regex) void new RegExp(pattern, 'u')
  } catch (error) {
    throw invalid(`the pattern is no regular expression: ${(error as Error).message}`)
  }
  let held = { from: 0, offset: 0 }
  const { found } = await texts.ask(() => {
    held = { from: output.start, offset: output.end }
    return { do: 'search', bytes: output.tail(held.offset - held.from), pattern, regex, ignoreCase, limit }
  })
  const { from, offset } = held
  const matches = (found?.found ?? []).map(({ at, line }) => ({ offset: from + at, line }))
  return { from, offset, matches, hasMore: found?.hasMore ?? false }
}
