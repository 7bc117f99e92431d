import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { createProcessTable } from '../../../src/adapters/process-table.ts'
import { type Environment, openEnvironment } from '../../../src/runtime/environment.ts'
import { diagnose, type DoctorOptions } from '../../../src/runtime/doctor/doctor.ts'
import type { EventStore } from '../../../src/ports/event-store.port.ts'
import type { DoctorFinding, DoctorReport } from '../../../src/protocols/doctor.ts'
import { laneMachine, type LaneSnapshot } from '../../../src/protocols/lane.machine.ts'
import type { KeepPolicy } from '../../../src/protocols/plan.ts'
import type { ProcessKey } from '../../../src/protocols/process-key.ts'
import type { LaneRecord, RunRecord } from '../../../src/protocols/records.ts'
import type { World } from '../../helpers/crash-world.ts'
import { git } from '../../helpers/git-repo.ts'

/** A process that has ended, or never was: same boot, a start time that this pid never had. */
export const deadOwner = (): ProcessKey => {
  const self = createProcessTable().identify(process.pid)
  return { pid: process.pid, startTime: '1', bootId: self?.bootId ?? '' }
}

export const environmentOf = (world: World): Promise<Environment> => openEnvironment({ workspace: world.root, stateHome: world.stateHome })

export const withStore = async <T>(world: World, use: (store: EventStore, env: Environment) => Promise<T>): Promise<T> => {
  const env = await environmentOf(world)
  const store = await env.openStore()
  try {
    return await use(store, env)
  } finally {
    await store.close()
  }
}

export type Planted = { readonly run: RunRecord; readonly lane: LaneRecord; readonly path: string; readonly branch: string }

type Planting = {
  readonly owner?: ProcessKey
  readonly keep?: KeepPolicy
  /** @defaultValue running */
  readonly state?: LaneSnapshot['state']
  /** The lane has ended, and this is where its worktree was kept and why. */
  readonly ended?: { readonly outcome: 'succeeded' | 'failed'; readonly reason: string; readonly uncommitted?: readonly string[] }
  /** @defaultValue true */
  readonly worktree?: boolean
  /** Without records. */
  readonly unrecorded?: boolean
}

/** Makes what a run leaves: records, a branch and a worktree. */
export const plant = (world: World, name: string, planting: Planting = {}): Promise<Planted> =>
  withStore(world, async (store, env) => {
    const [runId, laneId] = [env.ids.next('run'), env.ids.next('lane')]
    const slug = `${name}-${laneId.slice(-8).toLowerCase()}`
    const [path, branch] = [join(world.lanes, slug), `signalbox/${slug}`]
    const baseCommit = (await world.git('rev-parse', 'main')).trim()
    if (planting.worktree !== false) await world.git('worktree', 'add', '-q', '-b', branch, path, 'main')
    const at = Date.now()
    const { ended } = planting
    const plan = { keep: planting.keep ?? 'never', parallel: 1, lanes: [] }
    const owner = planting.owner ?? deadOwner()
    const endedAt = ended === undefined ? null : at
    const run: RunRecord = {
      id: runId,
      plan,
      startedAt: at,
      endedAt,
      outcome: ended?.outcome ?? null,
      owner,
      lanes: [{ name, id: laneId }],
      summary: null,
    }
    const summary = ended && {
      name,
      id: laneId,
      outcome: ended.outcome,
      durationMs: 1,
      branch,
      commits: 0,
      uncommitted: ended.uncommitted ?? [],
      worktree: path,
      reason: ended.reason,
      commands: [],
    }
    const lane: LaneRecord = {
      id: laneId,
      runId,
      name,
      snapshot: { ...laneMachine.initial, state: ended ? 'closed' : (planting.state ?? 'running') },
      worktree: { path, branch, baseCommit },
      createdAt: at,
      endedAt,
      summary: summary ?? null,
    }
    const records = [
      { kind: 'run', id: runId, value: run },
      { kind: 'lane', id: laneId, value: lane },
    ]
    if (planting.unrecorded !== true) await store.commit({ events: [], records })
    return { run, lane, path, branch }
  })

/** A process with a marker, in a session of its own. The caller ends it with `endGroup`. */
export const markedProcess = (mark: string, script = 'exec sleep 600'): ChildProcess =>
  spawn('/bin/sh', ['-c', script], { env: { PATH: process.env['PATH'], SIGNALBOX_MARK: mark }, stdio: 'ignore', detached: true })

/** Ends a process started by `markedProcess`, and its group, if doctor has not. */
export const endGroup = ({ pid }: ChildProcess): void => {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // It has ended, as it should.
  }
}

export const doctor = (world: World, fix = true, more: Partial<DoctorOptions> = {}): Promise<DoctorReport> =>
  diagnose({ cwd: world.root, fix, stateHome: world.stateHome, ...more })

export const findingOn = (report: DoctorReport, what: string): DoctorFinding | undefined =>
  report.found.find((found) => found.what === what)

/** What was found, as `action kind what`, in order of its text. */
export const told = (report: DoctorReport): readonly string[] =>
  report.found.map(({ action, kind, what }) => `${action} ${kind} ${what}`).sort()

export const branchesOf = async (world: World): Promise<readonly string[]> =>
  (await world.git('for-each-ref', '--format=%(refname:short)', 'refs/heads')).split('\n').filter(Boolean)

export const commitIn = async (path: string): Promise<string> => {
  await git(path, 'commit', '-q', '--allow-empty', '-m', 'work')
  return (await git(path, 'rev-parse', 'HEAD')).trim()
}

/** Waits for a condition. @throws when it does not come true in time */
export const until = async (what: string, holds: () => boolean | Promise<boolean>, limitMs = 20_000): Promise<void> => {
  const end = performance.now() + limitMs
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`${what}: not within ${limitMs} ms`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
