import type { SearchOptions, SearchResult, TerminalText, TextOptions } from '../protocols/terminal-text.ts'
import type { AppliedLimits, CommandLimits } from '../protocols/limits.ts'
import type { PtyId } from '../protocols/ids.ts'
import type { InputReceipt } from '../protocols/input-receipt.ts'
import type { PtyPressure } from '../protocols/pty-pressure.ts'
import type { PtyExit, SignalRecord, SurvivorRecord } from '../protocols/pty-exit.ts'
import type { ProcessIdentity, Waiting } from './process-table.port.ts'

export type { InputReceipt, PtyExit, SignalRecord, SurvivorRecord }

export type PtySpec = {
  readonly ptyId: PtyId
  /** argv; the first is the command. It is looked up on the PATH of `env`, relative to `cwd` when it has a slash. Never empty. */
  readonly argv: readonly string[]
  /** The whole environment of the child. Includes SIGNALBOX_MARK. */
  readonly env: Readonly<Record<string, string>>
  /** Absolute. */
  readonly cwd: string
  /** Columns, 1 to 10,000. @defaultValue 120 */
  readonly cols?: number
  /** Rows, 1 to 10,000. @defaultValue 30 */
  readonly rows?: number
  /** Ring size in bytes, a multiple of 64 KB. @defaultValue 4 MB (PTY-11) */
  readonly ringBytes?: number
  /** The value of SIGNALBOX_MARK in `env`: the processes that carry exactly it belong to this PTY. */
  readonly mark: string
  /** What bounds its processes; 0 or absent: nothing. */
  readonly limits?: Partial<CommandLimits>
  /** Full log; absent: none. */
  readonly log?: { readonly path: string; /** @defaultValue 512 MB */ readonly capBytes?: number }
}

export type OutputChunk =
  | { readonly offset: number; readonly bytes: Uint8Array }
  | { readonly gap: { readonly from: number; readonly to: number } }

export type ReadOptions = {
  /** Absolute offset to start at; `tail` bytes before the end; @defaultValue from the oldest byte held. */
  readonly from?: number
  readonly tail?: number
  /** lossy: a slow reader meets gaps. lossless: a slow reader slows the child (PTY-12). @defaultValue lossy */
  readonly mode?: 'lossy' | 'lossless'
  /**
   * The bytes of a chunk may change once the next one is asked for, or the reading ends: nothing is allocated then. For
   * readers that hand them on or copy what they keep. @defaultValue false: they never change
   */
  readonly borrow?: boolean
  readonly signal?: AbortSignal
}

export type PtyStats = {
  readonly outputBytes: number
  /** ms since the epoch. */
  readonly lastOutputAt: number | null
  /** Input taken, with the kernel or not yet. */
  readonly inputBytes: number
  /** Of that, what waits because its program does not read. */
  readonly inputQueuedBytes: number
  readonly cols: number
  readonly rows: number
}

/** `scrollback`: lines above the screen, 0 to 1,000. @defaultValue 1,000 */
export type SnapshotOptions = { readonly scrollback?: number }

/** What a person who attaches now must see. */
export type ScreenSnapshot = {
  /** As of here: output from here on continues it, without gap or repeat. */
  readonly offset: number
  readonly cols: number
  readonly rows: number
  /** To be written to a new terminal of this size: text, attributes, modes, cursor. It asks the terminal nothing. */
  readonly bytes: Uint8Array
  /** A program fills the screen. */
  readonly altScreen: boolean
  /** Empty where none was set. */
  readonly title: string
  /** False: something that was put out before the ring begins may be on the screen, and missing here. */
  readonly complete: boolean
}

export type WriteOptions = {
  /**
   * Names this write, 1 to 128 characters: it is applied once, however often it is sent, by whomever, as long as the PTY
   * lives; who sends it again waits for the first. The last 1,024 that are over are remembered.
   */
  readonly key?: string
  /**
   * As a paste: in brackets (ESC [200~ and ESC [201~) where the program has asked for that by its last output, so that it
   * takes line ends for text; what would end the brackets within the bytes is left out. Else as it is. @defaultValue false
   */
  readonly paste?: boolean
  /** Enter (a carriage return) after it, outside the brackets of a paste, in one piece with it. @defaultValue false */
  readonly enter?: boolean
}

export interface Pty {
  readonly ptyId: PtyId
  readonly identity: ProcessIdentity
  /** What its limits became; absent where the host applies none. */
  readonly limits?: AppliedLimits
  /**
   * Resolves once: the leader has ended, its output is drained and logged, and its survivors are gone (or reported).
   * Rejects with ERR_PTY_LOST only where the process that held it died.
   */
  readonly exited: Promise<PtyExit>
  /**
   * Queues input: each write whole, never mixed with another, in the order in which they come, whoever they come from.
   * @returns when the bytes are with the kernel.
   * @throws ERR_PTY_ENDED (`appliedBytes` of its context: how much of it the program may have read), ERR_PTY_INPUT_FULL
   *   (over 1 MB or 16,384 writes wait; nothing of this write is taken, its key is free), ERR_PTY_INVALID_ARGUMENT (its key is
   *   none, or was given to other bytes)
   */
  write(bytes: Uint8Array, options?: WriteOptions): Promise<void>
  /** What became of the write with this key. Answers after the end, too, until `release`. */
  receipt(key: string): Promise<InputReceipt>
  /** What its foreground program does at this moment: `unknown` where the platform or its rights do not let it be seen, or it has ended. */
  waiting(): Promise<Waiting>
  /** Delivers SIGWINCH. @throws ERR_PTY_INVALID_ARGUMENT, ERR_PTY_ENDED */
  resize(cols: number, rows: number): Promise<void>
  /** Ends at the end of output, or when `signal` aborts. */
  read(options?: ReadOptions): AsyncIterable<OutputChunk>
  /** The last bytes put out, at most `bytes`, of what the ring holds; allocates only them. */
  tail(bytes: number): Promise<Uint8Array>
  /** The last bytes put out, at most 2 KB, at once: of a PTY in another process as of a moment ago. */
  preview(): Uint8Array
  /**
   * The screen as it is, also of a process that has ended, until `release`.
   * @throws ERR_SCREEN_UNAVAILABLE: the terminal goes on, and `read` shows what it puts out
   */
  snapshot(options?: SnapshotOptions): Promise<ScreenSnapshot>
  /**
   * Output as text, of what the ring holds.
   * @throws ERR_PTY_INVALID_ARGUMENT, ERR_TERMINAL_UNMARKED, ERR_SCREEN_UNAVAILABLE
   */
  text(options?: TextOptions): Promise<TerminalText>
  /** Lines of what the ring holds. @throws ERR_PTY_INVALID_ARGUMENT, ERR_SCREEN_UNAVAILABLE, also for an expression that takes over 5 s */
  search(options: SearchOptions): Promise<SearchResult>
  /** Sends one signal to the process group. @throws ERR_PTY_ENDED */
  signal(name: NodeJS.Signals, askedBy: string): Promise<SignalRecord>
  /**
   * SIGTERM to the group (SIGHUP too where that is ignored), SIGKILL after `graceMs`, then everything that still carries the mark (PTY-7).
   * A second call with a shorter grace shortens it; `graceMs: 0` kills now. Resolves as `exited` does.
   */
  terminate(options: { readonly graceMs: number; readonly askedBy: string }): Promise<PtyExit>
  /** Every signal sent so far, oldest first. */
  signals(): Promise<readonly SignalRecord[]>
  /**
   * Calls `grew` after output has come, perhaps for each chunk: it must be quick, and must not throw. There is one that is
   * called: another takes its place, null none.
   */
  onOutput(grew: (() => void) | null): void
  /**
   * Calls `told` when output is not taken as fast as it comes, and when the ring gives some up (PTY-11): at most once a second
   * for each. It must be quick, and must not throw. There is one that is called: another takes its place, null none.
   */
  onPressure(told: ((pressure: PtyPressure) => void) | null): void
  /** As of now; of a PTY in another process as of a moment ago. */
  readonly stats: () => PtyStats
  /** Its end is recorded: nothing of it is needed any more. Before its end it does nothing. Idempotent. */
  release(): void
}

/**
 * What differs between terminal hosts and cannot be made the same. Everything else is, and one contract suite says so.
 */
export type TerminalCapabilities = {
  /** Its terminals go on when this process ends, however it ends, and the next one finds them by their ids. */
  readonly outlivesOrchestrator: boolean
  /** Found again, a terminal has all the output that the ring held, at the same offsets. Else only the rows that it showed. */
  readonly keepsOffsets: boolean
  /** Found again, its log goes on without a gap. */
  readonly keepsLog: boolean
  /** Readers can slow the child (PTY-12). */
  readonly losslessReaders: boolean
  /** Readers are given exactly the bytes that were put out. */
  readonly byteExactOutput: boolean
  /** The child has the environment that it was given, and nothing else. */
  readonly exactEnvironment: boolean
  /** It answers questions of programs to their terminal (DA, DSR) by itself; else only an attached terminal does. */
  readonly answersQueries: boolean
  /** People can look at a terminal with another program: `attachCommand`. */
  readonly attachCommand: boolean
}

/** Holds PTYs. One contract suite runs on every implementation. */
export interface TerminalHost {
  /** @defaultValue those of a host in this process */
  readonly capabilities?: TerminalCapabilities
  /** Its PTYs live on when this process ends: a handover leaves them to the next one. @defaultValue false */
  readonly keepsTerminals?: boolean
  /**
   * Checks the spec, then starts the process. Resolves when exec has succeeded (the exec helper reports).
   * @throws ERR_PTY_COMMAND_NOT_FOUND, ERR_PTY_COMMAND_NOT_EXECUTABLE, ERR_PTY_CWD_NOT_FOUND, ERR_PTY_INVALID_ARGUMENT,
   *   ERR_PTY_LIMIT_UNAVAILABLE, ERR_PTY_SPAWN_FAILED (cause: errno), ERR_EXEC_HELPER_MISSING. After a throw nothing is left.
   */
  spawn(spec: PtySpec): Promise<Pty>
  /** One that lives, or that ended and was not released yet. */
  get(ptyId: PtyId): Pty | undefined
  /** Those that have not ended. */
  list(): readonly Pty[]
  /** The command that shows a living terminal to a person; null where it has none, or there is no such PTY. */
  attachCommand?(ptyId: PtyId): readonly string[] | null
  /** Leaves its PTYs to the next process, and does nothing more. Only where it keeps them. */
  detach?(): void
  /** Ends every PTY with `graceMs` and waits for all. */
  close(graceMs: number): Promise<void>
}
