import type { JsonDocument } from './json-documents.ts'
import { type Paint, painter } from './paint.ts'
import { type Output, safeWriter } from './writer.ts'

export { type Output, safeWriter } from './writer.ts'

/** What a command talks to. Data goes to `out`, everything else to `err`. */
export type Io = {
  readonly out: Output
  readonly err: Output
  readonly env: NodeJS.ProcessEnv
  readonly cwd: string
}

/** Whether to colour: NO_COLOR (https://no-color.org) wins, then FORCE_COLOR, then whether somebody looks. */
export const wantsColours = (stream: Output, env: NodeJS.ProcessEnv): boolean => {
  if (env['NO_COLOR'] !== undefined && env['NO_COLOR'] !== '') return false
  if (env['FORCE_COLOR'] !== undefined && env['FORCE_COLOR'] !== '' && env['FORCE_COLOR'] !== '0') return true
  return stream.isTTY === true && env['TERM'] !== 'dumb'
}

export const paintFor = (io: Io): Paint => painter(wantsColours(io.out, io.env))

/** Prints lines for people. */
export const printLines = (io: Io, lines: readonly string[]): void => safeWriter(io.out).write(`${lines.join('\n')}\n`)
export const jsonLine = (document: JsonDocument): string => `${JSON.stringify(document)}\n`
/** Prints one JSON document on one line. */
export const printJson = (io: Io, document: JsonDocument): void => safeWriter(io.out).write(jsonLine(document))
