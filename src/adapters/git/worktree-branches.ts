import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { SignalboxError } from '../../protocols/errors.ts'
import { GitExit, type Git } from './git-command.ts'
import { lockFileOf } from './git-failure.ts'
import { retryLocked } from './repository-queue.ts'
import type { WorktreeContext } from './worktree-context.ts'
import { adminEntries, rebasedBranch } from './worktree-admin.ts'

export type Branch = { readonly name: string; readonly head: string }

const HEADS = 'refs/heads/'

/** A transaction of `git update-ref --stdin -z`: all or nothing. */
const transaction = (...commands: readonly (readonly string[])[]): string =>
  [['start'], ...commands, ['prepare'], ['commit']].map((fields) => `${fields.join('\0')}\0`).join('')

/** @throws ERR_WORKTREE_BRANCH_INVALID when git would not take `name` for a branch */
export const checkBranchName = async (git: Git, commonDir: string, name: string): Promise<void> => {
  const valid =
    name !== '' &&
    !name.startsWith('-') &&
    name !== 'HEAD' &&
    !name.includes('\0') &&
    (await git(commonDir, ['check-ref-format', '--branch', name]).then(
      (answer) => answer === `${name}\n`,
      () => false,
    ))
  if (valid) return
  throw new SignalboxError('ERR_WORKTREE_BRANCH_INVALID', `${JSON.stringify(name)} cannot be the name of a branch; choose another`, {
    context: { branch: name },
  })
}

/** @returns the worktree (by path) that has the branch checked out or comes back to it after a rebase, or null. */
export const userOfBranch = async (git: Git, commonDir: string, name: string): Promise<string | null> => {
  const ref = HEADS + name
  const listed = await git(commonDir, ['worktree', 'list', '--porcelain'])
  const block = listed.split('\n\n').find((text) => text.split('\n').includes(`branch ${ref}`))
  if (block !== undefined) return /^worktree (.*)$/m.exec(block)?.[1] ?? commonDir
  const entries = await adminEntries(commonDir)
  const dirs = [...entries.map(({ dir, path }) => ({ dir, path })), { dir: commonDir, path: commonDir }]
  for (const { dir, path } of dirs) if ((await rebasedBranch(dir)) === ref) return path
  return null
}

const EXISTS = /reference already exists|' exists; cannot create|there are still refs under/

/** Creates a branch only if there is none of that name. @throws ERR_WORKTREE_BRANCH_EXISTS, ERR_WORKTREE_BRANCH_CHECKED_OUT, GitExit */
export const createBranch = async (git: Git, commonDir: string, name: string, commit: string): Promise<void> => {
  try {
    const input = transaction([`create ${HEADS}${name}`, commit])
    await git(commonDir, ['update-ref', '-m', `branch: Created from ${commit}`, '--stdin', '-z'], { input })
  } catch (error) {
    if (!(error instanceof GitExit && EXISTS.test(error.stderr))) throw error
    const user = await userOfBranch(git, commonDir, name)
    if (user !== null) {
      throw new SignalboxError('ERR_WORKTREE_BRANCH_CHECKED_OUT', `the branch ${name} is checked out in ${user}`, {
        context: { branch: name, worktree: user },
        cause: error,
      })
    }
    throw new SignalboxError('ERR_WORKTREE_BRANCH_EXISTS', `the branch ${name} exists already: ${error.stderr.trim()}`, {
      context: { branch: name },
      cause: error,
    })
  }
}

/** Deletes a branch only if its tip is still `head`, and only if `witness` still is what it was. @throws GitExit */
export const deleteBranch = async (
  git: Git,
  commonDir: string,
  name: string,
  head: string,
  witness?: { ref: string; head: string },
): Promise<void> => {
  const verify = witness ? [[`verify ${witness.ref}`, witness.head]] : []
  await git(commonDir, ['update-ref', '--no-deref', '--stdin', '-z'], { input: transaction(...verify, [`delete ${HEADS}${name}`, head]) })
  await forgetBranchConfig(git, commonDir, name)
}

/** `git push -u` leaves a section in the configuration, which would apply to a later branch of that name. */
export const forgetBranchConfig = async (git: Git, commonDir: string, name: string): Promise<void> => {
  const config = await readFile(join(commonDir, 'config'), 'utf8').catch(() => '')
  if (!config.includes(`[branch "${name}"]`)) return
  // Best effort: the branch is gone already, and the section harms nobody.
  await git(commonDir, ['config', '--local', '--remove-section', `branch.${name}`]).catch(() => undefined)
}

/** What the configuration says of a branch, such as where it is pushed to. */
export const branchConfig = async (
  git: Git,
  commonDir: string,
  name: string,
): Promise<readonly (readonly [key: string, value: string])[]> => {
  const rows = (await git(commonDir, ['config', '--local', '--list', '-z'])).split('\0')
  return rows
    .filter((row) => row.startsWith(`branch.${name}.`) && /^[^.\n]+(\n|$)/u.test(row.slice(`branch.${name}.`.length)))
    .map((row): readonly [string, string] => {
      const [key = '', ...value] = row.split('\n')
      return [key, value.join('\n')]
    })
}

/** @returns the commit of a branch, or null when there is none. */
export const tipOf = async (git: Git, commonDir: string, name: string): Promise<string | null> => {
  const text = await git(commonDir, ['for-each-ref', '--format=%(refname)%00%(objectname)', HEADS + name])
  const found = parseRefs(text).find((ref) => ref.name === HEADS + name)
  return found?.head ?? null
}

const parseRefs = (text: string): readonly Branch[] =>
  text
    .split('\n')
    .filter(Boolean)
    .map((row) => {
      const [name = '', head = ''] = row.split('\0')
      return { name, head }
    })

export const listBranches = async (git: Git, commonDir: string, prefix: string): Promise<readonly Branch[]> =>
  parseRefs(await git(commonDir, ['for-each-ref', '--format=%(refname)%00%(objectname)', HEADS]))
    .map(({ name, head }) => ({ name: name.slice(HEADS.length), head }))
    .filter(({ name }) => name.startsWith(prefix))

type Ref = { readonly ref: string; readonly head: string }

/** @returns refs other than the branch itself that reach `commit`; those that stay longest first. */
const otherRefsWith = async (git: Git, commonDir: string, name: string, commit: string): Promise<readonly Ref[]> => {
  const text = await git(commonDir, ['for-each-ref', '--format=%(refname)%00%(objectname)', `--contains=${commit}`])
  return parseRefs(text)
    .filter((ref) => ref.name !== HEADS + name)
    .map((ref) => ({ ref: ref.name, head: ref.head }))
}

/**
 * Deletes a branch only if its tip is still `head` and another ref reaches that commit at the moment of deletion: two
 * branches at one commit cannot each go because of the other.
 * @returns whether it went. @throws GitExit
 */
export const deleteHeldBranch = async (context: WorktreeContext, name: string, head: string): Promise<boolean> => {
  const { git, workspace } = context
  const { commonDir, branch } = workspace
  for (let attempt = 1; ; attempt += 1) {
    const refs = await otherRefsWith(git, commonDir, name, head)
    // Other lanes come and go, the branch of the main working tree stays.
    const witness = refs.find(({ ref }) => ref === HEADS + branch) ?? refs[0]
    if (witness === undefined) return false
    try {
      await retryLocked(context, () => deleteBranch(git, commonDir, name, head, witness))
      return true
    } catch (error) {
      if (!(error instanceof GitExit) || lockFileOf(error) !== null) throw error
      if (error.stderr.includes(`cannot lock ref '${HEADS}${name}'`)) return (await tipOf(git, commonDir, name)) === null
      if (!error.stderr.includes(`cannot lock ref '${witness.ref}'`) || attempt === 10) throw error
    }
  }
}
