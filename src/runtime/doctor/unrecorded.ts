import { readdir, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { removeEmpty } from '../../adapters/git/files.ts'
import { forgetMade } from '../../adapters/git/lanes-directory.ts'
import type { WorktreeEntry } from '../../ports/worktrees.port.ts'
import type { DoctorFinding } from '../../protocols/doctor.ts'
import type { LaneRecord } from '../../protocols/records.ts'
import { recordsOf } from '../records.ts'
import { clean, findingsOf, foresee, withBase } from './lanes.ts'
import { goes, isSlug, left, livingOwner, runsHere, type Scene, slugOf } from './scene.ts'
import { emptyEntries } from './unfinished.ts'

const UNUSED = 'no record names it, and nothing runs lanes of this repository'

type Known = { readonly branches: ReadonlySet<string>; readonly paths: ReadonlySet<string> }

/** Read after what is judged by it: a lane's record is written before its worktree is made. */
const known = async ({ store }: Scene): Promise<Known> => {
  const lanes = await recordsOf<LaneRecord>(store, 'lane')
  return {
    branches: new Set(lanes.map(({ worktree }) => worktree.branch)),
    paths: new Set(lanes.map(({ worktree }) => worktree.path)),
  }
}

const isOurs = (scene: Scene, { main, branch, path }: WorktreeEntry): boolean =>
  !main && branch !== null && slugOf(scene, branch) === basename(path)

const treatWorktree = async (scene: Scene, entry: WorktreeEntry): Promise<readonly DoctorFinding[]> => {
  const worktree = await withBase(scene, { path: entry.path, branch: entry.branch ?? '', baseCommit: '' })
  if (!scene.fix) return foresee(scene, worktree, UNUSED, entry)
  return findingsOf(scene, worktree, UNUSED, await clean(scene, worktree, 'never', entry))
}

/** Worktrees that bear a name of ours and that no record names: the records were lost. */
const sweepWorktrees = async (scene: Scene): Promise<readonly DoctorFinding[]> => {
  const entries = (await scene.env.worktrees.list()).filter((entry) => isOurs(scene, entry))
  const owner = await livingOwner(scene)
  const { branches, paths } = await known(scene)
  const found: DoctorFinding[] = []
  for (const entry of entries) {
    if (branches.has(entry.branch ?? '') || paths.has(entry.path)) continue
    if (owner !== null) found.push(left('worktree', entry.path, `no record names it, and ${runsHere(owner)}`))
    else found.push(...(await treatWorktree(scene, entry)))
  }
  return found
}

/** Directories beside the worktrees that git does not know: empty ones go, others are only listed. */
const sweepDirectories = async (scene: Scene): Promise<readonly DoctorFinding[]> => {
  const { worktrees, lanesDirectory } = scene.env
  const names = (await readdir(lanesDirectory, { withFileTypes: true }).catch(() => [])).filter(
    (item) => item.isDirectory() && isSlug(item.name),
  )
  const listed = new Set((await worktrees.list()).map(({ path }) => path))
  const owner = await livingOwner(scene)
  const { paths } = await known(scene)
  const found: DoctorFinding[] = []
  for (const { name } of names) {
    const path = join(lanesDirectory, name)
    if (listed.has(path) || (paths.has(path) && owner !== null)) continue
    const empty = (await readdir(path).catch(() => ['unreadable'])).length === 0
    if (!empty) found.push(left('worktree', path, 'it is no worktree of this repository any more, but it holds files'))
    else if (owner !== null) found.push(left('worktree', path, `it is empty, but ${runsHere(owner)}`))
    else if (!scene.fix || (await removeEmpty(path))) found.push(goes(scene, 'worktree', path, 'it is empty, and git does not know it'))
  }
  if (scene.fix && owner === null) await forgetMade(worktrees.workspace.commonDir, lanesDirectory)
  return found
}

/** What git keeps of a worktree that it had only begun to add. */
const sweepEntries = async (scene: Scene): Promise<readonly DoctorFinding[]> => {
  const entries = await emptyEntries(scene)
  if (entries.length === 0 || (await livingOwner(scene)) !== null) return []
  if (scene.fix) for (const path of entries) await rm(path, { recursive: true, force: true })
  return entries.map((path) => goes(scene, 'worktree', path, 'git began to add a worktree and did not come far'))
}

/**
 * Branches of ours without worktree or record: they go only where another ref holds all their commits.
 * @param told what was reported with its worktree
 */
const sweepBranches = async (scene: Scene, told: ReadonlySet<string>): Promise<readonly DoctorFinding[]> => {
  const { worktrees } = scene.env
  const ours = (await worktrees.branches(scene.branchPrefix)).filter(({ name }) => slugOf(scene, name) !== null)
  const used = new Set((await worktrees.list()).map(({ branch }) => branch))
  const owner = await livingOwner(scene)
  const { branches } = await known(scene)
  const found: DoctorFinding[] = []
  for (const { name, head } of ours) {
    if (branches.has(name) || used.has(name) || told.has(name)) continue
    if (owner !== null) found.push(left('branch', name, `no record names it, and ${runsHere(owner)}`))
    else if (!(await heldElsewhere(scene, name, head)))
      found.push(left('branch', name, 'no record names it, and no other ref holds its commits'))
    else if (!scene.fix || (await worktrees.deleteBranchIfMerged(name, head)))
      found.push(goes(scene, 'branch', name, 'no record names it, and another ref holds its commits'))
  }
  return found
}

const heldElsewhere = async ({ git, env }: Scene, name: string, head: string): Promise<boolean> => {
  const refs = await git(env.worktrees.workspace.commonDir, ['for-each-ref', '--format=%(refname)', `--contains=${head}`])
  return refs.split('\n').some((ref) => ref !== '' && ref !== `refs/heads/${name}`)
}

/** What bears a name of ours, and no record names it. */
export const sweepUnrecorded = async (scene: Scene): Promise<readonly DoctorFinding[]> => {
  const trees = [...(await sweepWorktrees(scene)), ...(await sweepDirectories(scene)), ...(await sweepEntries(scene))]
  return [...trees, ...(await sweepBranches(scene, new Set(trees.map(({ what }) => what))))]
}
