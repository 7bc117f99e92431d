import type { Clock } from '../ports/clock.port.ts'
import type { Cgroup, Cgroups } from '../ports/cgroups.port.ts'
import type { ProcessTable } from '../ports/process-table.port.ts'
import type { Pty, PtySpec, TerminalCapabilities, TerminalHost } from '../ports/terminal-host.port.ts'
import type { FoundLine, TerminalLines } from '../ports/terminal-lines.port.ts'
import { isSignalboxError, SignalboxError } from '../protocols/errors.ts'
import type { PtyId } from '../protocols/ids.ts'
import { locateExecHelper } from './exec-helper.ts'
import { ExecReports } from './exec-report.ts'
import { type HeldSpec, InProcessPty } from './in-process-pty.ts'
import { makeHold } from './hold.ts'
import { LogWriter } from './log-writer.ts'
import { RingMemory } from './ring-memory.ts'
import { Screens, textThread } from './screen/screens.ts'
import { checkSpec, type CheckedSpec } from './spawn-check.ts'
import { errnoOf, spawnFailed } from './spawn-error.ts'
import { parseMemo } from './memo.ts'
import { abandonProcess, startProcess, type StartedProcess } from './start-process.ts'
import { masterLines } from './master-line.ts'
import { RETRY_DELAYS_MS, retryStart } from './retry-start.ts'
import { WarmLines } from './warm-lines.ts'
import { MarkSweep } from './survivors.ts'

export type InProcessTerminalHostOptions = {
  readonly clock: Clock
  readonly processTable: ProcessTable
  /** @defaultValue none: processes are then found by their mark alone, and limits are bounds of single processes */
  readonly cgroups?: Cgroups
  /** Between tries of a start that fails for want of descriptors, terminals, processes or memory. @defaultValue 50 to 800 ms, five times */
  readonly retryDelaysMs?: readonly number[]
  /** @defaultValue `native/build/exec-helper` of this installation */
  readonly helperPath?: string
  /**
   * What the rings of all its PTYs take together, in bytes; beyond it the largest give up their oldest output, and late
   * readers meet gaps. @defaultValue 256 MB
   */
  readonly ringBudgetBytes?: number
  /**
   * Terminals opened ahead, so that the next starts are as fast as exec; they keep this process alive until `close`. 0 to 16;
   * on Linux, where this process opens them. @defaultValue 0
   */
  readonly prewarmed?: number
  /** Where terminals come from. @defaultValue this process opens them */
  readonly lines?: TerminalLines
  /** What that makes of it. */
  readonly capabilities?: Partial<TerminalCapabilities>
}

const OWN_CAPABILITIES: TerminalCapabilities = {
  outlivesOrchestrator: false,
  keepsOffsets: false,
  keepsLog: false,
  losslessReaders: true,
  byteExactOutput: true,
  exactEnvironment: true,
  answersQueries: false,
  attachCommand: false,
}

/**
 * Holds PTYs in this process. Costs nothing while idle, and does not keep the process alive without a PTY.
 * @example
 * const host = createInProcessTerminalHost({ clock, processTable: createLinuxProcessTable() })
 * const pty = await host.spawn({ ptyId, argv: ['make'], env: { ...env, SIGNALBOX_MARK: mark }, cwd, mark })
 * const { exitCode } = await pty.exited
 */
export function createInProcessTerminalHost(options: InProcessTerminalHostOptions): InProcessTerminalHost {
  return new InProcessTerminalHost(options)
}

export class InProcessTerminalHost implements TerminalHost {
  readonly capabilities: TerminalCapabilities
  readonly keepsTerminals: boolean
  /** Only where its lines can be left to another process. */
  readonly detach?: () => void
  readonly #lines: TerminalLines
  readonly #options: InProcessTerminalHostOptions
  readonly #reports = new ExecReports()
  readonly #sweep: MarkSweep
  readonly #ringMemory: RingMemory
  readonly #screens: Screens
  readonly #warm: WarmLines | null
  readonly #texts: Screens
  /** Those that live, and those that ended and are not released yet. */
  readonly #ptys = new Map<PtyId, InProcessPty>()
  /** Ids and marks of living PTYs, starts that are under way included. */
  readonly #taken = new Set<string>()
  readonly #starting = new Set<Promise<unknown>>()
  #closed = false
  /** A process could not join the group that was made for it: the rights to move processes are missing, as the probe cannot tell. */
  #groupsRefused = false

  constructor(options: InProcessTerminalHostOptions) {
    this.#options = options
    this.#lines = options.lines ?? masterLines
    this.capabilities = { ...OWN_CAPABILITIES, ...options.capabilities }
    this.keepsTerminals = this.capabilities.outlivesOrchestrator
    const { detach } = this.#lines
    if (detach !== undefined) {
      this.detach = () => {
        this.#closed = true
        this.#reports.close()
        void this.#screens.end()
        void this.#texts.end()
        detach.call(this.#lines)
      }
    }
    this.#sweep = new MarkSweep(options.processTable)
    this.#ringMemory = new RingMemory(options.ringBudgetBytes)
    this.#screens = new Screens({ clock: options.clock })
    const { clock, processTable, helperPath, prewarmed: size = 0 } = options
    const parts = { clock, processTable, reports: this.#reports, lines: masterLines, helperPath: () => locateExecHelper(helperPath), size }
    // On macOS node-pty starts the helper through one of its own, which needs a command.
    const canWarm = options.lines === undefined && process.platform === 'linux'
    this.#warm = size > 0 && canWarm ? new WarmLines(parts) : null
    this.#texts = textThread(options.clock)
  }

  async spawn(spec: PtySpec): Promise<InProcessPty> {
    if (this.#closed) throw new SignalboxError('ERR_RUNTIME_CLOSED', `Cannot start ${spec.ptyId}: the terminal host is closed.`)
    const helperPath = locateExecHelper(this.#options.helperPath)
    const checked = checkSpec(spec)
    for (const name of [spec.ptyId, spec.mark]) {
      if (!this.#taken.has(name)) continue
      throw new SignalboxError('ERR_PTY_INVALID_ARGUMENT', `Cannot start ${spec.ptyId}: ${name} is in use by a living PTY.`, {
        context: { ptyId: spec.ptyId, mark: spec.mark },
      })
    }
    const ended = this.#take(spec)
    const starting = retryStart(() => this.#start(checked, helperPath), {
      clock: this.#options.clock,
      delaysMs: this.#options.retryDelaysMs ?? RETRY_DELAYS_MS,
      isOver: () => this.#closed,
    })
    this.#starting.add(starting)
    try {
      return this.#held(await starting, ended)
    } catch (error) {
      ended()
      throw error
    } finally {
      this.#starting.delete(starting)
    }
  }

  /**
   * Holds a terminal that another process opened.
   * @returns null for one that nobody knows: it is ended, as nobody would ever do so; null, and left alone, for one that is here
   *   already
   */
  async adopt({ line, memo }: FoundLine): Promise<InProcessPty | null> {
    const remembered = parseMemo(memo)
    if (remembered === null || this.#taken.has(remembered.ptyId)) {
      line.close()
      if (remembered === null) line.release?.()
      return null
    }
    const ended = this.#take(remembered)
    const log = remembered.log === undefined ? undefined : await LogWriter.open(remembered.log, this.#options.clock).catch(() => undefined)
    const { identity, cols, rows, ringBytes, applied } = remembered
    const group = (await this.#options.cgroups?.reopen(remembered.mark).catch(() => null)) ?? null
    const parts = { spec: remembered, cols, rows, ringBytes }
    return this.#held(this.#hold(parts, { identity, line, group, notJoined: null, applied }, log, remembered.log !== undefined), ended)
  }

  attachCommand(ptyId: PtyId): readonly string[] | null {
    return this.#lines.attachCommand?.(ptyId) ?? null
  }

  get(ptyId: PtyId): InProcessPty | undefined {
    return this.#ptys.get(ptyId)
  }

  list(): readonly InProcessPty[] {
    return [...this.#ptys.values()].filter(({ isOver }) => !isOver)
  }

  async close(graceMs: number): Promise<void> {
    this.#closed = true
    const cooled = this.#warm?.close()
    await Promise.allSettled(this.#starting)
    await Promise.allSettled(this.list().map((pty) => pty.terminate({ graceMs, askedBy: 'host.close' })))
    await cooled
    this.#reports.close()
    await Promise.all([this.#screens.end(), this.#texts.end()])
    await this.#lines.close?.()
  }

  readonly #released = (pty: Pty): void => {
    if (this.#ptys.get(pty.ptyId) === pty) this.#ptys.delete(pty.ptyId)
  }

  async #start(checked: CheckedSpec, helperPath: string): Promise<InProcessPty> {
    const { processTable } = this.#options
    const { spec } = checked
    try {
      await this.#reports.listen()
    } catch (cause) {
      throw spawnFailed(spec, 'opening the socket of the exec helper', errnoOf(cause), cause)
    }
    const log = await this.#openLog(spec)
    let group: Cgroup | null = null
    try {
      const hold = makeHold(spec, { cgroups: this.#groupsRefused ? undefined : this.#options.cgroups, processTable })
      ;({ group } = hold)
      const started = await startProcess(checked, helperPath, this.#reports, processTable, this.#lines, this.#warm?.take() ?? null, hold)
      if (started.notJoined === 'EACCES' || started.notJoined === 'EPERM') this.#groupsRefused = true
      if (started.group === null) group?.remove()
      try {
        return this.#hold(checked, started, log)
      } catch (cause) {
        await abandonProcess(started, processTable)
        throw spawnFailed(spec, 'reading from the terminal', errnoOf(cause), cause)
      }
    } catch (error) {
      group?.remove()
      await log?.discard()
      throw error
    }
  }

  #take({ ptyId, mark }: Pick<PtySpec, 'ptyId' | 'mark'>): () => void {
    this.#taken.add(ptyId).add(mark)
    return () => {
      this.#taken.delete(ptyId)
      this.#taken.delete(mark)
    }
  }

  #hold(held: HeldSpec, started: StartedProcess, log: LogWriter | undefined, logGap: boolean = false): InProcessPty {
    const { clock, processTable } = this.#options
    const parts = {
      clock,
      processTable,
      sweep: this.#sweep,
      ringMemory: this.#ringMemory,
      screens: this.#screens,
      texts: this.#texts,
      released: this.#released,
      logGap,
    }
    return new InProcessPty(held, started, log, parts)
  }

  #held(pty: InProcessPty, ended: () => void): InProcessPty {
    this.#ptys.set(pty.ptyId, pty)
    void pty.exited.then(ended, ended)
    return pty
  }

  async #openLog(spec: PtySpec): Promise<LogWriter | undefined> {
    if (spec.log === undefined) return undefined
    try {
      return await LogWriter.open(spec.log, this.#options.clock)
    } catch (error) {
      const errno = isSignalboxError(error) ? error.context['errno'] : undefined
      if (errno === 'EMFILE' || errno === 'ENFILE') throw spawnFailed(spec, `opening the log ${spec.log.path}`, errno, error)
      throw error
    }
  }
}
