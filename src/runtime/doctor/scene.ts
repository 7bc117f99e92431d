import type { Settings } from '../../protocols/config.schema.ts'
import type { EventStore } from '../../ports/event-store.port.ts'
import type { DoctorFinding } from '../../protocols/doctor.ts'
import type { PtyRecord, RunRecord } from '../../protocols/records.ts'
import type { Git } from '../../adapters/git/git-command.ts'
import type { Environment } from '../environment.ts'
import { type Held, NOTHING_HELD } from '../host/held.ts'
import { type Owner, readOwners } from '../owners.ts'
import { recordsOf } from '../records.ts'

/** What doctor decides by. What may change while it works is read anew, and always after the thing that it decides about. */
export type Scene = {
  readonly env: Environment
  readonly store: EventStore
  readonly git: Git
  /** Where doctor was started, real path. */
  readonly cwd: string
  readonly branchPrefix: string
  readonly settings: Settings
  readonly fix: boolean
  /** What the terminal host holds, also of orchestrators that died. */
  readonly held: Held
  /** Runs with a process there. */
  readonly heldRuns: ReadonlySet<string>
}

/** @returns a process that runs lanes of this workspace now, or null. */
export const livingOwner = async ({ env }: Scene): Promise<Owner | null> =>
  (await readOwners(env.paths.owners, env.processTable)).living[0] ?? null

export const runRecord = async ({ store }: Scene, id: string): Promise<RunRecord | undefined> =>
  (await store.record('run', id))?.value as RunRecord | undefined

/** @returns whether the run goes on: it has not ended, and its process lives, or a terminal of it does and will be taken over. */
export const goesOn = ({ env, heldRuns }: Pick<Scene, 'env' | 'heldRuns'>, run: RunRecord | undefined): boolean =>
  run !== undefined && run.endedAt === null && (env.processTable.isAlive(run.owner) || heldRuns.has(run.id))

/** The runs that have a process in the terminal host. */
export const runsHeld = async (store: EventStore, held: Held): Promise<ReadonlySet<string>> => {
  if (held === NOTHING_HELD) return new Set()
  const ptys = await recordsOf<PtyRecord>(store, 'pty')
  return new Set(
    ptys.filter(({ id, endedAt, runId }) => runId !== null && endedAt === null && held.has(id)).map(({ runId }) => runId as string),
  )
}

export const runsHere = (owner: Owner): string => `process ${owner.pid} runs lanes of this repository`

/** The name of a lane's worktree and branch as the lane actor makes it: the lane's name and the end of its id. */
const SLUG = /^[A-Za-z0-9._-]+-[0-9a-hjkmnp-tv-z]{8}$/

export const isSlug = (name: string): boolean => SLUG.test(name)

/** @returns the slug of a branch of ours, or null for a branch that somebody else named. */
export const slugOf = ({ branchPrefix }: Scene, branch: string): string | null => {
  if (!branch.startsWith(branchPrefix)) return null
  const slug = branch.slice(branchPrefix.length)
  return isSlug(slug) ? slug : null
}

export const commitsText = (count: number): string => `${count} commit${count === 1 ? '' : 's'}`

export const left = (kind: DoctorFinding['kind'], what: string, why: string): DoctorFinding => ({ kind, what, why, action: 'left' })

/** Something that goes: now, or with `--fix`. */
export const goes = ({ fix }: Scene, kind: DoctorFinding['kind'], what: string, why: string): DoctorFinding => ({
  kind,
  what,
  why,
  action: fix ? 'removed' : 'would-remove',
})

/** @returns how many commits `tip` has beyond `base`; both full ids or full names of refs. */
export const commitsBeyond = async ({ git, env }: Scene, base: string, tip: string): Promise<number> =>
  Number(await git(env.worktrees.workspace.commonDir, ['rev-list', '--count', tip, '--not', base]))
