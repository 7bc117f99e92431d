import type { CommandSpec } from './command-spec.ts'
import { EXIT } from './exit-codes.ts'
import { candidates } from './complete.ts'
import { type Io, safeWriter } from './io.ts'
import { liveNames } from './live-names.ts'

/** `signalbox complete -- WORDS…`: a candidate a line, with what it is after a tab; `:files` asks the shell for files. Never fails. */
export const completeCommand = async (commands: readonly CommandSpec[], words: readonly string[], io: Io): Promise<number> => {
  const found = await candidates(commands, words, (kind) => liveNames(kind, io))
  safeWriter(io.out).write(found.map((line) => `${line}\n`).join(''))
  return EXIT.ok
}
