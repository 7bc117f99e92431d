import type { TerminalInfo } from '../protocols/control/views.ts'
import { exitText, plainLine } from './plain.ts'
import { table } from './table.ts'

/** How it is: its process, or how that ended. */
const stateText = ({ state, pid, exitCode, signal, attempts, startedAt }: TerminalInfo): string => {
  if (pid !== null) return `${state}, pid ${pid}${attempts > 1 ? `, attempt ${attempts}` : ''}`
  return startedAt === null ? state : `${state}, ${exitText(exitCode, signal)}`
}

/** Terminals, a line each. */
export const terminalTable = (terminals: readonly TerminalInfo[]): readonly string[] =>
  table(
    ['TERMINAL', 'ID', 'STATE', 'COMMAND'],
    terminals.map((terminal) => {
      const { lane, name, id, argv, error } = terminal
      return [`${lane}/${name}`, id, stateText(terminal), plainLine(error ?? argv.join(' '))]
    }),
  )
