import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { access, appendFile, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { WorkspaceInfo } from '../../ports/worktrees.port.ts'
import { exists, makeDirectories, removeEmpty } from './files.ts'

const writable = (path: string): Promise<boolean> =>
  access(path, constants.W_OK | constants.X_OK).then(
    () => true,
    () => false,
  )

const shortHash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 8)

/** Inside a repository the directory is not to be seen as untracked. Source: gitrepository-layout(5), info/exclude. */
const exclude = async (commonDir: string, line: string): Promise<void> => {
  const path = join(commonDir, 'info', 'exclude')
  const text = await readFile(path, 'utf8').catch(() => '')
  if (text.split('\n').includes(line)) return
  await makeDirectories(dirname(path))
  await appendFile(path, `${text === '' || text.endsWith('\n') ? '' : '\n'}${line}\n`)
}

/**
 * Where the worktrees of a repository lie: `../<repository>.lanes` beside it, or under XDG data where that cannot be
 * written to. Inside the repository `git clean -ffdx` would delete them. No directory is made here.
 * @param xdgDataHome absolute, such as `~/.local/share`
 * @param place beside; inside: `.signalbox/lanes` of the repository, excluded from git's view; or an absolute path
 */
export const lanesDirectory = async (workspace: WorkspaceInfo, xdgDataHome: string, place = 'beside'): Promise<string> => {
  const name = basename(workspace.root)
  if (place === 'inside') {
    await exclude(workspace.commonDir, '/.signalbox/')
    return join(workspace.root, '.signalbox', 'lanes')
  }
  if (place.startsWith('/')) return join(place, `${name || 'root'}-${shortHash(workspace.commonDir)}`)
  const beside = join(dirname(workspace.root), `${name}.lanes`)
  const found = await stat(beside).catch(() => null)
  const usable = found === null ? await writable(dirname(workspace.root)) : found.isDirectory() && (await writable(beside))
  if (usable && name !== '') return beside
  return join(xdgDataHome, 'signalbox', 'lanes', `${name || 'root'}-${shortHash(workspace.commonDir)}`)
}

/** The note that a directory was made by signalbox, so that it may go when it is empty. */
const noteOf = (commonDir: string, directory: string): string => join(commonDir, 'signalbox', 'made', shortHash(directory))

export const noteMade = async (commonDir: string, directory: string): Promise<void> => {
  const note = noteOf(commonDir, directory)
  await makeDirectories(dirname(note))
  await writeFile(note, `${directory}\n`)
}

/** Removes a directory if it is empty and was made by signalbox. */
export const forgetMade = async (commonDir: string, directory: string): Promise<void> => {
  const note = noteOf(commonDir, directory)
  if (!(await exists(note)) || !(await removeEmpty(directory))) return
  await rm(note, { force: true })
  await removeEmpty(dirname(note))
}
