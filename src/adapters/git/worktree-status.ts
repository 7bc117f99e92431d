import type { Git } from './git-command.ts'

/** A path in `git status`: `?` untracked, `.M` changed in the working tree only, others as git writes them. */
export type StatusEntry = { readonly path: string; readonly state: string }
export type Status = {
  readonly head: string
  /** Null when detached. */ readonly branch: string | null
  readonly entries: readonly StatusEntry[]
}

/** Fields before the path, by kind of record: `git help status`, "Porcelain Format Version 2". */
const FIELDS_BEFORE_PATH: Readonly<Record<string, number>> = { '1': 8, '2': 9, u: 10, '?': 1 }

/** Parses `git status --porcelain=v2 --branch -z`. */
export const parseStatus = (text: string): Status => {
  let head = ''
  let branch: string | null = null
  const entries: StatusEntry[] = []
  for (const record of text.split('\0')) {
    if (record.startsWith('# branch.oid ')) head = record.slice(13)
    else if (record.startsWith('# branch.head ')) branch = record.slice(14) === '(detached)' ? null : record.slice(14)
    const kind = record[0] ?? ''
    const fields = FIELDS_BEFORE_PATH[kind]
    if (fields === undefined) continue
    const parts = record.split(' ')
    entries.push({ path: parts.slice(fields).join(' '), state: kind === '?' ? '?' : (parts[1] ?? '') })
  }
  return { head, branch, entries }
}

const STATUS = [
  '--no-optional-locks',
  'status',
  '--porcelain=v2',
  '--branch',
  '-z',
  '--untracked-files=all',
  '--ignore-submodules=none',
  '--no-renames',
]

/** Reads the state of a worktree without writing to its index. @throws GitExit */
export const readStatus = async (git: Git, worktree: string): Promise<Status> => parseStatus(await git(worktree, STATUS))
