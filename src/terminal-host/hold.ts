import type { Cgroup, Cgroups, Offer } from '../ports/cgroups.port.ts'
import type { ProcessTable } from '../ports/process-table.port.ts'
import type { PtySpec } from '../ports/terminal-host.port.ts'
import { SignalboxError } from '../protocols/errors.ts'
import { type AppliedLimits, LIMIT_NAMES, type LimitName } from '../protocols/limits.ts'
import type { ExecOrders } from './exec-report.ts'
import { errnoOf, spawnFailed } from './spawn-error.ts'

/** What holds and bounds a process from before its first instruction. */
export type Hold = Pick<ExecOrders, 'mustJoin' | 'dataBytes' | 'userProcesses'> & {
  readonly group: Cgroup | null
  readonly applied: AppliedLimits
}

/** Bounds of single processes, where there is no control group for a limit. Source: getrlimit(2) */
export const PROCESS_BOUNDS: Readonly<Record<LimitName, () => Offer>> = {
  // RLIMIT_AS would count what V8, Go and the JVM only reserve, with which they do not even start.
  memoryBytes: () =>
    process.platform === 'linux'
      ? { ok: true, how: 'RLIMIT_DATA, of each process by itself' }
      : { ok: false, why: `${process.platform} does not bound the memory of a process` },
  cpus: () => ({ ok: false, why: 'no bound of a process does it' }),
  processes: () =>
    process.getuid?.() === 0
      ? { ok: false, why: 'RLIMIT_NPROC does not bound root' }
      : { ok: true, how: 'RLIMIT_NPROC, counted over all processes of the user' },
}

type Parts = { readonly cgroups: Cgroups | undefined; readonly processTable: ProcessTable }

/**
 * Makes the control group of a PTY and finds what its limits become: the group's where it can, else of single processes.
 * @throws ERR_PTY_LIMIT_UNAVAILABLE, ERR_PTY_SPAWN_FAILED
 */
export const makeHold = (spec: PtySpec, { cgroups, processTable }: Parts): Hold => {
  const { limits = {} } = spec
  const asked = LIMIT_NAMES.filter((name) => (limits[name] ?? 0) > 0)
  const support = cgroups?.support()
  const inGroup = asked.filter((name) => support?.limits[name].ok === true)
  const byProcess = asked.filter((name) => !inGroup.includes(name) && PROCESS_BOUNDS[name]().ok)
  const missing = asked.filter((name) => !inGroup.includes(name) && !byProcess.includes(name))
  const [first] = missing
  if (first !== undefined && limits.ifMissing !== 'run') throw unavailable(spec, first, support?.limits[first])
  const group = makeGroup(spec, cgroups, inGroup)
  const becomes = (names: readonly LimitName[], what: 'cgroup' | 'process' | 'missing') => names.map((name) => [name, what] as const)
  return {
    group,
    mustJoin: inGroup.length > 0,
    ...(byProcess.includes('memoryBytes') && { dataBytes: limits.memoryBytes }),
    ...(byProcess.includes('processes') && { userProcesses: (limits.processes ?? 0) + (processTable.userTasks?.() ?? 0) }),
    applied: Object.fromEntries([...becomes(inGroup, 'cgroup'), ...becomes(byProcess, 'process'), ...becomes(missing, 'missing')]),
  }
}

/** Without a limit one that cannot be made is done without: processes are then found by their mark. */
const makeGroup = (spec: PtySpec, cgroups: Cgroups | undefined, inGroup: readonly LimitName[]): Cgroup | null => {
  const limits = Object.fromEntries(inGroup.map((name) => [name, spec.limits?.[name]]))
  try {
    return cgroups?.create(spec.mark, limits) ?? null
  } catch (cause) {
    if (inGroup.length > 0) throw spawnFailed(spec, 'making its control group', errnoOf(cause), cause)
    return null
  }
}

const unavailable = (spec: PtySpec, name: LimitName, group: Offer | undefined): SignalboxError => {
  const bound = PROCESS_BOUNDS[name]()
  const why = [group?.ok === false ? group.why : 'no control groups are used', bound.ok ? '' : bound.why].filter((text) => text !== '')
  return new SignalboxError(
    'ERR_PTY_LIMIT_UNAVAILABLE',
    `Cannot start ${spec.argv[0]}: its limit ${name} is not to be had here (${why.join('; ')}).`,
    {
      context: { ptyId: spec.ptyId, limit: name, why },
    },
  )
}
