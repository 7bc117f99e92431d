import { accessSync, constants, readFileSync, statSync, type Stats } from 'node:fs'
import { isAbsolute, resolve } from 'node:path'
import type { PtySpec } from '../ports/terminal-host.port.ts'
import { SignalboxError, type ErrorCode } from '../protocols/errors.ts'

/** The most columns or rows. */
const MAX_CELLS = 10_000
const BLOCK_BYTES = 65_536
/** execvp's own default where PATH is not set (glibc: confstr(_CS_PATH)). */
const DEFAULT_PATH = '/bin:/usr/bin'
/** Linux: the longest single argument or environment entry, with its NUL (MAX_ARG_STRLEN, execve(2)). */
const MAX_ENTRY_BYTES = 131_072
/** Linux: below this no look at the stack limit is needed; execve always grants it (ARG_MAX of old, execve(2)). */
const SMALL_TOTAL_BYTES = 131_072

/** A spec with its defaults filled in and its command found. */
export type CheckedSpec = {
  readonly spec: PtySpec
  /** What exec is given: absolute, or relative to the cwd. */
  readonly file: string
  readonly env: readonly string[]
  readonly cols: number
  readonly rows: number
  readonly ringBytes: number
}

/**
 * Checks all that can be known before anything starts (PTY-3).
 * @throws ERR_PTY_INVALID_ARGUMENT, ERR_PTY_CWD_NOT_FOUND, ERR_PTY_COMMAND_NOT_FOUND, ERR_PTY_COMMAND_NOT_EXECUTABLE
 */
export function checkSpec(spec: PtySpec): CheckedSpec {
  const command = spec.argv[0]
  if (command === undefined || command === '') refuse(spec, 'argv is empty: there is no command to run', { argv: spec.argv })
  for (const [index, argument] of spec.argv.entries()) {
    if (argument.includes('\0')) refuse(spec, `argument ${index} holds a NUL byte`, { index })
  }
  const env: string[] = []
  for (const [name, value] of Object.entries(spec.env)) {
    if (name === '' || name.includes('=') || name.includes('\0')) refuse(spec, `"${name}" cannot be the name of a variable`, { name })
    if (value.includes('\0')) refuse(spec, `the variable ${name} holds a NUL byte`, { name })
    env.push(`${name}=${value}`)
  }
  if (spec.env['SIGNALBOX_MARK'] !== spec.mark || spec.mark === '') refuse(spec, 'env.SIGNALBOX_MARK is not the mark', { mark: spec.mark })
  checkTotalSize(spec, env)
  const cols = spec.cols ?? 120
  const rows = spec.rows ?? 30
  checkSize(spec, cols, rows)
  const ringBytes = spec.ringBytes ?? 64 * BLOCK_BYTES
  if (!Number.isSafeInteger(ringBytes) || ringBytes < BLOCK_BYTES || ringBytes % BLOCK_BYTES !== 0) {
    refuse(spec, `ringBytes is ${ringBytes}, not a multiple of ${BLOCK_BYTES}`, { ringBytes })
  }
  const capBytes = spec.log?.capBytes
  if (capBytes !== undefined && (!Number.isSafeInteger(capBytes) || capBytes < 1)) refuse(spec, `log.capBytes is ${capBytes}`, { capBytes })
  checkCwd(spec)
  return { spec, file: findCommand(spec, command), env, cols, rows, ringBytes }
}

/** @throws ERR_PTY_INVALID_ARGUMENT unless both are whole numbers from 1 to 10,000 */
export function checkSize(spec: Pick<PtySpec, 'ptyId'>, cols: number, rows: number): void {
  for (const [name, value] of Object.entries({ cols, rows })) {
    if (!Number.isInteger(value) || value < 1 || value > MAX_CELLS) {
      refuse(spec, `${name} is ${value}; it must be a whole number from 1 to ${MAX_CELLS}`, { cols, rows })
    }
  }
}

function refuse(spec: Pick<PtySpec, 'ptyId'>, what: string, context: Record<string, unknown>): never {
  throw new SignalboxError('ERR_PTY_INVALID_ARGUMENT', `Cannot start ${spec.ptyId}: ${what}.`, {
    context: { ptyId: spec.ptyId, ...context },
  })
}

function checkCwd(spec: PtySpec): void {
  if (!isAbsolute(spec.cwd) || spec.cwd.includes('\0')) refuse(spec, `the cwd "${spec.cwd}" is not an absolute path`, { cwd: spec.cwd })
  const found = statOrNull(spec.cwd)
  if (found?.isDirectory() === true) return
  throw new SignalboxError(
    'ERR_PTY_CWD_NOT_FOUND',
    `Cannot start ${spec.argv[0]}: its working directory ${spec.cwd} ${found === null ? 'does not exist' : 'is not a directory'}.`,
    { context: { ptyId: spec.ptyId, cwd: spec.cwd } },
  )
}

function statOrNull(path: string): Stats | null {
  try {
    return statSync(path)
  } catch {
    return null
  }
}

/** As execvp(3): with a slash the path itself, else the first match on PATH; entries are relative to the cwd. */
function findCommand(spec: PtySpec, command: string): string {
  const candidates = command.includes('/')
    ? [command]
    : (spec.env['PATH'] ?? DEFAULT_PATH).split(':').map((directory) => `${directory === '' ? '.' : directory}/${command}`)
  let refused: string | undefined
  for (const candidate of candidates) {
    const path = resolve(spec.cwd, candidate)
    const found = statOrNull(path)
    if (found === null) continue
    if (found.isFile() && isExecutable(path)) return candidate
    refused ??= `${path} is ${found.isDirectory() ? 'a directory' : found.isFile() ? 'not executable' : 'not a file'}`
  }
  const code: ErrorCode = refused === undefined ? 'ERR_PTY_COMMAND_NOT_FOUND' : 'ERR_PTY_COMMAND_NOT_EXECUTABLE'
  const where = command.includes('/') ? `in ${spec.cwd}` : 'on its PATH'
  throw new SignalboxError(
    code,
    refused === undefined ? `There is no command "${command}" ${where}.` : `Cannot run "${command}": ${refused}.`,
    {
      context: { ptyId: spec.ptyId, command, cwd: spec.cwd, path: spec.env['PATH'] ?? null },
    },
  )
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** The kernel refuses too much with E2BIG; said here with the name of the entry at fault. */
function checkTotalSize(spec: PtySpec, env: readonly string[]): void {
  let total = 0
  for (const entry of [...spec.argv, ...env]) {
    const bytes = Buffer.byteLength(entry) + 1
    total += bytes + 8
    if (process.platform === 'linux' && bytes > MAX_ENTRY_BYTES) {
      const what = env.includes(entry) ? `the variable ${entry.slice(0, entry.indexOf('='))}` : 'an argument'
      refuse(spec, `${what} has ${bytes} bytes; the system takes at most ${MAX_ENTRY_BYTES} (E2BIG)`, { errno: 'E2BIG', bytes })
    }
  }
  if (total <= SMALL_TOTAL_BYTES) return
  const limit = argumentLimit()
  if (total > limit) {
    refuse(spec, `its arguments and environment have ${total} bytes; the system takes at most ${limit} (E2BIG)`, {
      errno: 'E2BIG',
      bytes: total,
    })
  }
}

/** A quarter of the stack limit, at most 6 MB (execve(2)), less room for the helper's own words; macOS: 1 MB. */
function argumentLimit(): number {
  const ownBytes = 8_192
  if (process.platform !== 'linux') return 1_048_576 - ownBytes
  const stack = /^Max stack size\s+(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1] ?? '8388608'
  return (stack === 'unlimited' ? 6_291_456 : Math.min(Number(stack) / 4, 6_291_456)) - ownBytes
}
