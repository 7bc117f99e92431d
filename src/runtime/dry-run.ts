import { EventHub } from '../actors/event-hub.ts'
import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { newRecord, terminalSpec } from '../actors/lane-recovery.ts'
import { LANES, RUNS, terminalsName } from '../actors/names.ts'
import { argvOf } from '../actors/pty-spec.ts'
import type { LaneArgs } from '../actors/services.ts'
import { openRecovery } from '../adapters/git/git-recovery.adapter.ts'
import { lanesDirectory, openWorkspace } from '../adapters/git/git-worktrees.adapter.ts'
import { createNoCgroups } from '../adapters/cgroups.ts'
import { createProcessTable } from '../adapters/process-table.ts'
import { systemClock } from '../adapters/system/system-clock.adapter.ts'
import { systemRandom } from '../adapters/system/system-random.adapter.ts'
import type { ChildSpec } from '../kernel/child-spec.ts'
import type { Worktrees } from '../ports/worktrees.port.ts'
import type { DoctorCheck } from '../protocols/doctor.ts'
import type { DryRun, PlannedCommand, PlannedLane, PlannedNode } from '../protocols/dry-run.ts'
import { isSignalboxError } from '../protocols/errors.ts'
import type { LaneId, RunId, WorkspaceId } from '../protocols/ids.ts'
import type { Plan, PlanCommand, PlanLane } from '../protocols/plan.ts'
import type { LaneRecord } from '../protocols/records.ts'
import { restartOf, shutdownOf } from '../supervisors/child.ts'
import { DEFAULT_INTENSITY } from '../supervisors/restart-policy.ts'
import { rootTree, runTree } from '../supervisors/root.tree.ts'
import { createInProcessTerminalHost } from '../terminal-host/in-process-host.ts'
import { checkSpec } from '../terminal-host/spawn-check.ts'
import { createCheckOuts } from './check-outs.ts'
import { checkDisk, checkHelper, failedBy, passed } from './doctor/checks.ts'
import { execHelperPath } from '../terminal-host/exec-helper.ts'
import { createLiveRuns } from './live-runs.ts'
import { makeServices } from './make-services.ts'
import type { RuntimeOptions } from './options.ts'
import { defaultDataHome, defaultStateHome, statePaths } from './paths.ts'

/** Stands for the end of an id that is made when the lane begins. */
const ID_END = 'xxxxxxxx'

type Parts = { readonly services: LaneArgs['services']; readonly root: string; readonly worktrees: Worktrees }

/**
 * What a run of this plan would start, from the functions that build its trees, and what can be checked without starting
 * or writing anything.
 * @throws ERR_WORKSPACE_…, ERR_GIT_…
 */
export const dryRun = async (options: RuntimeOptions, plan: Plan): Promise<DryRun> => {
  const processTable = createProcessTable()
  const ids = { clock: systemClock, random: systemRandom }
  const checkOuts = createCheckOuts(() => '', processTable, systemClock)
  const worktrees = await openWorkspace(options.workspace, { ...ids, checkOuts })
  const recovery = openRecovery(worktrees.workspace, ids)
  const { root, commonDir } = worktrees.workspace
  const workspaceId: WorkspaceId = `ws_${ID_END}`
  const stateHome = options.stateHome ?? defaultStateHome(process.env)
  const env = {
    workspaceId,
    worktrees,
    recovery,
    paths: statePaths(stateHome, workspaceId, commonDir),
    lanesDirectory: options.lanesDirectory ?? (await lanesDirectory(worktrees.workspace, defaultDataHome(process.env))),
    processTable,
    cgroups: createNoCgroups('a dry run starts nothing'),
    ids: { next: (kind: string) => `${kind}_${ID_END}` as never },
    openStore: () => Promise.reject(new Error('a dry run opens no store')),
  }
  const terminals = createInProcessTerminalHost({ clock: systemClock, processTable })
  const owner = { pid: process.pid, startTime: '', bootId: '' }
  const services = makeServices(
    env,
    options,
    terminals,
    {},
    createLiveRuns(() => () => undefined, terminals),
    owner,
    new EventHub(() => 0),
  )
  const parts: Parts = { services, root, worktrees }
  const lanes = await Promise.all(plan.lanes.map((lane) => planLane(parts, plan, lane)))
  const checks: DoctorCheck[] = [
    checkHelper(false, execHelperPath()),
    await checkDisk(stateHome, false),
    ...lanes.flatMap((lane) => lane.checks),
  ]
  return {
    type: 'dry-run',
    ok: checks.every(({ ok }) => ok !== false),
    keep: plan.keep,
    parallel: plan.parallel,
    lanes: lanes.map(({ told }) => told),
    tree: treeOf(parts, plan),
    checks,
  }
}

const argsOf = ({ services }: Parts, { keep }: Plan, lane: PlanLane, laneId: LaneId): LaneArgs => ({
  services,
  runId: `rn_${ID_END}`,
  laneId,
  lane,
  keep,
})

const recordOf = (parts: Parts, plan: Plan, lane: PlanLane): LaneRecord => newRecord(argsOf(parts, plan, lane, `ln_${ID_END}`), 0)

/** The product's own tree; under its dynamic supervisors stands what the plan will add to them. */
const treeOf = (parts: Parts, plan: Plan): PlannedNode => {
  const runId: RunId = `rn_${ID_END}`
  const journal = { open: () => Promise.reject(new Error('a dry run opens no store')), onFailure: () => {} }
  const added = new Map<string, readonly ChildSpec[]>([
    [LANES.name, plan.lanes.map((lane) => parts.services.trees.lane(argsOf(parts, plan, lane, `ln_${lane.name}`)))],
    [RUNS.name, [runTree({ services: parts.services, runId, plan })]],
    ...plan.lanes.map((lane): [string, readonly ChildSpec[]] => {
      const args = argsOf(parts, plan, lane, `ln_${lane.name}`)
      const record = recordOf(parts, plan, lane)
      const terminal = (command: PlanCommand): ChildSpec => terminalSpec(args, record, command, `tm_${lane.name}/${command.name}`)
      return [terminalsName(args.laneId), lane.commands.map(terminal)]
    }),
  ])
  return nodeOf(rootTree({ journal, bus: { hub: new EventHub(() => 0), link: null }, recover: { lanes: () => [], runs: () => [] } }), added)
}

const nodeOf = (spec: ChildSpec, added: ReadonlyMap<string, readonly ChildSpec[]>): PlannedNode => ({
  name: spec.name,
  type: spec.type,
  restart: restartOf(spec),
  shutdown: shutdownOf(spec),
  significant: spec.significant ?? false,
  supervises:
    spec.type === 'worker'
      ? null
      : {
          strategy: spec.strategy,
          intensity: spec.intensity ?? DEFAULT_INTENSITY,
          backoff: spec.backoff ?? null,
          autoShutdown: spec.autoShutdown ?? 'never',
        },
  children: spec.type === 'worker' ? [] : (added.get(spec.name) ?? spec.children ?? []).map((child) => nodeOf(child, added)),
})

const planLane = async (parts: Parts, plan: Plan, lane: PlanLane): Promise<{ told: PlannedLane; checks: readonly DoctorCheck[] }> => {
  const { path, branch } = recordOf(parts, plan, lane).worktree
  const based = await parts.worktrees.resolve(lane.base).then(
    (commit) => ({ commit, check: passed(`${lane.name}: base`, `${lane.base} is ${commit.slice(0, 12)}`) }),
    (error: unknown) => ({ commit: null, check: failedBy(`${lane.name}: base`, error) }),
  )
  const copies = await Promise.all(lane.copy.map((file) => checkCopy(parts, lane, file)))
  const told = {
    name: lane.name,
    base: lane.base,
    commit: based.commit,
    after: lane.after,
    worktree: path,
    branch,
    copy: lane.copy,
    envNames: Object.keys(lane.env).sort(),
    commands: lane.commands.map(planCommand),
  }
  return { told, checks: [based.check, ...copies, ...lane.commands.map((command) => checkCommand(parts, lane, command))] }
}

const planCommand = ({ name, run, graceMs, env }: PlanCommand): PlannedCommand => ({
  name,
  argv: argvOf(run),
  graceMs,
  envNames: Object.keys(env).sort(),
})

const checkCopy = ({ root }: Parts, lane: PlanLane, file: string): Promise<DoctorCheck> => {
  const name = `${lane.name}: copy`
  return access(join(root, file)).then(
    () => passed(name, file),
    () => ({ name, ok: false, detail: `there is no ${file} in ${root}`, remedy: 'Make the file, or take it out of `copy`.' }),
  )
}

/** Looks where the command itself will be looked for; one that lies in the worktree cannot be seen before that is made. */
const checkCommand = ({ root, services }: Parts, lane: PlanLane, { name, run, env }: PlanCommand): DoctorCheck => {
  const title = `${lane.name}/${name}`
  const argv = argvOf(run)
  const [command = ''] = argv
  const later: DoctorCheck = { name: title, ok: null, detail: `${command} is looked for in the worktree`, remedy: null }
  // What lies in the main working tree may be another there, or be missing.
  const isInWorktree = command.includes('/') && !command.startsWith('/')
  try {
    checkSpec({
      ptyId: `pt_${ID_END}`,
      argv,
      env: { ...services.baseEnv, ...lane.env, ...env, SIGNALBOX_MARK: ID_END },
      cwd: root,
      mark: ID_END,
    })
    return isInWorktree ? later : passed(title, typeof run === 'string' ? `runs by ${command}` : command)
  } catch (error) {
    return isInWorktree && isNoProgram(error) ? later : failedBy(title, error)
  }
}

const isNoProgram = (error: unknown): boolean =>
  isSignalboxError(error, 'ERR_PTY_COMMAND_NOT_FOUND') || isSignalboxError(error, 'ERR_PTY_COMMAND_NOT_EXECUTABLE')
