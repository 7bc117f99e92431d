import type { TerminalInfo } from '../protocols/control/views.ts'
import type { PtyHealth } from '../protocols/health.ts'
import { exitText } from '../protocols/words.ts'
import type { TerminalId } from '../protocols/ids.ts'
import { plainLine } from './plain.ts'
import { doesText } from './render-health.ts'
import { table } from './table.ts'

/** How it is: its process, or how that ended. */
const stateText = ({ state, pid, exitCode, signal, attempts, startedAt, error, lost }: TerminalInfo): string => {
  if (lost) return 'lost'
  if (pid !== null) return `${state}, pid ${pid}${attempts > 1 ? `, attempt ${attempts}` : ''}`
  return startedAt === null || error !== null ? state : `${state}, ${exitText(exitCode, signal)}`
}

const commandText = ({ argv, error, lane, name }: TerminalInfo): string => {
  const prefix = `${lane}/${name}: `
  const why = error?.startsWith(prefix) === true ? error.slice(prefix.length) : error
  return plainLine(why === null ? argv.join(' ') : `${argv.join(' ')} (${why})`)
}

/**
 * Terminals, a line each.
 * @param screen its columns
 * @param healthOf how they are, where they are looked at
 */
export const terminalTable = (
  terminals: readonly TerminalInfo[],
  screen: number,
  healthOf: (id: TerminalId) => PtyHealth | null = () => null,
): readonly string[] =>
  table(
    ['TERMINAL', 'ID', 'STATE', 'DOES', 'COMMAND'],
    terminals.map((terminal) => [
      `${terminal.lane}/${terminal.name}`,
      terminal.id,
      stateText(terminal),
      doesText(healthOf(terminal.id)),
      commandText(terminal),
    ]),
    screen,
    'ID',
  )
