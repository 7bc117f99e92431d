/** Which process a pid means: a pid is reused, this triple is not. */
export interface ProcessIdentity {
  readonly pid: number
  /** Start time in the platform's own unit (Linux: clock ticks since boot, field 22 of /proc/PID/stat). */
  readonly startTime: string
  /** Linux: /proc/sys/kernel/random/boot_id. */
  readonly bootId: string
}

export interface ProcessInfo extends ProcessIdentity {
  readonly ppid: number
  readonly pgid: number
  readonly sid: number
  /** One letter as in ps: R, S, D, T, Z … */
  readonly state: string
  readonly command: string
  /** The value of SIGNALBOX_MARK in its environment, where readable. */
  readonly mark: string | null
}

/** What one process uses; children not included. */
export type ProcessUsage = {
  readonly rssBytes: number
  /** The most that it ever used. */
  readonly peakRssBytes: number
  /** User and system time since its start. */
  readonly cpuMs: number
  /** Open descriptors; null where they cannot be seen. */
  readonly fds: number | null
}

/** The processes of the machine. */
export interface ProcessTable {
  /** @returns the identity of a living process (a zombie counts as ended), or null. */
  identify(pid: number): ProcessIdentity | null
  /** @returns whether exactly this process still lives. */
  isAlive(identity: ProcessIdentity): boolean
  /** @returns every living process whose mark starts with `prefix`, oldest first. One pass over the process table. */
  findByMark(prefix: string): Promise<ProcessInfo[]>
  /**
   * Sends a signal to exactly this process: identity is checked immediately before.
   * @returns false when it no longer lives.
   */
  signal(identity: ProcessIdentity, signal: NodeJS.Signals): boolean
  /**
   * @returns whether the process ignores a signal (SIG_IGN); false when it no longer lives, null where the platform does
   *   not tell. Absent: it never tells.
   */
  ignores?(identity: ProcessIdentity, signal: NodeJS.Signals): boolean | null
  /** @returns what exactly this process uses now; null when it no longer lives or the platform does not tell. Absent: it never tells. */
  usage?(identity: ProcessIdentity): ProcessUsage | null
  /**
   * @returns how many processes the system has killed for memory since it started: only the growth of it tells; null where
   *   the platform does not. Absent: it never tells.
   */
  memoryKills?(): number | null
}
