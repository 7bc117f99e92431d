import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import { GitExit } from './git-command.ts'

/** A git command with bytes going in and coming out; simple-git knows text only. */
export type GitStream = {
  readonly stdin: Writable
  readonly stdout: Readable
  /** @throws GitExit when it ends otherwise than with 0 */
  readonly ended: Promise<void>
  kill(): void
}

export type StreamGit = (cwd: string, args: readonly string[]) => GitStream

const ERRORS_KEPT = 10_000

/** @param env of a git command, see gitEnvironment */
export const makeStreamGit =
  (env: Readonly<Record<string, string>>): StreamGit =>
  (cwd, args) => {
    const child = spawn('git', ['-c', 'core.fsmonitor=false', ...args], { cwd, env, stdio: ['pipe', 'pipe', 'pipe'] })
    let stderr = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr = (stderr + text).slice(-ERRORS_KEPT)))
    // A command that ends early closes its stdin under who writes; how it ended says why.
    child.stdin.on('error', () => undefined)
    const ended = new Promise<void>((resolve, reject) => {
      child.once('error', (error) => reject(new GitExit(args, -1, '', error.message, error)))
      child.once('close', (code) => (code === 0 ? resolve() : reject(new GitExit(args, code, '', stderr))))
    })
    ended.catch(() => undefined) // whoever waits for it is told all the same
    return { stdin: child.stdin, stdout: child.stdout, ended, kill: () => void child.kill() }
  }

/** Waits where the command does not take more for now. */
export const feed = async ({ stdin, ended }: GitStream, data: Buffer | string): Promise<void> => {
  if (stdin.destroyed) await ended
  if (!stdin.write(data, 'latin1')) await Promise.race([once(stdin, 'drain'), ended])
}

/** All that a command puts out, one character a byte: paths are bytes, not text. */
export const bytesOf = async (stream: GitStream, input = ''): Promise<string> => {
  stream.stdin.end(input, 'latin1')
  const chunks: Buffer[] = []
  for await (const chunk of stream.stdout) chunks.push(chunk as Buffer)
  await stream.ended
  return Buffer.concat(chunks).toString('latin1')
}
