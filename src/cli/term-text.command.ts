import { EXIT } from './exit-codes.ts'
import { type Io, printJson, printLines, safeWriter } from './io.ts'
import { withOrchestrator } from './orchestrator-client.ts'
import { plainLine } from './plain.ts'

export type TermTextOptions = { readonly since?: number; readonly lastCommand?: boolean; readonly lines?: number; readonly json?: boolean }
export type TermSearchOptions = {
  readonly regex?: boolean
  readonly ignoreCase?: boolean
  readonly limit?: number
  readonly json?: boolean
}

/** `signalbox term text TERMINAL`. */
export const termTextCommand = async (terminal: string, { json, ...options }: TermTextOptions, io: Io): Promise<number> => {
  const text = await withOrchestrator(io, 'term text', (client) => client.call('terminal.text', { terminal, ...options }))
  if (json === true) {
    printJson(io, { type: 'terminal-text', ...text })
    return EXIT.ok
  }
  const err = safeWriter(io.err)
  if (text.gap !== null) err.write(`signalbox: ${text.gap.to - text.gap.from} bytes from offset ${text.gap.from} on are held no longer\n`)
  if (text.isCut) err.write('signalbox: lines before these are left out\n')
  if (text.lines.length > 0) printLines(io, text.lines.map(plainLine))
  return EXIT.ok
}

/** `signalbox term search TERMINAL PATTERN`. */
export const termSearchCommand = async (
  terminal: string,
  pattern: string,
  { json, ...options }: TermSearchOptions,
  io: Io,
): Promise<number> => {
  const result = await withOrchestrator(io, 'term search', (client) => client.call('terminal.search', { terminal, pattern, ...options }))
  if (json === true) printJson(io, { type: 'terminal-search', ...result })
  else {
    if (result.hasMore) safeWriter(io.err).write('signalbox: older lines are left out; --limit shows more\n')
    if (result.matches.length > 0) {
      printLines(
        io,
        result.matches.map(({ offset, line }) => `${offset}: ${plainLine(line)}`),
      )
    }
  }
  return result.matches.length > 0 ? EXIT.ok : EXIT.failed
}
