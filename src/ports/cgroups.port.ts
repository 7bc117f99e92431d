import type { LimitName, TerminalLimits } from '../protocols/limits.ts'

/** Whether something is to be had here: how, or why not. */
export type Offer = { readonly ok: true; readonly how: string } | { readonly ok: false; readonly why: string }

/** What the control groups of this machine offer to this process. */
export type CgroupSupport = {
  /** To hold all processes of a terminal together, so that none of them can be missed. */
  readonly contain: Offer
  readonly limits: Readonly<Record<LimitName, Offer>>
}

/** The control group of one terminal, in one hierarchy or in several of the same name. */
export interface Cgroup {
  /** Absolute paths of files: a process that writes `0` to each of them is held from then on, with all that it forks. */
  readonly joins: readonly string[]
  /** @returns the pids of all processes in it, in groups below it too; none when it is gone. */
  pids(): readonly number[]
  /** Ends all in it with SIGKILL at one stroke, what is being forked included. @returns false where the kernel cannot */
  killAll(): boolean
  /** @returns how many of its processes the system has killed for memory; null where it does not tell. */
  memoryKills(): number | null
  /** Takes an empty one away. @returns false while processes are in it */
  remove(): boolean
}

/** A control group whose name tells a mark, wherever it lies. */
export type FoundCgroup = {
  readonly mark: string
  /** Absolute, in one hierarchy or in several. */
  readonly directories: readonly string[]
  /** ms since the epoch. */
  readonly madeAt: number
  /** @returns the pids of the processes in it */
  pids(): readonly number[]
  /** @returns false while processes are in it */
  remove(): boolean
}

/** Control groups, where the system has them. */
export interface Cgroups {
  /** What is to be had, probed when first asked. */
  support(): CgroupSupport
  /**
   * Makes an empty one, whose name tells the mark.
   * @returns null where none is to be had, or not for this mark
   * @throws Error of the system; a limit that is not to be had is one
   */
  create(mark: string, limits?: TerminalLimits): Cgroup | null
  /**
   * The one that another process made for this mark, wherever it lies.
   * @returns null where there is none. @throws Error of the system
   */
  reopen(mark: string): Promise<Cgroup | null>
  /** @returns those with marks that begin with `prefix`, those of other processes too */
  find(prefix: string): Promise<readonly FoundCgroup[]>
}
