import { execFile } from 'node:child_process'
import { chmod, mkdtemp, mkdir, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** An environment for git that knows nothing of this machine's configuration. */
export const gitTestEnv = (): NodeJS.ProcessEnv => ({
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('GIT_'))),
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_NAME: 'Tess Ter',
  GIT_AUTHOR_EMAIL: 'tess@example.org',
  GIT_COMMITTER_NAME: 'Tess Ter',
  GIT_COMMITTER_EMAIL: 'tess@example.org',
})

/** Runs real git in `cwd`. @returns its output. Rejects on a failure. */
export const git = async (cwd: string, ...args: readonly string[]): Promise<string> =>
  (await run('git', ['-c', 'protocol.file.allow=always', ...args], { cwd, env: gitTestEnv(), maxBuffer: 64 << 20 })).stdout

/** @returns the path of the git on the PATH, for scripts that stand before it. */
export const realGit = async (): Promise<string> => (await run('sh', ['-c', 'command -v git'])).stdout.trim()

/** Writes a git that stands before the real one on a PATH: a script of `sh`, in which $REAL is that one. */
export const writeGit = async (directory: string, script: readonly string[]): Promise<void> => {
  await mkdir(directory, { recursive: true })
  const path = join(directory, 'git')
  await writeFile(path, `${['#!/bin/sh', `REAL='${await realGit()}'`, ...script].join('\n')}\n`)
  await chmod(path, 0o755)
}

export type TestRepo = {
  /** Temporary directory around the repository: `cleanup` removes all of it. */
  readonly base: string
  /** Top of the repository, real path. */
  readonly root: string
  git(...args: readonly string[]): Promise<string>
  /** Writes a file, directories included, relative to the top. */
  write(path: string, text: string): Promise<string>
  /** Writes a file and commits it. @returns the commit. */
  commit(path: string, text: string): Promise<string>
  cleanup(): Promise<void>
}

/**
 * Makes a repository with branch `main` in a temporary directory.
 * @param options name of the directory (@defaultValue `repo`); commits: how many to make (@defaultValue 1)
 */
export const makeRepo = async (options: { readonly name?: string; readonly commits?: number } = {}): Promise<TestRepo> => {
  const base = await realpath(await mkdtemp(join(tmpdir(), 'signalbox-git-')))
  const root = join(base, options.name ?? 'repo')
  await mkdir(root, { recursive: true })
  await git(root, 'init', '-q', '-b', 'main')
  const repo: TestRepo = {
    base,
    root,
    git: (...args) => git(root, ...args),
    write: async (path, text) => {
      const target = join(root, path)
      await mkdir(dirname(target), { recursive: true })
      await writeFile(target, text)
      return target
    },
    commit: async (path, text) => {
      await repo.write(path, text)
      await git(root, 'add', '--', path)
      await git(root, 'commit', '-q', '-m', `change ${JSON.stringify(path)}`)
      return (await git(root, 'rev-parse', 'HEAD')).trim()
    },
    cleanup: () => rm(base, { recursive: true, force: true, maxRetries: 3 }),
  }
  for (let number = 1; number <= (options.commits ?? 1); number += 1) await repo.commit(`file-${number}.txt`, `text ${number}\n`)
  return repo
}
