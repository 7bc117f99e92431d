import { statfs } from 'node:fs/promises'
import type { WorkspaceInfo } from '../../ports/worktrees.port.ts'
import { exists } from './files.ts'
import { GitExit, type Git } from './git-command.ts'
import { dirname } from 'node:path'

const nearest = async (path: string): Promise<string> => ((await exists(path)) || dirname(path) === path ? path : nearest(dirname(path)))

/** Bytes of all files of a commit. */
const sizeOf = async (git: Git, workspace: WorkspaceInfo, commit: string): Promise<number> => {
  const text = await git(workspace.root, ['ls-tree', '-r', '-l', '-z', commit])
  // "<mode> <type> <object> <size>\t<path>"; a submodule has size "-".
  return text.split('\0').reduce((sum, row) => sum + (Number(/^\S+ \S+ \S+ +(\d+)\t/.exec(row)?.[1] ?? 0) || 0), 0)
}

/**
 * During a check-out git says "unable to write file F" without the cause, and has freed the space again when it ends.
 * @returns whether `error` is that, and the files of `commit` do not fit beside what lies in `directory`
 */
export const lacksSpace = async (
  git: Git,
  workspace: WorkspaceInfo,
  error: unknown,
  directory: string,
  commit: string,
): Promise<boolean> => {
  if (!(error instanceof GitExit && /unable to write file/.test(error.stderr))) return false
  try {
    const { bavail, bsize } = await statfs(await nearest(directory))
    return (await sizeOf(git, workspace, commit)) > bavail * bsize
  } catch {
    return false
  }
}
