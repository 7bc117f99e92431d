import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { gitTestEnv, makeRepo, type TestRepo } from './git-repo.ts'
import { printedWrong } from './schema-check.ts'

/** The built command, as a user starts it. */
export const BIN: string = resolve(import.meta.dirname, '../../bin/signalbox.js')

export type Finished = { readonly code: number | null; readonly signal: string | null; readonly stdout: string; readonly stderr: string }

/** A repository with its own state directory, driven through the built command line. */
export type CliWorld = {
  readonly repo: TestRepo
  readonly env: NodeJS.ProcessEnv
  /** Writes a plan beside the repository. @returns its path */
  plan(text: string): string
  /** Runs the command to its end. What it prints as JSON must be as its schema says. */
  run(args: readonly string[], options?: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv }): Promise<Finished>
  /** Starts the command; its process and what it printed so far. */
  start(args: readonly string[]): Started
  /** Pids of living processes with a marker of this repository, read from /proc. */
  marked(): readonly number[]
  cleanup(): Promise<void>
}

export type Started = {
  readonly child: ChildProcess
  readonly output: () => string
  readonly errors: () => string
  readonly finished: Promise<Finished>
}

const isMarked = (pid: string, mark: string): boolean => {
  try {
    const state = readFileSync(`/proc/${pid}/stat`, 'latin1').replace(/^.*\) /su, '')[0]
    return state !== 'Z' && readFileSync(`/proc/${pid}/environ`, 'latin1').includes(mark)
  } catch {
    return false
  }
}

/** @param options as makeRepo; bin: another command than the built one */
export const makeCliWorld = async ({
  bin = BIN,
  ...options
}: Parameters<typeof makeRepo>[0] & { readonly bin?: string } = {}): Promise<CliWorld> => {
  const repo = await makeRepo(options)
  const state = mkdtempSync(join(tmpdir(), 'signalbox-cli-'))
  const env: NodeJS.ProcessEnv = { ...gitTestEnv(), XDG_STATE_HOME: state, NO_COLOR: '1' }
  let plans = 0
  const start = (args: readonly string[], { cwd = repo.root, env: own = env }: { cwd?: string; env?: NodeJS.ProcessEnv } = {}): Started => {
    const child = spawn(process.execPath, [bin, ...args], { cwd, env: own, stdio: ['ignore', 'pipe', 'pipe'] })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
    const finished = new Promise<Finished>((done, failed) => {
      child.on('error', failed).on('close', (code, signal) => {
        const wrong = printedWrong(args, stdout)
        if (wrong.length === 0) done({ code, signal, stdout, stderr })
        else failed(new Error(`signalbox ${args.join(' ')} printed what its schema does not have:\n${wrong.join('\n')}\n${stdout}`))
      })
    })
    return { child, output: () => stdout, errors: () => stderr, finished }
  }
  return {
    repo,
    env,
    plan(text) {
      const path = join(state, `plan-${(plans += 1)}.yaml`)
      writeFileSync(path, text)
      return path
    },
    run: (args, how) => start(args, how).finished,
    start,
    marked() {
      const mark = `SIGNALBOX_MARK=${readFileSync(join(repo.root, '.git/signalbox/workspace'), 'utf8').trim()}/`
      return readdirSync('/proc')
        .filter((pid) => /^\d+$/u.test(pid) && isMarked(pid, mark))
        .map(Number)
    },
    async cleanup() {
      rmSync(state, { recursive: true, force: true })
      await repo.cleanup()
    },
  }
}

/** Waits for a condition. @throws after `limitMs` */
export const until = async (what: string, holds: () => boolean | Promise<boolean>, limitMs = 30_000): Promise<void> => {
  const deadline = performance.now() + limitMs
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`waited ${limitMs} ms in vain until ${what}`)
    await new Promise((tick) => setTimeout(tick, 20))
  }
}
