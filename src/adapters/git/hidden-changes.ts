import { lstat } from 'node:fs/promises'
import { join } from 'node:path'
import { orWhenGitRefuses, type Git } from './git-command.ts'

/** Few enough paths for one command line. */
const BATCH = 200

const present = async (worktree: string, paths: readonly string[]): Promise<readonly string[]> => {
  const found = await Promise.all(
    paths.map((path) =>
      lstat(join(worktree, path)).then(
        () => true,
        () => false,
      ),
    ),
  )
  return paths.filter((_, index) => found[index])
}

const changedAmong = async (git: Git, worktree: string, paths: readonly string[]): Promise<readonly string[]> => {
  const staged = await git(worktree, ['--literal-pathspecs', 'ls-files', '-s', '-z', '--', ...paths])
  const objects = new Map(
    staged.split('\0').map((row): [string, string] => {
      const [fields = '', path = ''] = [row.slice(0, row.indexOf('\t')), row.slice(row.indexOf('\t') + 1)]
      return [path, fields.split(' ')[1] ?? '']
    }),
  )
  // Unreadable, or a directory by now: then it is not as it was.
  const now = await orWhenGitRefuses(git(worktree, ['hash-object', '--', ...paths]), '')
  const hashes = now.split('\n')
  return paths.filter((path, index) => objects.get(path) !== hashes[index])
}

/**
 * Files that differ from the index although `git status` must not look at them (assume-unchanged, skip-worktree). git
 * would delete them with the worktree. Files that a sparse check-out left out are not there and not meant.
 */
export const hiddenChanges = async (git: Git, worktree: string): Promise<readonly string[]> => {
  const rows = (await git(worktree, ['ls-files', '-v', '-z'])).split('\0')
  // Lower case: assume-unchanged. S: skip-worktree.
  const marked = rows.filter((row) => /^[a-zS] /.test(row)).map((row) => row.slice(2))
  const changed: string[] = []
  for (let from = 0; from < marked.length; from += BATCH) {
    const paths = await present(worktree, marked.slice(from, from + BATCH))
    if (paths.length > 0) changed.push(...(await changedAmong(git, worktree, paths)))
  }
  return changed
}
