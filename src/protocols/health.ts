/**
 * What a terminal does, as far as there is evidence:
 * - `waiting-for-input`: its program is blocked until somebody types;
 * - `at-prompt`: that program is a shell, which waits for the next command;
 * - `blocked-on-output`: its program cannot write, because nobody reads what it puts out;
 * - `busy`: it uses CPU or puts something out;
 * - `idle`: it does neither, and waits for something else: a timer, a child, the network;
 * - `stopped`: what is in the foreground is stopped (Ctrl-Z, SIGSTOP, a debugger);
 * - `zombie`: its process has ended, and nobody has waited for it;
 * - `uninterruptible`: it waits within the kernel, mostly for a disk, and takes no signal;
 * - `unknown`: it is quiet, and what it waits for cannot be seen.
 */
export type PtyCondition =
  | 'waiting-for-input'
  | 'at-prompt'
  | 'blocked-on-output'
  | 'busy'
  | 'idle'
  | 'stopped'
  | 'zombie'
  | 'uninterruptible'
  | 'unknown'

/** How the process tree of a terminal is. Times in ms since the epoch. */
export type PtyHealth = {
  /** When it was looked at. */
  readonly at: number
  /** Its process lives. */
  readonly alive: boolean
  /** It can take what it is given: not stopped, not stuck in the kernel, no input that waits unread. Null where that cannot be seen. */
  readonly responsive: boolean | null
  /** When it was seen alive last. */
  readonly heartbeatAt: number | null
  readonly condition: PtyCondition
  /** Since when it is so, as far as was seen. */
  readonly since: number
  /** What that is concluded from, in words. */
  readonly evidence: string
  /** Processes of the tree that live. */
  readonly processes: number
  /** Memory of the tree, what they share counted once. Null where it cannot be seen. */
  readonly memoryBytes: number | null
  /** Since the look before, 100 for a whole core. Null before a second look. */
  readonly cpuPercent: number | null
  /** How long it has put out nothing, was given nothing, and used no CPU worth mentioning; since it is looked at, where it never did. */
  readonly quietMs: { readonly output: number; readonly input: number; readonly cpu: number }
  /** How long none of the three has been. */
  readonly idleMs: number
}
