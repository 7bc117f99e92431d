import type { TerminalHealthInfo } from '../protocols/control/views.ts'
import type { PtyCondition, PtyHealth } from '../protocols/health.ts'
import { megabytes, wholeSeconds } from '../protocols/words.ts'
import { count } from './plural.ts'
import { plainLine } from './plain.ts'
import { table } from './table.ts'

const WORDS: Readonly<Record<PtyCondition, string>> = {
  'waiting-for-input': 'waits for input',
  'at-prompt': 'at its prompt',
  'blocked-on-output': 'output blocked',
  busy: 'busy',
  idle: 'idle',
  stopped: 'stopped',
  zombie: 'zombie',
  uninterruptible: 'in the kernel',
  unknown: '?',
}

/** What a terminal does, in a word or three; nothing where it runs nothing. */
export const doesText = (health: PtyHealth | null): string => {
  if (health === null) return ''
  return health.alive ? WORDS[health.condition] : 'ended'
}

const percent = ({ cpuPercent }: PtyHealth): string => (cpuPercent === null ? '' : `${cpuPercent.toFixed(1)}%`)
const memory = ({ memoryBytes }: PtyHealth): string => (memoryBytes === null ? '' : megabytes(memoryBytes))
const nameOf = ({ lane, name }: TerminalHealthInfo): string => `${lane}/${name}`

/** Terminals that run something, a line each. @param screen its columns */
export const healthTable = (terminals: readonly TerminalHealthInfo[], screen: number): readonly string[] =>
  table(
    ['TERMINAL', 'DOES', 'IDLE', 'CPU', 'MEMORY', 'PROCESSES', 'EVIDENCE'],
    terminals.flatMap((terminal) => {
      const { health } = terminal
      if (health === null) return []
      const { idleMs, processes, evidence } = health
      return [
        [nameOf(terminal), doesText(health), wholeSeconds(idleMs), percent(health), memory(health), String(processes), plainLine(evidence)],
      ]
    }),
    screen,
    'PROCESSES',
  )

const responsiveText = ({ responsive }: PtyHealth): string => (responsive === null ? 'cannot be seen' : responsive ? 'yes' : 'no')

/** All that is known of one. */
export const renderHealth = (terminal: TerminalHealthInfo): readonly string[] => {
  const { health, state, pid } = terminal
  if (health === null) return [`${nameOf(terminal)}: ${state}, runs nothing`]
  const { at, heartbeatAt, since, evidence, processes, quietMs } = health
  const ago = (ms: number): string => `${wholeSeconds(ms)} ago`
  return [
    `${nameOf(terminal)}: ${doesText(health)}, for ${wholeSeconds(at - since)}`,
    `  why         ${plainLine(evidence)}`,
    `  process     ${pid ?? '?'}, ${state}; ${count(processes, 'process')} in all`,
    `  responsive  ${responsiveText(health)}`,
    `  seen alive  ${heartbeatAt === null ? 'never' : ago(at - heartbeatAt)}`,
    `  CPU         ${percent(health) || 'not known yet'}`,
    `  memory      ${memory(health) || 'cannot be seen'}`,
    `  quiet       output ${wholeSeconds(quietMs.output)}, input ${wholeSeconds(quietMs.input)}, CPU ${wholeSeconds(quietMs.cpu)}`,
  ]
}
