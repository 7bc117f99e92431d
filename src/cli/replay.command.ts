import { resolve } from 'node:path'
import { messageOf } from '../testing/report.ts'
import { replay } from '../testing/replay.ts'
import { EXIT } from './exit-codes.ts'
import { type Io, paintFor, printJson, safeWriter } from './io.ts'

export type ReplayOptions = { readonly json?: boolean }

/** `signalbox replay FILE`: 0 when the property holds now, 1 when the counterexample still fails. */
export const replayCommand = async (file: string, options: ReplayOptions, io: Io): Promise<number> => {
  const path = resolve(io.cwd, file)
  const paint = paintFor(io)
  const writer = safeWriter(io.out)
  const tell = options.json === true ? undefined : (line: string): void => writer.write(`${line}\n`)
  const { title, ok, error, lines } = await replay(path, tell)
  const message = ok ? null : messageOf(error)
  if (options.json === true) printJson(io, { type: 'replay', property: title, ok, error: message, trace: lines })
  else
    writer.write(`${ok ? paint('green', 'holds now') : paint('red', 'still fails')}: ${title}\n${message === null ? '' : `${message}\n`}`)
  return ok ? EXIT.ok : EXIT.failed
}
