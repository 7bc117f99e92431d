import type { DoctorCheck, DoctorFinding, DoctorReport } from '../../protocols/doctor.ts'
import { isSignalboxError } from '../../protocols/errors.ts'
import type { RunRecord } from '../../protocols/records.ts'
import { type Environment, openEnvironment } from '../environment.ts'
import { recordsOf } from '../inspection.ts'
import { readOwners } from '../owners.ts'
import { defaultStateHome } from '../paths.ts'
import { checkMachine, failedBy, passed } from './checks.ts'
import { sweepLanes } from './lanes.ts'
import { type Scene, sweepProcesses } from './leftovers.ts'
import { closeRuns, sweepFiles } from './records.ts'

export type DoctorOptions = {
  readonly cwd: string
  /** Removes what is provably ours, empty of work and unowned. */
  readonly fix: boolean
  readonly stateHome?: string
  /** As in RuntimeOptions. @defaultValue `signalbox/` */
  readonly branchPrefix?: string
}

const openOrSay = async (options: DoctorOptions): Promise<{ env: Environment | null; checks: readonly DoctorCheck[] }> => {
  try {
    const env = await openEnvironment({
      workspace: options.cwd,
      ...(options.stateHome === undefined ? {} : { stateHome: options.stateHome }),
    })
    return { env, checks: [passed('git', `works in ${env.worktrees.workspace.root}`)] }
  } catch (error) {
    if (!isSignalboxError(error)) throw error
    return { env: null, checks: [failedBy('git', error)] }
  }
}

/** Processes first, then what they may have written to, then the records. */
const sweep = async (
  env: Environment,
  options: DoctorOptions,
): Promise<{ checks: readonly DoctorCheck[]; found: readonly DoctorFinding[] }> => {
  const store = await env.openStore()
  try {
    const runs = new Map((await recordsOf<RunRecord>(store, 'run')).map((run) => [run.id as string, run]))
    const { living, stale } = await readOwners(env.paths.owners, env.processTable)
    const scene: Scene = { env, store, owners: living, runs, fix: options.fix }
    const found = [
      ...(await sweepProcesses(scene)),
      ...(await sweepLanes(scene, options.branchPrefix ?? 'signalbox/')),
      ...(await closeRuns(scene)),
      ...(await sweepFiles(scene, stale)),
    ]
    const aside = store.putAside
    const check = passed(
      'store',
      aside === null ? env.paths.database : `a damaged file was put aside at ${aside}; lanes were looked for in git instead`,
    )
    return { checks: [check], found }
  } finally {
    await store.close()
  }
}

/** Checks the machine and finds, and with `fix` removes, what killed runs left. */
export const diagnose = async (options: DoctorOptions): Promise<DoctorReport> => {
  const { env, checks: git } = await openOrSay(options)
  const machine = await checkMachine({ cwd: options.cwd, stateHome: options.stateHome ?? defaultStateHome(process.env), fix: options.fix })
  const swept =
    env === null
      ? { checks: [], found: [] }
      : await sweep(env, options).catch((error: unknown) => ({ checks: [failedBy('store', error)], found: [] }))
  const checks = [...git, ...machine, ...swept.checks]
  const ok = checks.every((check) => check.ok !== false) && swept.found.every(({ action }) => action !== 'would-remove')
  return { type: 'doctor', ok, checks, found: swept.found }
}
