import type { ProcessIdentity, ProcessInfo, ProcessTable } from '../../ports/process-table.port.ts'
import { DarwinProcessTrees } from './process-trees.ts'
import { parseLine, type Row, ROW_FIELDS } from './ps-line.ts'

/** How the adapter runs a program: in production the real one, in tests recorded output. */
export type RunProgram = {
  /** @returns standard output; empty when the program fails (`ps -p` of a pid that is gone exits 1). */
  sync(program: string, args: readonly string[]): string
  async(program: string, args: readonly string[]): Promise<string>
}

/**
 * The process table of macOS, by `ps`. Start times have a resolution of one second; environments are readable only of
 * one's own processes and not of those that the system protects; sessions are not told (docs/reference/platforms.md).
 */
export function createDarwinProcessTable(run: RunProgram = realPrograms): ProcessTable {
  let knownBootId: string | undefined
  const bootId = (): string => (knownBootId ??= run.sync('sysctl', ['-n', 'kern.bootsessionuuid']).trim())

  const identify = (pid: number): ProcessIdentity | null => {
    if (!Number.isInteger(pid) || pid <= 0) return null
    const row = parseLine(run.sync('ps', ['-o', ROW_FIELDS, '-p', String(pid)]).trim())
    return row === null || row.pid !== pid || row.state === 'Z' ? null : { pid, startTime: row.startTime, bootId: bootId() }
  }
  const isAlive = (identity: ProcessIdentity): boolean =>
    identity.bootId === bootId() && identify(identity.pid)?.startTime === identity.startTime

  return {
    identify,
    isAlive,
    async findByMark(prefix) {
      // -E puts the environment after the command, so that the mark is found and the command is not: asked for apart.
      const marked = (await run.async('ps', ['-axwwE', '-o', `${ROW_FIELDS},command=`]))
        .split('\n')
        .map(parseLine)
        .filter((row) => row !== null && row.state !== 'Z')
        .map((row) => ({ row: row as Row, mark: / SIGNALBOX_MARK=(\S*)/.exec(` ${row?.rest}`)?.[1] ?? null }))
        .filter(({ mark }) => mark !== null && mark.startsWith(prefix))
      if (marked.length === 0) return []
      const pids = marked.map(({ row }) => row.pid).join(',')
      const commands = new Map(
        (await run.async('ps', ['-ww', '-o', 'pid=,command=', '-p', pids])).split('\n').map((line) => {
          const match = /^\s*(\d+)\s+(.*)$/.exec(line)
          return [Number(match?.[1]), match?.[2] ?? ''] as const
        }),
      )
      return marked
        .map(({ row: { pid, ppid, pgid, state, startTime }, mark }): ProcessInfo => {
          return { pid, startTime, bootId: bootId(), ppid, pgid, sid: 0, state, command: commands.get(pid) ?? '', mark }
        })
        .sort((a, b) => Date.parse(a.startTime) - Date.parse(b.startTime) || a.pid - b.pid)
    },
    signal(identity, signal) {
      if (!isAlive(identity)) return false
      try {
        process.kill(identity.pid, signal)
        return true
      } catch {
        return false
      }
    },
    trees: () => new DarwinProcessTrees({ bootId, ps: (args) => run.async('ps', args) }),
  }
}

/** Start times must not change with the language or the zone. */
const ENV = { ...process.env, LC_ALL: 'C', TZ: 'UTC' }

/** Only where they are used: every light command loads this file, on Linux too. */
const childProcess = () => process.getBuiltinModule('node:child_process')

const realPrograms: RunProgram = {
  sync(program, args) {
    try {
      return childProcess().execFileSync(program, args, { encoding: 'utf8', env: ENV, stdio: ['ignore', 'pipe', 'ignore'] })
    } catch {
      return ''
    }
  },
  async async(program, args) {
    const { promisify } = process.getBuiltinModule('node:util')
    const { stdout } = await promisify(childProcess().execFile)(program, args, { encoding: 'utf8', env: ENV, maxBuffer: 67_108_864 })
    return stdout
  },
}
