import { realpath } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { makeGit } from '../../adapters/git/git-command.ts'
import { withGate } from '../../adapters/sqlite/gate.ts'
import { systemClock } from '../../adapters/system/system-clock.adapter.ts'
import { DEFAULT_SETTINGS, type Settings } from '../../protocols/config.schema.ts'
import type { EventStore } from '../../ports/event-store.port.ts'
import type { DoctorCheck, DoctorFinding, DoctorReport } from '../../protocols/doctor.ts'
import { isSignalboxError } from '../../protocols/errors.ts'
import { type Environment, openEnvironment } from '../environment.ts'
import { heldBy } from '../host/held.ts'
import { defaultStateHome } from '../paths.ts'
import { sweepCgroups } from './cgroups.ts'
import { checkMachine, failedBy, passed } from './checks.ts'
import { sweepLanes } from './lanes.ts'
import { sweepProcesses } from './processes.ts'
import { closeRuns, sweepLogs, sweepOwners } from './records.ts'
import { goes, runsHeld, type Scene } from './scene.ts'
import { openForReading } from './reading.ts'
import { brokenEntries, repairEntry } from './unfinished.ts'
import { sweepUnrecorded } from './unrecorded.ts'

export type DoctorOptions = {
  readonly cwd: string
  /** Removes what is provably ours, empty of work and unowned. Without it nothing is changed. */
  readonly fix: boolean
  readonly stateHome?: string
  /** As in RuntimeOptions. @defaultValue beside the repository */
  readonly lanesDirectory?: string
  /** As in RuntimeOptions. @defaultValue `signalbox/` */
  readonly branchPrefix?: string
  readonly settings?: Settings
  /** Where the exec helper is to be. @defaultValue in the installation */
  readonly execHelper?: string
}

type Findings = { readonly checks: readonly DoctorCheck[]; readonly found: readonly DoctorFinding[] }

const openOrSay = async (options: DoctorOptions): Promise<{ env: Environment | null; checks: readonly DoctorCheck[] }> => {
  try {
    const env = await openEnvironment({
      workspace: options.cwd,
      ...(options.stateHome !== undefined && { stateHome: options.stateHome }),
      settings: () => options.settings ?? DEFAULT_SETTINGS,
      ...(options.lanesDirectory !== undefined && { lanesDirectory: options.lanesDirectory }),
    })
    return { env, checks: [passed('git', `works in ${env.worktrees.workspace.root}`)] }
  } catch (error) {
    if (!isSignalboxError(error)) throw error
    return { env: null, checks: [failedBy('git', error)] }
  }
}

const storeCheck = (env: Environment, store: EventStore, fix: boolean): DoctorCheck => {
  if (store.putAside === null) return passed('store', env.paths.database)
  return {
    name: 'store',
    ok: fix,
    detail: fix
      ? `a damaged file was put aside at ${store.putAside}; lanes were looked for in git instead`
      : `${env.paths.database} is damaged; lanes were looked for in git instead`,
    remedy: fix ? null : 'Run `signalbox doctor --fix`: it puts the damaged file aside and begins a new one.',
  }
}

/** Processes first, then what they may have written to, then the records. */
const sweep = async (env: Environment, options: DoctorOptions, store: EventStore): Promise<Findings> => {
  const settings = options.settings ?? DEFAULT_SETTINGS
  const held = await heldBy(env)
  const scene: Scene = {
    env,
    store,
    git: makeGit(process.env),
    cwd: await realpath(options.cwd).catch(() => resolve(options.cwd)),
    branchPrefix: options.branchPrefix ?? settings.lanes.branchPrefix,
    settings,
    fix: options.fix,
    held,
    heldRuns: await runsHeld(store, held),
  }
  const found: DoctorFinding[] = [...(await sweepProcesses(scene))]
  const broken = await brokenEntries(scene)
  if (broken.length > 0 && !options.fix) {
    const why = 'git was ended while it added a worktree; until that is repaired no git can list worktrees, and nor can doctor'
    return { checks: [storeCheck(env, store, false)], found: [...found, ...broken.map((path) => goes(scene, 'worktree', path, why))] }
  }
  for (const path of broken) await repairEntry(path)
  for (const look of [sweepCgroups, sweepLanes, sweepUnrecorded, closeRuns, sweepOwners, sweepLogs]) found.push(...(await look(scene)))
  return { checks: [storeCheck(env, store, options.fix)], found }
}

const sweepWith = async (env: Environment, options: DoctorOptions, open: () => Promise<EventStore>): Promise<Findings> => {
  const store = await open()
  try {
    return await sweep(env, options, store)
  } finally {
    await store.close()
  }
}

/** One doctor at a time changes something; the kernel gives the turn on when its holder dies. */
const inTurn = (env: Environment, options: DoctorOptions): Promise<Findings> =>
  options.fix
    ? withGate(join(env.paths.directory, 'doctor'), systemClock, () => sweepWith(env, options, env.openStore))
    : sweepWith(env, options, () => openForReading(env))

const failedSweep = (error: unknown): Findings => {
  const ofGit = isSignalboxError(error) && /^ERR_(GIT|WORKTREE|WORKSPACE)_/u.test(error.code)
  return { checks: [failedBy(ofGit ? 'git' : 'store', error)], found: [] }
}

/** Checks the machine and finds, and with `fix` removes, what killed runs left. */
export const diagnose = async (options: DoctorOptions): Promise<DoctorReport> => {
  const { env, checks: git } = await openOrSay(options)
  const machine = await checkMachine({
    cwd: options.cwd,
    stateHome: options.stateHome ?? defaultStateHome(process.env),
    fix: options.fix,
    ...(options.execHelper !== undefined && { execHelper: options.execHelper }),
  })
  const swept = env === null ? { checks: [], found: [] } : await inTurn(env, options).catch(failedSweep)
  const failed = new Set(swept.checks.map(({ name }) => name))
  const checks = [...git.filter(({ name }) => !failed.has(name)), ...machine, ...swept.checks]
  const ok = checks.every((check) => check.ok !== false) && swept.found.every(({ action }) => action !== 'would-remove')
  return { type: 'doctor', ok, checks, found: swept.found }
}
