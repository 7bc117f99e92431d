import { type Clock, pause, type Timer } from '../ports/clock.port.ts'
import type { Cgroup } from '../ports/cgroups.port.ts'
import type { ProcessIdentity, ProcessInfo, ProcessTable, Waiting } from '../ports/process-table.port.ts'
import type {
  InputReceipt,
  OutputChunk,
  Pty,
  PtyExit,
  ReadOptions,
  ScreenSnapshot,
  SignalRecord,
  SnapshotOptions,
  WriteOptions,
} from '../ports/terminal-host.port.ts'
import type { LeaderExit, TerminalLine } from '../ports/terminal-lines.port.ts'
import { SignalboxError } from '../protocols/errors.ts'
import type { AppliedLimits } from '../protocols/limits.ts'
import type { SearchOptions, SearchResult, TerminalText, TextOptions } from '../protocols/terminal-text.ts'
import type { PtyId } from '../protocols/ids.ts'
import type { PtyPressure } from '../protocols/pty-pressure.ts'
import { HeldProcesses } from './held-processes.ts'
import { InputQueue } from './input-queue.ts'
import type { LogWriter } from './log-writer.ts'
import { type Cursor, Output } from './output.ts'
import { asPaste } from './paste-mode.ts'
import { PressureGauge } from './pressure-gauge.ts'
import type { RingMemory } from './ring-memory.ts'
import { outputText, searchOutput, type TextParts } from './screen/output-text.ts'
import { ScreenKeeper } from './screen/screen-keeper.ts'
import type { Screens } from './screen/screens.ts'
import { signalName } from './signal-names.ts'
import { checkSize, type CheckedSpec } from './spawn-check.ts'
import { errnoOf } from './spawn-error.ts'
import type { StartedProcess } from './start-process.ts'
import { endSurvivors, GIVE_UP_MS, keyOf, type MarkSweep, type Patience } from './survivors.ts'

/** How long processes that outlived a leader which ended by itself have between SIGTERM and SIGKILL. */
const SURVIVOR_GRACE_MS = 1_000

/** A group whose last process has just ended may be busy for a moment. */
const REMOVE_TRIES = 20
const REMOVE_EVERY_MS = 10

const ENTER = Buffer.from('\r')

/** The most that a preview holds. */
const PREVIEW_BYTES = 2_048

export type PtyParts = {
  /** Called once when its end is recorded. */
  readonly released: (pty: Pty) => void
  readonly clock: Clock
  readonly processTable: ProcessTable
  readonly sweep: MarkSweep
  readonly ringMemory: RingMemory
  readonly screens: Screens
  /** Apart from screens, as an expression of a user may hang it. */
  readonly texts: Screens
  /** Its log has a gap already: nobody wrote it while nobody held the terminal. @defaultValue false */
  readonly logGap?: boolean
}

/** What a PTY needs to know of its spec once its process runs. */
export type HeldSpec = Pick<CheckedSpec, 'cols' | 'rows' | 'ringBytes'> & { readonly spec: Pick<CheckedSpec['spec'], 'ptyId' | 'mark'> }

/** One process behind a terminal, from a successful exec to the end of all that it left. */
export class InProcessPty implements Pty {
  readonly ptyId: PtyId
  readonly identity: ProcessIdentity
  readonly limits: AppliedLimits
  readonly exited: Promise<PtyExit>
  readonly #parts: PtyParts
  readonly #held: HeldProcesses
  readonly #output: Output
  readonly #pressure: PressureGauge
  readonly #screen: ScreenKeeper
  readonly #input: InputQueue
  readonly #line: TerminalLine
  readonly #signals: SignalRecord[] = []
  /** Who was sent SIGTERM on the way to the end: keys of processes, and `group` for all of the leader's group. */
  readonly #asked = new Set<string>()
  readonly #patience: Patience = { killAt: Infinity }
  #leaderEnded = false
  /** Its exit is known. */
  #over = false
  /** Resolves when the leader lives on although it was killed. */
  readonly #stuck = Promise.withResolvers<null>()
  #killTimer: Timer | undefined
  #hangUpTimer: Timer | undefined
  #stuckTimer: Timer | undefined
  #askedBy = 'signalbox'
  #lastOutputAt: number | null = null
  #grew: (() => void) | null = null
  #cols: number
  #rows: number

  constructor(checked: HeldSpec, started: StartedProcess, log: LogWriter | undefined, parts: PtyParts) {
    const { ptyId, mark } = checked.spec
    this.ptyId = ptyId
    this.identity = started.identity
    this.limits = started.applied
    this.#parts = parts
    this.#held = new HeldProcesses(mark, parts.sweep, parts.processTable, started.group)
    this.#cols = checked.cols
    this.#rows = checked.rows
    this.#line = started.line
    this.#input = new InputQueue(ptyId, started.line, parts.clock)
    const flow = (paused: boolean): void => this.#line.setPaused(paused)
    this.#output = new Output(checked.ringBytes, flow, parts.ringMemory, (bytes, offset) => this.#screen.givenUp(bytes, offset))
    this.#pressure = new PressureGauge(parts.clock, () => this.#output.fill)
    this.#output.gauge = this.#pressure
    this.#screen = new ScreenKeeper(this.#output, parts.screens, parts.clock, checked)
    this.#line.start(
      (bytes) => {
        this.#lastOutputAt = parts.clock.now()
        this.#output.append(bytes)
        this.#grew?.()
      },
      () => this.#input.close(),
    )
    // Of one that was taken over, the rows that it showed are no output of it.
    const from = parts.logGap === true ? this.#output.end : 0
    const logged = log?.run(this.#output.cursor({ from, mode: 'lossless' }))
    this.exited = Promise.race([started.line.exited, this.#stuck.promise]).then(
      (exit) => this.#end(exit, started.group, log, logged),
      async (lost: unknown) => {
        await this.#end(null, started.group, log, logged)
        throw lost
      },
    )
  }

  write(bytes: Uint8Array, { key, paste = false, enter = false }: WriteOptions = {}): Promise<void> {
    const pasted = paste && this.#output.isPasteBracketed() ? asPaste(bytes) : bytes
    return this.#input.write(bytes, { key, as: enter ? Buffer.concat([pasted, ENTER]) : pasted })
  }

  receipt(key: string): Promise<InputReceipt> {
    return Promise.resolve(this.#input.receipt(key))
  }

  waiting(): Promise<Waiting> {
    return Promise.resolve(this.#parts.processTable.waiting?.(this.identity) ?? 'unknown')
  }

  async resize(cols: number, rows: number): Promise<void> {
    checkSize(this, cols, rows)
    if (this.#leaderEnded) throw this.#endedError('resized')
    await this.#line.resize(cols, rows)
    this.#cols = cols
    this.#rows = rows
    this.#screen.resized(cols, rows)
  }

  read(options?: ReadOptions): AsyncIterable<OutputChunk> {
    return this.#output.read(options)
  }

  /** A reading by hand, for who must not wait. @param onMore as of Output.cursor */
  cursor(options: Pick<ReadOptions, 'from' | 'tail' | 'mode'>, onMore: () => void): Cursor {
    return this.#output.cursor(options, onMore)
  }

  tail(bytes: number): Promise<Uint8Array> {
    return Promise.resolve(this.#output.tail(bytes))
  }

  snapshot(options?: SnapshotOptions): Promise<ScreenSnapshot> {
    return this.#screen.snapshot(options)
  }

  text(options?: TextOptions): Promise<TerminalText> {
    return outputText(this.#texts(), options)
  }

  search(options: SearchOptions): Promise<SearchResult> {
    return searchOutput(this.#texts(), options)
  }

  preview(): Uint8Array {
    return this.#output.tail(PREVIEW_BYTES)
  }

  // oxlint-disable-next-line typescript/require-await -- what it throws is a rejection
  async signal(name: NodeJS.Signals, askedBy: string): Promise<SignalRecord> {
    if (this.#leaderEnded) throw this.#endedError('signalled')
    return this.#signalGroup(name, askedBy)
  }

  terminate({ graceMs, askedBy }: { readonly graceMs: number; readonly askedBy: string }): Promise<PtyExit> {
    const { clock } = this.#parts
    const first = this.#patience.killAt === Infinity
    const killAt = clock.monotonic() + Math.max(0, graceMs)
    if (killAt >= this.#patience.killAt) return this.exited
    this.#patience.killAt = killAt
    this.#askedBy = askedBy
    if (this.#leaderEnded) return this.exited // its survivors are being ended: only the patience got shorter
    this.#killTimer?.cancel()
    if (graceMs <= 0) {
      this.#kill()
      return this.exited
    }
    this.#killTimer = clock.setTimer(graceMs, () => this.#kill())
    if (first) void this.#askToEnd(graceMs)
    return this.exited
  }

  signals(): Promise<readonly SignalRecord[]> {
    return Promise.resolve([...this.#signals])
  }

  get isOver(): boolean {
    return this.#over
  }

  onPressure(told: ((pressure: PtyPressure) => void) | null): void {
    this.#pressure.tell(told)
  }

  onOutput(grew: (() => void) | null): void {
    this.#grew = grew
  }

  readonly stats: Pty['stats'] = () => ({
    outputBytes: this.#output.end,
    lastOutputAt: this.#lastOutputAt,
    inputBytes: this.#input.takenBytes,
    inputQueuedBytes: this.#input.queuedBytes,
    cols: this.#cols,
    rows: this.#rows,
  })

  release(): void {
    if (!this.#over) return
    this.#screen.close()
    this.#output.release()
    this.#line.release?.()
    this.#parts.released(this)
  }

  /** From the end of the leader, or from when its line was lost, to the end of everything. */
  async #end(
    exit: LeaderExit | null,
    group: Cgroup | null,
    log: LogWriter | undefined,
    logged: Promise<void> | undefined,
  ): Promise<PtyExit> {
    this.#leaderEnded = true
    this.#cancelTimers()
    this.#input.close()
    const { clock, processTable } = this.#parts
    // Where somebody asked for the end, all have the grace that he gave: a shell often ends before what it runs.
    if (this.#patience.killAt === Infinity) this.#patience.killAt = clock.monotonic() + SURVIVOR_GRACE_MS
    const survivors = await endSurvivors({
      find: () => this.#held.find(),
      killTogether: () => this.#killTogether(),
      processTable,
      clock,
      patience: this.#patience,
      asked: (target) => this.#asked.has(target.pgid === this.identity.pid ? 'group' : keyOf(target)),
      send: (target, name) => this.#signalProcess(target, name),
    })
    // What they all wrote is with the kernel now, held back or not.
    await this.#line.drain()
    this.#line.close()
    const memoryKills = group?.memoryKills() ?? null
    await this.#letGoOf(group)
    this.#output.finish()
    this.#pressure.finish()
    await logged
    const logGap = ((await log?.finish()) ?? false) || this.#parts.logGap === true
    this.#over = true
    return {
      exitCode: exit?.signal === 0 ? exit.exitCode : null,
      signal: exit === null || exit.signal === 0 ? null : signalName(exit.signal),
      outputBytes: this.#output.end,
      survivors,
      ...(memoryKills !== null && { memoryKills }),
      logGap,
    }
  }

  #kill(): void {
    this.#signalGroup('SIGKILL', this.#askedBy)
    // A process that sleeps in the kernel without a way out of it ends when it is done there, perhaps never.
    this.#hangUpTimer?.cancel()
    this.#stuckTimer ??= this.#parts.clock.setTimer(GIVE_UP_MS, () => this.#stuck.resolve(null))
  }

  /** One stroke for all in the control group, with one record of it. */
  #killTogether(): readonly ProcessInfo[] {
    const met = this.#held.killMembers()
    if (met === null) return []
    this.#record('SIGKILL', { pid: this.identity.pid, scope: 'cgroup', pids: met.map(({ pid }) => pid) }, this.#askedBy, 'delivered')
    return met
  }

  /** What cannot be removed now holds a process that could not be ended: a later start or doctor removes it. */
  async #letGoOf(group: Cgroup | null): Promise<void> {
    for (let tries = 0; tries < REMOVE_TRIES && group?.remove() === false; tries += 1) await pause(this.#parts.clock, REMOVE_EVERY_MS)
  }

  /**
   * SIGTERM, so that a handler has the grace to itself; SIGHUP only to those who ignore SIGTERM, as interactive shells
   * do (docs/adr/0006), or after half of the grace where that cannot be known. SIGCONT last: a stopped process meets the
   * others when it goes on.
   */
  async #askToEnd(graceMs: number): Promise<void> {
    const { clock, processTable } = this.#parts
    const ignoresTerm = (who: ProcessIdentity): boolean | null => processTable.ignores?.(who, 'SIGTERM') ?? null
    const leaderIgnores = ignoresTerm(this.identity)
    this.#signalGroup('SIGTERM', this.#askedBy)
    this.#asked.add('group')
    if (leaderIgnores === true) this.#signalGroup('SIGHUP', this.#askedBy)
    this.#signalGroup('SIGCONT', this.#askedBy)
    if (leaderIgnores === null) this.#hangUpTimer = clock.setTimer(graceMs / 2, () => this.#signalGroup('SIGHUP', this.#askedBy))
    // Jobs of an interactive shell have groups of their own, the foreground one among them.
    for (const info of (await this.#held.find()) ?? []) {
      if (this.#leaderEnded || info.pgid === this.identity.pid) continue
      this.#signalProcess(info, 'SIGTERM')
      this.#asked.add(keyOf(info))
      if (ignoresTerm(info) === true) this.#signalProcess(info, 'SIGHUP')
      this.#signalProcess(info, 'SIGCONT')
    }
  }

  #cancelTimers(): void {
    this.#killTimer?.cancel()
    this.#hangUpTimer?.cancel()
    this.#stuckTimer?.cancel()
  }

  #texts(): TextParts {
    return { output: this.#output, texts: this.#parts.texts, size: { cols: this.#cols, rows: this.#rows } }
  }

  #signalGroup(name: NodeJS.Signals, askedBy: string): SignalRecord {
    const { pid } = this.identity
    let outcome: SignalRecord['outcome'] = 'gone'
    if (this.#parts.processTable.isAlive(this.identity)) {
      try {
        process.kill(-pid, name)
        outcome = 'delivered'
      } catch (error) {
        outcome = errnoOf(error) === 'ESRCH' ? 'gone' : 'refused'
      }
    }
    return this.#record(name, { pid, scope: 'group' }, askedBy, outcome)
  }

  #signalProcess(target: ProcessInfo, name: NodeJS.Signals): void {
    const sent = this.#parts.processTable.signal(target, name)
    const outcome = sent ? 'delivered' : this.#parts.processTable.isAlive(target) ? 'refused' : 'gone'
    this.#record(name, { pid: target.pid, scope: 'survivor' }, this.#askedBy, outcome)
  }

  #record(signal: string, target: SignalRecord['target'], askedBy: string, outcome: SignalRecord['outcome']): SignalRecord {
    const record: SignalRecord = { at: this.#parts.clock.now(), signal, target, askedBy, outcome }
    this.#signals.push(record)
    return record
  }

  #endedError(done: string): SignalboxError {
    return new SignalboxError('ERR_PTY_ENDED', `The process of ${this.ptyId} has ended: it cannot be ${done}.`, {
      context: { ptyId: this.ptyId, pid: this.identity.pid },
    })
  }
}
