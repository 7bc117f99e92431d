import { EXIT } from './exit-codes.ts'
import { helpText } from './help.ts'
import { type Io, safeWriter } from './io.ts'
import { parseCommand, UsageProblem } from './parse-command.ts'

/** Runs the command that a command line names. @returns its exit code; rejects with what the command throws */
export const dispatch = async (argv: readonly string[], io: Io): Promise<number> => {
  try {
    const asked = parseCommand(argv)
    if (asked.kind === 'help') {
      safeWriter(asked.wanted ? io.out : io.err).write(helpText(asked.of))
      return asked.wanted ? EXIT.ok : EXIT.usage
    }
    const action = await asked.spec.load()
    return await action(asked.args, asked.options, io)
  } catch (error) {
    if (!(error instanceof UsageProblem)) throw error
    safeWriter(io.err).write(`signalbox: ${error.message}\nnext: signalbox help\n`)
    return EXIT.usage
  }
}
