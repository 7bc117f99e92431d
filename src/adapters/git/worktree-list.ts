import type { WorktreeEntry } from '../../ports/worktrees.port.ts'
import type { Git } from './git-command.ts'
import { exists } from './files.ts'
import { adminEntries } from './worktree-admin.ts'

/** Parses `git worktree list --porcelain`, with `-z` (git 2.36 and later) or without. The first is the main one. */
const parse = (text: string, zero: boolean): readonly ReadonlyMap<string, string>[] => {
  const [end, gap] = zero ? ['\0', '\0\0'] : ['\n', '\n\n']
  return text
    .split(gap)
    .filter((block) => block !== '')
    .map((block) => {
      const fields = block.split(end).filter(Boolean)
      return new Map(
        fields.map((field): [string, string] => {
          const space = field.indexOf(' ')
          return space < 0 ? [field, ''] : [field.slice(0, space), field.slice(space + 1)]
        }),
      )
    })
}

export const listWorktrees = async (
  git: Git,
  workspace: { readonly root: string; readonly commonDir: string },
  version: readonly [number, number],
): Promise<readonly WorktreeEntry[]> => {
  const zero = version[0] > 2 || version[1] >= 36
  const text = await git(workspace.root, ['worktree', 'list', '--porcelain', ...(zero ? ['-z'] : [])])
  const locks = new Map((await adminEntries(workspace.commonDir)).map((entry) => [entry.path, entry.locked]))
  return Promise.all(
    parse(text, zero).map(async (fields, index): Promise<WorktreeEntry> => {
      const main = index === 0
      // git derives the main one's path from the common directory, which is wrong for a submodule.
      const path = main ? workspace.root : (fields.get('worktree') ?? '')
      return {
        path,
        branch: fields.get('branch')?.replace(/^refs\/heads\//, '') ?? null,
        head: fields.get('HEAD') ?? null,
        // Read from the file: `list` says it only since git 2.31.
        locked: locks.get(path) ?? null,
        missing: !(await exists(path)),
        main,
      }
    }),
  )
}
