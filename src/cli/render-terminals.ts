import type { TerminalInfo } from '../protocols/control/views.ts'
import { exitText } from '../protocols/words.ts'
import { plainLine } from './plain.ts'
import { table } from './table.ts'

/** How it is: its process, or how that ended. */
const stateText = ({ state, pid, exitCode, signal, attempts, startedAt, error }: TerminalInfo): string => {
  if (pid !== null) return `${state}, pid ${pid}${attempts > 1 ? `, attempt ${attempts}` : ''}`
  return startedAt === null || error !== null ? state : `${state}, ${exitText(exitCode, signal)}`
}

const commandText = ({ argv, error, lane, name }: TerminalInfo): string => {
  const prefix = `${lane}/${name}: `
  const why = error?.startsWith(prefix) === true ? error.slice(prefix.length) : error
  return plainLine(why === null ? argv.join(' ') : `${argv.join(' ')} (${why})`)
}

/** Terminals, a line each. @param screen its columns */
export const terminalTable = (terminals: readonly TerminalInfo[], screen: number): readonly string[] =>
  table(
    ['TERMINAL', 'ID', 'STATE', 'COMMAND'],
    terminals.map((terminal) => [`${terminal.lane}/${terminal.name}`, terminal.id, stateText(terminal), commandText(terminal)]),
    screen,
    'ID',
  )
