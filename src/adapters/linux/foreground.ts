import { closeSync, openSync, readdirSync, readlinkSync, readSync } from 'node:fs'
import type { ProcessIdentity, Waiting } from '../../ports/process-table.port.ts'
import { isDead, parseStat } from './proc-stat.ts'
import type { SpareDescriptor } from './spare-descriptor.ts'
import { classify, together } from './waiting.ts'

/** The most processes below a leader that are looked at for those in the foreground. */
const MAX_PROCESSES = 256

type Proc = {
  readonly path: string
  readonly spare: SpareDescriptor
  /** The text of a file below `path`, or null. */
  readonly read: (path: string) => string | null
}

/**
 * What the foreground program of the terminal of `leader` waits for, from /proc: who is in the foreground group (field 8
 * of stat), and in which system call their threads are.
 * @param among - pids to look for the members of the group in. @defaultValue the leader and its descendants
 * @returns null when the leader no longer lives
 */
export function foregroundWaiting(proc: Proc, leader: ProcessIdentity, among?: readonly number[]): Waiting | null {
  const stat = parseStat(proc.read(`${leader.pid}/stat`))
  if (stat === null || isDead(stat.state) || stat.startTime !== leader.startTime) return null
  const { foreground, pts } = stat
  if (pts === null || foreground <= 0) return 'unknown'
  const found: Waiting[] = []
  for (const pid of new Set([...(among ?? descendants(proc, leader.pid)), foreground])) {
    const member = pid === leader.pid ? stat : parseStat(proc.read(`${pid}/stat`))
    if (member === null || isDead(member.state) || member.pgid !== foreground || member.pts !== pts) continue
    found.push(processWaiting(proc, pid, pts))
    if (found.at(-1) === 'input') break
  }
  return together(found)
}

function descendants(proc: Proc, root: number): number[] {
  const pids = [root]
  for (let at = 0; at < pids.length && pids.length < MAX_PROCESSES; at += 1) {
    const pid = pids[at] ?? 0
    const children = proc.read(`${pid}/task/${pid}/children`) // of the main thread: absent where the kernel is built without
    for (const child of (children ?? '').split(' ')) if (child !== '') pids.push(Number(child))
  }
  return pids
}

/** The main thread says it in most programs; where it does not, another may read for it. */
function processWaiting(proc: Proc, pid: number, pts: number): Waiting {
  const terminals = new Map<number, boolean>()
  const isTerminal = (fd: number): boolean => {
    const known = terminals.get(fd)
    if (known !== undefined) return known
    const target = linkOf(proc, `${pid}/fd/${fd}`)
    const is = target === `/dev/pts/${pts}` || target === '/dev/tty'
    terminals.set(fd, is)
    return is
  }
  const of = (tid: number | string): Waiting =>
    classify({
      syscall: proc.read(`${pid}/task/${tid}/syscall`),
      isTerminal,
      memory: (address, count) => memoryOf(proc, pid, address, count),
      epoll: (fd) => epollOf(proc.read(`${pid}/fdinfo/${fd}`)),
    })
  const main = of(pid)
  if (main !== 'busy') return main
  const others = threadsOf(proc, pid).filter((tid) => tid !== String(pid))
  return together([main, ...others.map(of).filter((waiting) => waiting !== 'unknown')])
}

function threadsOf(proc: Proc, pid: number): string[] {
  try {
    return proc.spare.lend(() => readdirSync(`${proc.path}/${pid}/task`))
  } catch {
    return []
  }
}

function linkOf(proc: Proc, path: string): string {
  try {
    return readlinkSync(`${proc.path}/${path}`)
  } catch {
    return ''
  }
}

function memoryOf(proc: Proc, pid: number, address: bigint, count: number): Uint8Array | null {
  try {
    return proc.spare.lend(() => {
      const fd = openSync(`${proc.path}/${pid}/mem`, 'r')
      try {
        const bytes = new Uint8Array(count)
        return readSync(fd, bytes, 0, count, address) === count ? bytes : null
      } finally {
        closeSync(fd)
      }
    })
  } catch {
    return null
  }
}

/** Lines such as `tfd:        0 events:       19 data: …`; the numbers of events are hexadecimal (proc_pid_fdinfo(5)). */
function epollOf(fdinfo: string | null): { fd: number; events: number }[] | null {
  if (fdinfo === null) return null
  return [...fdinfo.matchAll(/^tfd:\s*(\d+)\s+events:\s*([0-9a-f]+)/gmu)].map(([, fd, events]) => ({
    fd: Number(fd),
    events: Number.parseInt(events ?? '0', 16),
  }))
}
