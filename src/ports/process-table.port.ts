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
  /** The value of SIGNALBOX_MARK in its environment, or what the name of its control group tells; null where neither does. */
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

/**
 * What the foreground program of a terminal does, as far as there is evidence:
 * - `input`: blocked in a read of its terminal, so surely waiting for input;
 * - `prompt`: waits in select or poll until its terminal can be read, as line editors and full-screen programs do;
 * - `listening`: an event loop that listens to its terminal among others: it takes input, but may be at work;
 * - `output`: blocked in a write to its terminal: nobody reads what it puts out;
 * - `busy`: none of these: it computes, sleeps, or waits for something else;
 * - `unknown`: it cannot be seen (another user's, hidden by the system, io_uring), or nobody is in the foreground.
 */
export type Waiting = 'input' | 'prompt' | 'listening' | 'output' | 'busy' | 'unknown'

/** A process of a tree, as one look saw it. */
export type ProcessSample = ProcessIdentity & {
  readonly ppid: number
  readonly pgid: number
  /** One letter as in ps. A zombie is among them as long as nobody has waited for it. */
  readonly state: string
  /** Its arguments; of one that has none, its name alone. */
  readonly argv: readonly string[]
  /** User and system time since its start. */
  readonly cpuMs: number
  /** The same of its children that have ended and that it has waited for; 0 where the platform does not tell. */
  readonly childrenCpuMs: number
  readonly rssBytes: number
  /** Of `rssBytes`, what other processes may have too: files and shared memory; 0 where the platform does not tell. */
  readonly sharedBytes: number
  /** The foreground process group of its terminal; null where it has none. */
  readonly foreground: number | null
}

/** A process, and all that it starts, which carries its mark. */
export type TreeRoot = { readonly leader: ProcessIdentity; readonly mark: string }

/** Follows trees of processes from look to look: what was seen in a tree once belongs to it until its end. */
export interface ProcessTrees {
  /**
   * One pass for all roots.
   * @returns the trees, in the order of the roots: the processes that live, or that nobody has waited for. A process belongs
   *   to the tree of its parent, of its session, or of its mark.
   * @throws where the process table cannot be read
   */
  look(roots: readonly TreeRoot[]): Promise<readonly (readonly ProcessSample[])[]>
}

/** The processes of the machine. */
export interface ProcessTable {
  /** @returns the identity of a living process (a zombie counts as ended), or null. */
  identify(pid: number): ProcessIdentity | null
  /** @returns whether exactly this process still lives. */
  isAlive(identity: ProcessIdentity): boolean
  /**
   * @returns every living process whose mark starts with `prefix`, oldest first: by its environment, else by the name of its
   *   control group. One pass over the process table.
   */
  findByMark(prefix: string): Promise<ProcessInfo[]>
  /**
   * @returns processes that have ended and that nobody waits for (zombies), by the name of their control group: they have no
   *   environment any more. Absent: it never tells.
   */
  findZombies?(prefix: string): Promise<ProcessInfo[]>
  /** @returns what a pid is now, a zombie too (state Z), its mark left out; null when there is none. Absent: it never tells. */
  describe?(pid: number): ProcessInfo | null
  /**
   * @returns the name of the place in the kernel where exactly this process sleeps, such as `kernel_clone`; null where it is
   *   not told. Absent: it never tells.
   */
  sleepsIn?(identity: ProcessIdentity): string | null
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
   * What the foreground program of the terminal that `leader` leads the session of waits for.
   * @param among - pids among which the members of the foreground group are, for a caller who has them. @defaultValue the leader and what descends from it
   * @returns null when the leader no longer lives. Absent: the platform does not tell.
   */
  waiting?(leader: ProcessIdentity, among?: readonly number[]): Waiting | null
  /** Begins to follow trees of processes. Absent: the platform does not tell. */
  trees?(): ProcessTrees
  /** @returns how many processes and threads the user of this process has; null where that cannot be seen. Absent: it never tells. */
  userTasks?(): number | null
  /** @returns how many processes and threads this process may still start; Infinity where nothing bounds it. Absent: it never tells. */
  taskRoom?(): number
  /**
   * @returns how many processes the system has killed for memory since it started: only the growth of it tells; null where
   *   the platform does not. Absent: it never tells.
   */
  memoryKills?(): number | null
}
