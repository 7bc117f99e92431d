import type { PtyId } from '../protocols/ids.ts'

/** As waitpid tells: a signal number, or 0 and the exit code. */
export type LeaderExit = { readonly exitCode: number; readonly signal: number }

export type LineRequest = {
  readonly ptyId: PtyId
  /** What is executed on the line, as `helperPath CWD FILE ARGV0 …`: exactly these bytes, no shell in between. */
  readonly helperPath: string
  readonly cwd: string
  /** What `execve` is given, relative to `cwd` or absolute. */
  readonly file: string
  readonly argv: readonly string[]
  /** `NAME=value`, in this order: the first is for the exec helper, which removes it. There is nothing else. */
  readonly env: readonly string[]
  readonly cols: number
  readonly rows: number
}

/**
 * A terminal with the process that was started on it, which leads its session. What a terminal host does is the same on
 * every line: the ring, the readers, the queue of input, the end of all that carries the mark.
 */
export interface TerminalLine {
  readonly pid: number
  /** Resolves at the end of the process. Rejects with ERR_PTY_LOST where that cannot be told, as what held it died. */
  readonly exited: Promise<LeaderExit>
  /**
   * Begins to read. `onBytes` is called with what is put out, which it must copy; `onClosed` when the line takes nothing
   * any more.
   */
  start(onBytes: (bytes: Uint8Array) => void, onClosed: () => void): void
  /** Real back-pressure: paused, the process soon blocks in its write. */
  setPaused(paused: boolean): void
  /** Hands over what was put out before the call, paused or not. Bounded: one that puts out without end does not hold it up. */
  drain(): Promise<void>
  /**
   * Gives the kernel what it takes now.
   * @returns how many bytes it took; 0: try again later. A promise where another process holds the terminal: until it
   *   settles there is no other write
   * @throws when the line takes nothing any more
   */
  write(bytes: Uint8Array): number | Promise<number>
  /** Delivers SIGWINCH. */
  resize(cols: number, rows: number): Promise<void>
  /**
   * Keeps a text with the terminal for the process that takes it over. Absent: nobody can.
   * @param memo up to a few KB
   */
  remember?(memo: string): Promise<void>
  /** Gives the terminal up. Idempotent. */
  close(): void
  /** How it ended needs not be told again: what holds it may end. After `close`. */
  release?(): void
}

/** A terminal that another process opened, and left. */
export type FoundLine = { readonly line: TerminalLine; /** What was remembered with it. */ readonly memo: string }

/** Where terminals come from: this process, or a private tmux server. */
export interface TerminalLines {
  /** @throws ERR_PTY_SPAWN_FAILED, ERR_TMUX_…; then nothing is left */
  open(request: LineRequest): Promise<TerminalLine>
  /** Leaves all that is open to the next process. Absent: it all ends with this one. */
  detach?(): void
  /** After the last terminal. */
  close?(): Promise<void>
  /** The command that shows a terminal to a person with a program of its own. */
  attachCommand?(ptyId: PtyId): readonly string[] | null
}
