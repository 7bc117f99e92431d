/** Flag of a kernel thread in field 9 (PF_KTHREAD, linux/sched.h). */
export const KERNEL_THREAD = 0x00200000
/** USER_HZ is 100 on every architecture that Node runs on (proc(5), times in clock ticks). */
export const TICK_MS = 10

/** What /proc/PID/stat tells (proc_pid_stat(5)). */
export type Stat = {
  readonly name: string
  readonly state: string
  readonly ppid: number
  readonly pgid: number
  readonly sid: number
  /** Minor number of its controlling terminal, N of /dev/pts/N; null when it has none, or another kind of terminal. */
  readonly pts: number | null
  /** The foreground process group of its terminal; −1: none. */
  readonly foreground: number
  readonly flags: number
  readonly cpuTicks: number
  /** Of its children that it has waited for, and of theirs. */
  readonly childTicks: number
  readonly rssPages: number
  readonly startTime: string
}

/** Major numbers of Unix 98 pseudo-terminals (Documentation/admin-guide/devices.txt). */
const FIRST_PTS_MAJOR = 136
const LAST_PTS_MAJOR = 143

/** Fields 2 to 24. The name in parentheses may itself hold spaces and parentheses. */
export function parseStat(text: string | null): Stat | null {
  if (text === null) return null
  const close = text.lastIndexOf(')')
  const fields = text.slice(close + 2).split(' ') // fields[0] is field 3, the state
  const [state, ppid, pgid, sid] = fields
  const startTime = fields[19]
  if (state === undefined || startTime === undefined) return null
  return {
    name: text.slice(text.indexOf('(') + 1, close),
    state,
    ppid: Number(ppid),
    pgid: Number(pgid),
    sid: Number(sid),
    pts: ptsOf(Number(fields[4])),
    foreground: Number(fields[5]),
    flags: Number(fields[6]),
    cpuTicks: Number(fields[11]) + Number(fields[12]),
    childTicks: Number(fields[13]) + Number(fields[14]),
    rssPages: Number(fields[21]),
    startTime,
  }
}

export const isDead = (state: string): boolean => state === 'Z' || state === 'X' || state === 'x'

/** The minor number is in bits 31 to 20 and 7 to 0, the major one in bits 15 to 8. */
function ptsOf(tty: number): number | null {
  const major = (tty >>> 8) & 0xff
  const minor = (tty & 0xff) | ((tty >>> 12) & 0xfff00)
  return major < FIRST_PTS_MAJOR || major > LAST_PTS_MAJOR ? null : (major - FIRST_PTS_MAJOR) * 0x100000 + minor
}
