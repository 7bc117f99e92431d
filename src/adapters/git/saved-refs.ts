import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { SignalboxError } from '../../protocols/errors.ts'
import { cacheTrees } from './cache-tree.ts'
import { orAbsent } from './files.ts'
import { orWhenGitRefuses, type Git } from './git-command.ts'
import { bytesOf } from './git-stream.ts'
import type { RecoveryContext } from './recovery-context.ts'
import { historyFiles, RECOVERY_REFS, type SavedCommit, type SavedNote } from './saved-commit.ts'
import type { AdminEntry } from './worktree-admin.ts'

/** Larger ones are no reflog. */
const TEXT_BYTES = 4_000_000

/** @returns the commit of what was saved, or null. */
export const refCommit = async ({ git, workspace }: RecoveryContext, id: string): Promise<string | null> =>
  (await orWhenGitRefuses(git(workspace.commonDir, ['rev-parse', '--verify', '--quiet', `${RECOVERY_REFS}${id}^{commit}`]), '')).trim() ||
  null

const textOf = async (path: string): Promise<string> => ((await stat(path)).size > TEXT_BYTES ? '' : readFile(path, 'latin1'))

/** All that git keeps of the worktree but its index: HEAD, its reflog, a merge or rebase under way. */
const historyOf = async ({ dir }: AdminEntry): Promise<string> => {
  const texts: string[] = []
  for (const file of await historyFiles(dir)) texts.push(await textOf(join(dir, file)))
  return texts.join('\n')
}

/** Commits that only what git keeps of the worktree names. */
const namedIn = async (entry: AdminEntry): Promise<ReadonlySet<string>> =>
  new Set([...(await historyOf(entry)).matchAll(/\b(?:[0-9a-f]{40}|[0-9a-f]{64})\b/gu)].map(([name]) => name))

/** Those of these names that are of a type. */
const objectsAmong = async (
  { streamGit, workspace }: RecoveryContext,
  names: Iterable<string>,
): Promise<(type: string) => readonly string[]> => {
  const input = [...names].map((name) => `${name}\n`).join('')
  const text = await bytesOf(streamGit(workspace.commonDir, ['cat-file', '--batch-check']), input)
  const found = text.split('\n').map((row) => row.split(' '))
  return (type) => found.flatMap(([name = '', is]) => (is === type ? [name] : []))
}

/** All that must not be collected while it can be brought back: commits, HEAD first, and what else the index or a merge under way names. */
export const keptObjects = async (
  context: RecoveryContext,
  { entry }: { readonly entry: AdminEntry },
  note: SavedNote,
): Promise<Pick<SavedCommit, 'commits' | 'trees' | 'blobs'>> => {
  const { git, streamGit, workspace } = context
  const { head, tip, stashes, worktree } = note
  const reflog = await orWhenGitRefuses(
    git(workspace.commonDir, ['reflog', 'show', '--format=%H', `refs/heads/${worktree.branch}`, '--']),
    '',
  )
  const index = await orAbsent(readFile(join(entry.dir, 'index')), Buffer.alloc(0))
  const trees = cacheTrees(index, context.hash === 'sha256' ? 32 : 20)
  // What a conflict was before it was resolved.
  const undo = await bytesOf(streamGit(entry.path, ['ls-files', '--resolve-undo', '-z']))
  const named = new Set([
    ...(await namedIn(entry)),
    ...trees,
    ...undo.split('\0').flatMap((row) => row.split(' ')[1] ?? []),
    ...reflog.split('\n').filter(Boolean),
    ...stashes.map(({ commit }) => commit),
  ])
  const own = [...new Set([head, tip])].filter((commit) => commit !== null)
  const ofType = await objectsAmong(context, named)
  const found = ofType('commit')
  const exclude = own.map((commit) => `^${commit}\n`).join('')
  // Most of a reflog is history of the branch.
  const input = `${found.join('\n')}\n${exclude}`
  const beyond = found.length === 0 ? '' : await bytesOf(streamGit(workspace.commonDir, ['rev-list', '--stdin']), input)
  const loose = new Set(beyond.split('\n'))
  return { commits: [...own, ...found.filter((commit) => loose.has(commit))], trees: ofType('tree'), blobs: ofType('blob') }
}

/** Stashes that were made on a branch, newest first: they are the repository's, so they stay; somebody may drop them. */
export const stashesOn = async (git: Git, path: string, branch: string): Promise<SavedNote['stashes']> =>
  (await allStashes(git, path)).filter(({ message }) => message.startsWith(`WIP on ${branch}: `) || message.startsWith(`On ${branch}: `))

export const allStashes = async (git: Git, path: string): Promise<SavedNote['stashes']> => {
  const text = await orWhenGitRefuses(git(path, ['stash', 'list', '-z', '--format=%H %gs']), '')
  return text
    .split('\0')
    .filter(Boolean)
    .map((row) => ({ commit: row.slice(0, row.indexOf(' ')), message: row.slice(row.indexOf(' ') + 1) }))
}

/** @throws ERR_SAVED_NOT_FOUND */
export const readNote = async (context: RecoveryContext, commit: string, id: string): Promise<SavedNote> => {
  const text = await orWhenGitRefuses(
    bytesOf(context.streamGit(context.workspace.commonDir, ['cat-file', 'blob', `${commit}:lane.json`])),
    '',
  )
  const note = text === '' ? null : (JSON.parse(Buffer.from(text, 'latin1').toString()) as SavedNote)
  if (note?.version === 1) return note
  throw new SignalboxError(
    'ERR_SAVED_NOT_FOUND',
    `${RECOVERY_REFS}${id} was not written by this version of signalbox; \`git show ${RECOVERY_REFS}${id}:lane.json\` tells what it is`,
    {
      context: { id },
    },
  )
}

/** All that is saved: names of the refs, without their prefix, and their commits. */
export const savedRefs = async ({
  git,
  workspace,
}: RecoveryContext): Promise<readonly { readonly id: string; readonly commit: string }[]> => {
  const text = await git(workspace.commonDir, ['for-each-ref', '--format=%(refname) %(objectname)', RECOVERY_REFS])
  return text
    .split('\n')
    .filter(Boolean)
    .map((row) => {
      const [ref = '', commit = ''] = row.split(' ')
      return { id: ref.slice(RECOVERY_REFS.length), commit }
    })
}
