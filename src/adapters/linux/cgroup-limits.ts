import { LIMIT_NAMES, type LimitName, type TerminalLimits } from '../../protocols/limits.ts'

/** The period that a share of the processor is counted over, in µs: the kernel's default. */
const PERIOD_US = 100_000
/** The least that the kernel takes. Source: kernel/sched/core.c, min_cfs_quota_period */
const LEAST_QUOTA_US = 1_000

type Write = { readonly file: string; readonly value: string; /** The system may lack it. */ readonly optional?: true }

/** The controller of v1 and v2 that a limit needs. */
export const CONTROLLERS: Readonly<Record<LimitName, string>> = { memoryBytes: 'memory', cpus: 'cpu', processes: 'pids' }

const quota = (cpus: number): number => Math.max(LEAST_QUOTA_US, Math.round(cpus * PERIOD_US))

/**
 * What is written to bound a group. Memory is bounded together with swap: who sets a bound wants an end at it, not a machine
 * that swaps. Source: Documentation/admin-guide/cgroup-v2.rst, cgroup-v1/memory.rst, scheduler/sched-bwc.rst
 */
export const writesFor = (version: 1 | 2, name: LimitName, value: number): readonly Write[] => {
  if (name === 'processes') return [{ file: 'pids.max', value: String(value) }]
  if (version === 2)
    return name === 'cpus'
      ? [{ file: 'cpu.max', value: `${quota(value)} ${PERIOD_US}` }]
      : [
          { file: 'memory.max', value: String(value) },
          { file: 'memory.swap.max', value: '0', optional: true },
        ]
  return name === 'cpus'
    ? [
        { file: 'cpu.cfs_period_us', value: String(PERIOD_US) },
        { file: 'cpu.cfs_quota_us', value: String(quota(value)) },
      ]
    : [
        { file: 'memory.limit_in_bytes', value: String(value) },
        { file: 'memory.memsw.limit_in_bytes', value: String(value), optional: true },
      ]
}

/** The limits that are asked for. */
export const asked = (limits: TerminalLimits): readonly (readonly [LimitName, number])[] =>
  LIMIT_NAMES.flatMap((name) => {
    const value = limits[name]
    return value === undefined ? [] : [[name, value] as const]
  })
