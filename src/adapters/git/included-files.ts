import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { SignalboxError } from '../../protocols/errors.ts'
import { orAbsent } from './files.ts'
import { orWhenGitRefuses, type Git } from './git-command.ts'

/** Names ignored files that every new worktree is to have, as `.gitignore` names files. */
const LIST = '.worktreeinclude'
/** More are what an installation or a build makes anew. */
const MOST = 10_000

/**
 * Files of the main working tree that `.worktreeinclude` names and git ignores, relative to its top. None where there is no such
 * file. Never tracked ones, and never any outside: git looks below the top only.
 * @throws ERR_LANE_COPY_FAILED for more than 10,000
 */
export const includedFiles = async (git: Git, root: string): Promise<readonly string[]> => {
  const list = join(root, LIST)
  if (!(await orAbsent(stat(list), null))?.isFile()) return []
  const found = await git(root, ['ls-files', '--others', '--ignored', `--exclude-from=${list}`, '-z'])
  // What ends in a slash is a repository of its own.
  const matching = found.split('\0').filter((path) => path !== '' && !path.endsWith('/'))
  if (matching.length === 0) return []
  const input = matching.map((path) => `${path}\0`).join('')
  const files = (await orWhenGitRefuses(git(root, ['check-ignore', '--stdin', '-z'], { input }), '')).split('\0').filter(Boolean)
  if (files.length <= MOST) return files
  throw new SignalboxError('ERR_LANE_COPY_FAILED', `${LIST} names ${files.length} files; at most ${MOST} are copied into a lane`, {
    context: { file: LIST, count: files.length },
  })
}
