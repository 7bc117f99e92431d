import { simpleGit } from 'simple-git'
import { createSlots } from './slots.ts'
import { guardSpawns } from './spawn-guard.ts'

/** The oldest git that signalbox supports: `--end-of-options`, `update-ref --stdin` transactions. */
export const OLDEST_GIT: readonly [number, number] = [2, 30]

/** A command that does not touch files of the working tree. */
const QUERY_TIMEOUT_MS = 120_000
/** A check-out of a large repository says nothing on a pipe for a long time. */
export const CHECKOUT_TIMEOUT_MS = 1_800_000

/**
 * What of the caller's `GIT_*` variables reaches git: how to reach a remote (a partial clone fetches during check-out)
 * and which configuration files to read. All others are removed, because they redirect git (GIT_DIR, GIT_INDEX_FILE …).
 */
const KEPT_VARIABLES = [
  'GIT_SSH',
  'GIT_SSH_COMMAND',
  'GIT_CONFIG_GLOBAL',
  'GIT_CONFIG_SYSTEM',
  'GIT_CONFIG_NOSYSTEM',
  'GIT_CEILING_DIRECTORIES',
]
/** simple-git refuses these in `.env()`; no command here uses them. */
const REFUSED_VARIABLES = new Set(['editor', 'visual', 'pager', 'prefix', 'ssh_askpass', 'language', 'lc_all'])

/** The environment of a git command: messages in English, no questions, nothing that redirects git. */
export const gitEnvironment = (environment: NodeJS.ProcessEnv): Record<string, string> => {
  const kept = Object.entries(environment).filter((entry): entry is [string, string] => {
    const [name, value] = entry
    if (value === undefined || REFUSED_VARIABLES.has(name.toLowerCase())) return false
    return !name.toLowerCase().startsWith('git_') || KEPT_VARIABLES.includes(name)
  })
  return { ...Object.fromEntries(kept), LC_ALL: 'C', GIT_TERMINAL_PROMPT: '0' }
}

/** A git command that ended otherwise than with 0. `exitCode` is negative when git did not start, null when a signal ended it. */
export class GitExit extends Error {
  override readonly name = 'GitExit'
  readonly args: readonly string[]
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string

  constructor(args: readonly string[], exitCode: number | null, stdout: string, stderr: string, cause?: unknown) {
    super(
      `git ${args.join(' ')}: exit ${exitCode}: ${stderr.trim() || stdout.trim() || (cause instanceof Error ? cause.message : '')}`,
      cause === undefined ? undefined : { cause },
    )
    this.args = args
    this.exitCode = exitCode
    this.stdout = stdout
    this.stderr = stderr
  }
}

/** git ran and refused: `otherwise`. That it could not run, or was killed, tells nothing and is thrown on. */
export const orWhenGitRefuses = async <T, O>(command: Promise<T>, otherwise: O): Promise<T | O> => {
  try {
    return await command
  } catch (error) {
    if (error instanceof GitExit && error.exitCode !== null && error.exitCode > 0) return otherwise
    throw error
  }
}

export type GitCall = {
  readonly input?: string
  /** In addition to the environment of every command. */
  readonly environment?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal | undefined
  /** Without output for so long, git is ended. @defaultValue 2 minutes */
  readonly timeoutMs?: number
  /** Receives a promise that resolves when git and all its children have let go of their output. */
  readonly onOutputClosed?: (closed: Promise<void>) => void
}

/** git processes of this process at once: more only take descriptors and each other's processors. */
const GIT_AT_ONCE = 8
const inSlot = createSlots(GIT_AT_ONCE)

/** Runs git without a shell. @throws GitExit */
export type Git = (cwd: string, args: readonly string[], call?: GitCall) => Promise<string>

/** See spawn-guard: a child without streams is all that simple-git sees of a lack of descriptors. */
const startFailure = (error: unknown): string =>
  /TypeError: .*undefined \(reading 'on'\)/.test(String(error))
    ? 'git could not be started: no file descriptor is free; raise the limit (ulimit -n) or run fewer lanes at once'
    : String(error)

const ended = (stream: NodeJS.ReadableStream): Promise<void> => new Promise((resolve) => stream.once('close', resolve))

/** @param environment of the caller, such as `process.env`. */
export const makeGit = (environment: NodeJS.ProcessEnv): Git => {
  const env = gitEnvironment(environment)
  guardSpawns()
  return (cwd, args, call = {}) => inSlot(() => runGit(env, cwd, args, call))
}

const runGit = async (env: Record<string, string>, cwd: string, args: readonly string[], call: GitCall): Promise<string> => {
  // Through GIT_CONFIG_PARAMETERS this reaches git's own children too. A file-system monitor would outlive the lane
  // as a daemon, and `status` must not rest on one.
  const argv = ['-c', 'core.fsmonitor=false', ...args]
  let failure: { exitCode: number | null; stdout: string; stderr: string } | undefined
  const git = simpleGit({
    baseDir: cwd,
    allowEnvironment: [...KEPT_VARIABLES, 'GIT_TERMINAL_PROMPT'],
    unsafe: { allowUnsafeConfigPaths: true, allowUnsafeSshCommand: true, allowUnsafeFsMonitor: true },
    timeout: { block: call.timeoutMs ?? QUERY_TIMEOUT_MS },
    ...(call.signal && { abort: call.signal }),
    // Without input simple-git leaves the pipe open, and a hook that reads would wait for ever.
    input: () => call.input ?? '\n',
    errors: (error, { exitCode, stdOut, stdErr }) => {
      // simple-git takes a failure without text for a success.
      if (exitCode === 0 && error === undefined) return undefined
      failure = { exitCode, stdout: Buffer.concat(stdOut).toString(), stderr: Buffer.concat(stdErr).toString() }
      return error ?? new Error(`git exited with ${exitCode}`)
    },
  }).env({ ...env, ...call.environment })
  git.outputHandler((_command, stdout, stderr) => {
    // simple-git waits 50 ms more after a command that printed nothing; an empty chunk spares that.
    stdout.once('end', () => stdout.emit('data', Buffer.alloc(0)))
    call.onOutputClosed?.(Promise.all([ended(stdout), ended(stderr)]).then(() => undefined))
  })
  try {
    return await git.raw(argv)
  } catch (error) {
    if (failure === undefined) throw new GitExit(args, -1, '', startFailure(error), error)
    throw new GitExit(args, failure.exitCode, failure.stdout, failure.stderr, error)
  }
}
