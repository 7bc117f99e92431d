import { closeSync, openSync, readdirSync, readSync } from 'node:fs'
import { constants } from 'node:os'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { ProcessIdentity, ProcessInfo, ProcessTable } from '../../ports/process-table.port.ts'
import { markOfCgroups } from './cgroup-names.ts'
import { foregroundWaiting } from './foreground.ts'
import { isDead, KERNEL_THREAD, parseStat, type Stat, TICK_MS } from './proc-stat.ts'
import { LinuxProcessTrees } from './process-trees.ts'
import { taskRoom } from './task-room.ts'
import { SpareDescriptor } from './spare-descriptor.ts'

const MARK = 'SIGNALBOX_MARK='
/** Processes looked at before the event loop gets a turn: about half a millisecond. */
const SLICE = 50
const RSS = /^VmRSS:\s*(\d+) kB$/m
const PEAK = /^VmHWM:\s*(\d+) kB$/m
/** What is read at once; nothing stays in it. */
const SHARED = Buffer.allocUnsafeSlow(16_384)
/** Passes over those that appeared meanwhile. */
const MAX_LOOKS = 8

/** The process table of Linux, from /proc (proc_pid_stat(5), proc_pid_environ(5)). */
export function createLinuxProcessTable(procPath = '/proc'): ProcessTable {
  const spare = new SpareDescriptor()
  const read = (path: string): string | null => readOrNull(spare, `${procPath}/${path}`)
  const bootId = (read('sys/kernel/random/boot_id') ?? '').trim()

  const identify = (pid: number): ProcessIdentity | null => {
    const stat = parseStat(pid > 0 ? read(`${pid}/stat`) : null)
    return stat === null || isDead(stat.state) ? null : { pid, startTime: stat.startTime, bootId }
  }
  const isAlive = (identity: ProcessIdentity): boolean =>
    identity.bootId === bootId && identify(identity.pid)?.startTime === identity.startTime

  const inspect = (pid: number, prefix: string): ProcessInfo | null | 'again' => {
    const environ = read(`${pid}/environ`)
    if (environ === '') {
      // Empty for a moment in the middle of exec; always for kernel threads, for zombies, and after `env -i`.
      const stat = parseStat(read(`${pid}/stat`))
      if (stat === null || isDead(stat.state) || (stat.flags & KERNEL_THREAD) !== 0) return null
    }
    // No environment of ours, or none that we may read: a control group of ours tells as well, whatever the process wiped.
    const mark = findMark(environ ?? '') ?? markOfCgroups(read(`${pid}/cgroup`) ?? '')
    if (mark === null && environ === '') return 'again'
    if (mark === null || !mark.startsWith(prefix)) return null
    const stat = parseStat(read(`${pid}/stat`))
    if (stat === null || isDead(stat.state)) return null
    return infoOf(pid, stat, mark)
  }
  const infoOf = (pid: number, stat: Stat, mark: string | null): ProcessInfo => {
    const { ppid, pgid, sid, state, startTime } = stat
    const cmdline = Buffer.from(read(`${pid}/cmdline`) ?? '', 'latin1').toString('utf8')
    const command = cmdline.replaceAll('\0', ' ').trim() || stat.name
    return { pid, startTime, bootId, ppid, pgid, sid, state, command, mark }
  }

  const userTasks = (): number | null => {
    const own = process.getuid?.() ?? -1
    try {
      return spare
        .lend(() => readdirSync(procPath))
        .filter((name) => /^\d+$/.test(name))
        .map((name) => read(`${name}/status`) ?? '')
        .filter((status) => Number(/^Uid:\t(\d+)/m.exec(status)?.[1]) === own)
        .reduce((sum, status) => sum + Number(/^Threads:\t(\d+)/m.exec(status)?.[1] ?? 0), 0)
    } catch {
      return null
    }
  }

  return {
    identify,
    isAlive,
    async findByMark(prefix) {
      const found: ProcessInfo[] = []
      const seen = new Set<string>()
      // A process may fork and end between the listing and our look at it: looks again until nobody new appears.
      for (let look = 0; look < MAX_LOOKS; look += 1) {
        const fresh = spare.lend(() => readdirSync(procPath)).filter((name) => /^\d+$/.test(name) && !seen.has(name))
        if (fresh.length === 0) break
        if (look > 0) await nextTurn() // an exec in the middle gets time to finish
        for (const [index, name] of fresh.entries()) {
          seen.add(name)
          const info = inspect(Number(name), prefix)
          if (info === 'again') {
            if (look < MAX_LOOKS - 1) seen.delete(name)
          } else if (info !== null) found.push(info)
          if (index % SLICE === SLICE - 1) await nextTurn()
        }
      }
      return found.sort((a, b) => Number(a.startTime) - Number(b.startTime) || a.pid - b.pid)
    },
    async findZombies(prefix) {
      const found: ProcessInfo[] = []
      for (const [index, name] of spare.lend(() => readdirSync(procPath)).entries()) {
        if (index % SLICE === SLICE - 1) await nextTurn()
        const stat = /^\d+$/.test(name) ? parseStat(read(`${name}/stat`)) : null
        const mark = stat?.state === 'Z' ? markOfCgroups(read(`${name}/cgroup`) ?? '') : null
        if (stat !== null && mark?.startsWith(prefix) === true) found.push(infoOf(Number(name), stat, mark))
      }
      return found
    },
    describe(pid) {
      const stat = parseStat(read(`${pid}/stat`))
      return stat === null ? null : infoOf(pid, stat, null)
    },
    sleepsIn(identity) {
      const name = read(`${identity.pid}/wchan`)?.trim()
      return name === undefined || name === '' || name === '0' || !isAlive(identity) ? null : name
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
    usage(identity) {
      const status = read(`${identity.pid}/status`) ?? ''
      const kilobytes = (field: RegExp): number => Number(field.exec(status)?.[1] ?? 0)
      const fds = countOrNull(spare, `${procPath}/${identity.pid}/fd`)
      // Last, so that all that was read before is of the process whose start it tells.
      const stat = parseStat(read(`${identity.pid}/stat`))
      if (stat === null || isDead(stat.state) || stat.startTime !== identity.startTime || identity.bootId !== bootId) return null
      return { rssBytes: kilobytes(RSS) * 1_024, peakRssBytes: kilobytes(PEAK) * 1_024, cpuMs: stat.cpuTicks * TICK_MS, fds }
    },
    waiting(leader, among) {
      return leader.bootId === bootId ? foregroundWaiting({ path: procPath, spare, read }, leader, among) : null
    },
    trees: () => new LinuxProcessTrees({ path: procPath, bootId, spare, read, markOf: findMark }),
    userTasks,
    taskRoom: () => taskRoom(userTasks),
    // Kills within control groups are counted here too (mm/oom_kill.c).
    memoryKills() {
      const count = /^oom_kill (\d+)$/m.exec(read('vmstat') ?? '')?.[1]
      return count === undefined ? null : Number(count)
    },
    ignores(identity, signal) {
      const mask = /^SigIgn:\s*([0-9a-f]+)$/m.exec(read(`${identity.pid}/status`) ?? '')?.[1]
      if (!isAlive(identity)) return false
      return mask === undefined ? null : ((BigInt(`0x${mask}`) >> BigInt(constants.signals[signal] - 1)) & 1n) === 1n
    },
  }
}

function countOrNull(spare: SpareDescriptor, path: string): number | null {
  try {
    return spare.lend(() => readdirSync(path)).length
  } catch {
    return null
  }
}

function readOrNull(spare: SpareDescriptor, path: string): string | null {
  try {
    return spare.lend(() => readText(path))
  } catch {
    return null // ended meanwhile, or not ours to read
  }
}

/** Of files whose size nobody knows before they are read: without a new buffer for each, of which most would stay empty. */
function readText(path: string): string {
  const fd = openSync(path, 'r')
  try {
    let text = ''
    for (let count = readSync(fd, SHARED); count > 0; count = readSync(fd, SHARED)) text += SHARED.toString('latin1', 0, count)
    return text
  } finally {
    closeSync(fd)
  }
}

function findMark(environ: string): string | null {
  const at = environ.startsWith(MARK) ? 0 : environ.indexOf(`\0${MARK}`) + 1
  if (at === 0 && !environ.startsWith(MARK)) return null
  const end = environ.indexOf('\0', at)
  return Buffer.from(environ.slice(at + MARK.length, end < 0 ? undefined : end), 'latin1').toString('utf8')
}
