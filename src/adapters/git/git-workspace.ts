import { constants } from 'node:fs'
import { access, realpath } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import type { WorkspaceInfo } from '../../ports/worktrees.port.ts'
import { SignalboxError } from '../../protocols/errors.ts'
import { GitExit, OLDEST_GIT, orWhenGitRefuses, type Git } from './git-command.ts'
import { toSignalboxError } from './git-failure.ts'

/** git prints one line feed after a path; a path may hold others. */
const line = (text: string): string => text.replace(/\n$/, '')

/** @throws ERR_GIT_MISSING, ERR_GIT_TOO_OLD. @returns major and minor version. */
export const checkGit = async (git: Git, cwd: string): Promise<readonly [number, number]> => {
  const text = await git(cwd, ['version']).catch((error: unknown) => {
    if (error instanceof GitExit && /ENOENT|EACCES/.test(error.stderr)) {
      throw new SignalboxError('ERR_GIT_MISSING', 'no git is on the PATH; install git 2.30 or later', { cause: error })
    }
    throw toSignalboxError(error, 'asking git for its version')
  })
  const [, major = '0', minor = '0'] = /(\d+)\.(\d+)/.exec(text) ?? []
  const version = [Number(major), Number(minor)] as const
  if (version[0] < OLDEST_GIT[0] || (version[0] === OLDEST_GIT[0] && version[1] < OLDEST_GIT[1])) {
    throw new SignalboxError('ERR_GIT_TOO_OLD', `the git on the PATH is ${text.trim()}; install git ${OLDEST_GIT.join('.')} or later`, {
      context: { version: text.trim() },
    })
  }
  return version
}

const notFound = (cwd: string, cause: unknown): SignalboxError =>
  new SignalboxError('ERR_WORKSPACE_NOT_FOUND', `${cwd} is not in a git repository; change to one, or run \`git init\``, {
    context: { cwd },
    cause,
  })

/** Asks `rev-parse` one thing. */
const ask = async (git: Git, cwd: string, option: string): Promise<string> => {
  try {
    return line(await git(cwd, ['rev-parse', option]))
  } catch (error) {
    if (error instanceof GitExit && /not a git repository|not in a git directory/i.test(error.stderr)) throw notFound(cwd, error)
    throw toSignalboxError(error, `looking for the repository of ${cwd}`, { cwd })
  }
}

/**
 * Top of the main working tree, seen from a linked worktree. git itself derives it wrongly for submodules and
 * `--separate-git-dir`. A bare repository that has worktrees has no main one: then the present worktree stands for it.
 */
const mainRoot = async (git: Git, commonDir: string, toplevel: string): Promise<string> => {
  const configured = await orWhenGitRefuses(git(commonDir, ['config', '--file', join(commonDir, 'config'), '--get', 'core.worktree']), '')
  if (configured !== '') return realpath(resolve(commonDir, line(configured))).catch(() => toplevel)
  if (basename(commonDir) !== '.git') return toplevel
  const bare = await orWhenGitRefuses(
    git(commonDir, ['config', '--file', join(commonDir, 'config'), '--type=bool', '--get', 'core.bare']),
    '',
  )
  return line(bare) === 'true' ? toplevel : dirname(commonDir)
}

/**
 * Finds the repository around `cwd`, which may be a sub-directory, a linked worktree or a submodule.
 * @throws ERR_WORKSPACE_NOT_FOUND, ERR_WORKSPACE_BARE, ERR_WORKSPACE_NO_COMMITS, ERR_WORKSPACE_READ_ONLY, ERR_GIT_FAILED
 */
export const locateWorkspace = async (git: Git, cwd: string): Promise<WorkspaceInfo> => {
  const [bare, inside, gitDir, common] = await Promise.all([
    ask(git, cwd, '--is-bare-repository'),
    ask(git, cwd, '--is-inside-work-tree'),
    ask(git, cwd, '--absolute-git-dir'),
    ask(git, cwd, '--git-common-dir'),
  ])
  const commonDir = await realpath(resolve(cwd, common))
  if (bare === 'true') {
    throw new SignalboxError('ERR_WORKSPACE_BARE', `${commonDir} is a bare repository; run signalbox in a clone of it`, {
      context: { cwd },
    })
  }
  if (inside !== 'true') throw notFound(cwd, undefined)
  const toplevel = await realpath(await ask(git, cwd, '--show-toplevel'))
  const root = (await realpath(gitDir)) === commonDir ? toplevel : await mainRoot(git, commonDir, toplevel)
  const [branch] = await Promise.all([
    git(root, ['symbolic-ref', '--short', '-q', 'HEAD']).then(line, () => null),
    checkCommits(git, root),
    checkWritable(commonDir),
  ])
  return { root, commonDir, branch }
}

const checkCommits = async (git: Git, root: string): Promise<void> => {
  if (await git(root, ['rev-parse', '--verify', '--quiet', 'HEAD^{commit}']).then(Boolean, () => false)) return
  const any = await git(root, ['rev-list', '-n', '1', '--all']).catch((error: unknown) => {
    throw toSignalboxError(error, `reading the history of ${root}`)
  })
  if (any === '') {
    throw new SignalboxError('ERR_WORKSPACE_NO_COMMITS', `${root} has no commits; make a first commit`, { context: { root } })
  }
}

const checkWritable = async (commonDir: string): Promise<void> => {
  await access(commonDir, constants.W_OK).catch((error: unknown) => {
    throw new SignalboxError('ERR_WORKSPACE_READ_ONLY', `${commonDir} cannot be written to; check its permissions and mount`, {
      context: { commonDir },
      cause: error,
    })
  })
}
