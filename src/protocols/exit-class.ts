import type { ErrorRecord } from './errors.ts'
import { EXIT_TEXTS } from './exit-texts.ts'
import type { ExitClass, ExitRules, TextClass } from './plan.ts'
import { redactText } from './redact.ts'
import { retryAfterMs } from './retry-after.ts'

/** How an end was told apart. Plain data: stored, and sent. */
export type ExitFinding = {
  readonly class: ExitClass
  /** What it was seen by, in words; secrets masked. */
  readonly evidence: string
  /** False: it fits, and nothing proves it. */
  readonly certain: boolean
  /** Of a rate limit that says when to come back: ms from then on. */
  readonly retryAfterMs: number | null
}

/** A process that ended by itself, and not well. */
export type EndedProcess = {
  readonly exitCode: number | null
  readonly signal: string | null
  /** The end of its output as text without control sequences. */
  readonly lines: readonly string[]
  /** Processes that the system killed for memory while it ran; null where the system does not tell. */
  readonly memoryKills: number | null
  /** Those of its own terminal. @defaultValue null: no control group tells, only the machine's are known */
  readonly ownMemoryKills?: number | null
  /** When it ended. ms since the epoch. */
  readonly at: number
}

type KnownTexts = Pick<ExitRules, 'usual' | 'texts'>

/** Lines looked at, and characters of each: agents say last why they end, and a log is full of other people's errors. */
const LINES = 10
const LINE_CHARS = 4_096
const EVIDENCE_CHARS = 200
const CLASSES = ['rateLimited', 'authentication', 'memory'] as const
const MEMORY_SIGNAL = 'SIGKILL'

/**
 * Tells ends apart: by exit code and signal, then by texts in the last lines of output. The last line that says something
 * wins; of two meanings of one line the rate limit does (`403: rate limit exceeded`).
 */
export const classifyExit = (ended: EndedProcess, known: KnownTexts): ExitFinding => {
  const { exitCode } = ended
  if (exitCode === 126) return found('notExecutable', 'the shell found the command and could not execute it')
  if (exitCode === 127) return found('notExecutable', 'the shell did not find the command')
  const signal = ended.signal ?? signalOf(exitCode)
  const said = findText(ended, known)
  if (signal === MEMORY_SIGNAL) return killed(ended)
  // One of its processes was killed for memory, and it failed: most likely of that.
  if ((ended.ownMemoryKills ?? 0) > 0) return found('memory', `${signal ?? `exit code ${exitCode}`}, and ${ownKills(ended)}`, false)
  if (signal === null) return said ?? found('failure', `exit code ${exitCode}`)
  return said?.class === 'memory' ? said : found('signal', `ended by ${signal}`)
}

const found = (of: ExitClass, evidence: string, certain = true): ExitFinding => ({
  class: of,
  evidence,
  certain,
  retryAfterMs: null,
})

/** A shell tells of a command that a signal ended by 128 and its number. Source: POSIX, Shell Command Language 2.8.2. */
const SHELL_SIGNALS: Readonly<Record<number, string>> = { 132: 'SIGILL', 134: 'SIGABRT', 136: 'SIGFPE', 137: MEMORY_SIGNAL, 139: 'SIGSEGV' }
const signalOf = (exitCode: number | null): string | null => (exitCode === null ? null : (SHELL_SIGNALS[exitCode] ?? null))

const ownKills = ({ ownMemoryKills }: EndedProcess): string =>
  `the system killed ${ownMemoryKills === 1 ? 'one of its processes' : `${ownMemoryKills} of its processes`} for memory`

/** Nobody of ours sent it: the system does, to processes that it has no memory for; so may anybody. */
const killed = (ended: EndedProcess): ExitFinding => {
  const { memoryKills, ownMemoryKills = null } = ended
  if (ownMemoryKills === 0) return found('signal', `ended by ${MEMORY_SIGNAL}, and not by the system for memory`)
  if (ownMemoryKills !== null) return found('memory', `${MEMORY_SIGNAL}, and ${ownKills(ended)}`)
  if (memoryKills === null) return found('memory', `${MEMORY_SIGNAL}, and the system does not tell whether it was for memory`, false)
  if (memoryKills === 0) return found('signal', `ended by ${MEMORY_SIGNAL}, and not by the system for memory`)
  return found(
    'memory',
    `${MEMORY_SIGNAL}, and the system killed ${memoryKills === 1 ? 'a process' : `${memoryKills} processes`} for memory`,
  )
}

const findText = ({ lines, at }: EndedProcess, known: KnownTexts): ExitFinding | null => {
  const last = lines.slice(-LINES).map((line) => line.slice(-LINE_CHARS))
  for (const line of last.toReversed()) {
    const lower = line.toLowerCase()
    const is = CLASSES.find((one) => textsOf(one, known).some((text) => says(lower, text)))
    if (is === undefined) continue
    const evidence = `"${redactText(line.trim()).slice(0, EVIDENCE_CHARS)}"`
    return { ...found(is, evidence), retryAfterMs: is === 'rateLimited' ? retryAfterMs([line, ...last], at) : null }
  }
  return null
}

const textsOf = (is: TextClass, { usual, texts }: KnownTexts): readonly string[] => (usual ? [...EXIT_TEXTS[is], ...texts[is]] : texts[is])

const isDigit = (text: string | undefined): boolean => text !== undefined && text >= '0' && text <= '9'

/** Whether a line has a text; one that ends in a digit is not found in a longer number. Linear in the line. */
const says = (lower: string, text: string): boolean => {
  const wanted = text.toLowerCase()
  for (let at = lower.indexOf(wanted); at >= 0; at = lower.indexOf(wanted, at + wanted.length)) {
    if (!isDigit(wanted.at(-1)) || !isDigit(lower[at + wanted.length])) return true
  }
  return false
}

/** A command that could not be started: it is not there, or cannot be executed. Null for other causes. */
export const classifyStartFailure = ({ code, message }: ErrorRecord): ExitFinding | null =>
  code === 'ERR_PTY_COMMAND_NOT_FOUND' || code === 'ERR_PTY_COMMAND_NOT_EXECUTABLE' ? found('notExecutable', message) : null
