import { readFileSync, realpathSync, statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import type { WorkspaceId } from '../../protocols/ids.ts'

/** A repository as far as a light command needs it. */
export type FoundWorkspace = {
  /** Real path of the git common directory. */
  readonly commonDir: string
  /** Null when signalbox has never been used there. */
  readonly id: WorkspaceId | null
  /** Top of the main working tree. */
  readonly root: string
}

const textOf = (path: string): string | null => {
  try {
    return readFileSync(path, 'utf8').replace(/\n$/u, '')
  } catch {
    return null
  }
}

const isDirectory = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true

/** What `.git` in `directory` leads to: it is the git directory, or names it (gitrepository-layout(5)). */
const gitDirOf = (directory: string): string | null => {
  const entry = join(directory, '.git')
  if (isDirectory(entry)) return entry
  const [, target] = /^gitdir: (.+)$/su.exec(textOf(entry) ?? '') ?? []
  return target === undefined ? null : resolve(directory, target)
}

type Found = { readonly gitDir: string; readonly top: string }

const findGitDir = (cwd: string): Found | null => {
  for (let directory = cwd; ; directory = dirname(directory)) {
    const gitDir = gitDirOf(directory)
    if (gitDir !== null) return { gitDir, top: directory }
    if (directory === dirname(directory)) return null
  }
}

/** The same look-up as `workspaceId` of the git adapter makes, without ever writing. */
const readId = (commonDir: string): WorkspaceId | null => {
  for (let generation = 1; ; generation += 1) {
    const text = textOf(join(commonDir, 'signalbox', generation === 1 ? 'workspace' : `workspace.${generation}`))
    if (text === null) return null
    if (/^ws_[0-9A-HJKMNP-TV-Z]{26}$/u.test(text.trim())) return text.trim() as WorkspaceId
  }
}

/**
 * The repository around a directory, found without starting git: for commands that must be quick.
 * @returns null outside of any repository
 */
export const findWorkspace = (cwd: string, env: NodeJS.ProcessEnv): FoundWorkspace | null => {
  const named = env['GIT_DIR']
  try {
    const found = named === undefined || named === '' ? findGitDir(realpathSync(cwd)) : { gitDir: resolve(cwd, named), top: cwd }
    if (found === null) return null
    const { gitDir, top } = found
    const common = textOf(join(gitDir, 'commondir'))
    const commonDir = realpathSync(common === null ? gitDir : resolve(gitDir, common))
    return { commonDir, id: readId(commonDir), root: basename(commonDir) === '.git' ? dirname(commonDir) : top }
  } catch {
    return null // a directory that is gone, or a link to nowhere
  }
}
