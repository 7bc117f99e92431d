import type { Clock } from '../ports/clock.port.ts'
import type { Cgroup, Cgroups } from '../ports/cgroups.port.ts'
import type { ProcessTable } from '../ports/process-table.port.ts'
import type { Pty, PtySpec, TerminalHost } from '../ports/terminal-host.port.ts'
import { isSignalboxError, SignalboxError } from '../protocols/errors.ts'
import type { PtyId } from '../protocols/ids.ts'
import { locateExecHelper } from './exec-helper.ts'
import { ExecReports } from './exec-report.ts'
import { InProcessPty } from './in-process-pty.ts'
import { makeHold } from './hold.ts'
import { LogWriter } from './log-writer.ts'
import { RingMemory } from './ring-memory.ts'
import { Screens } from './screen/screens.ts'
import { checkSpec, type CheckedSpec } from './spawn-check.ts'
import { errnoOf, spawnFailed } from './spawn-error.ts'
import { abandonProcess, startProcess } from './start-process.ts'
import { masterLines } from './master-line.ts'
import { MarkSweep } from './survivors.ts'

export type InProcessTerminalHostOptions = {
  readonly clock: Clock
  readonly processTable: ProcessTable
  /** @defaultValue none: processes are then found by their mark alone, and limits are bounds of single processes */
  readonly cgroups?: Cgroups
  /** @defaultValue `native/build/exec-helper` of this installation */
  readonly helperPath?: string
  /**
   * What the rings of all its PTYs take together, in bytes; beyond it the largest give up their oldest output, and late
   * readers meet gaps. @defaultValue 256 MB
   */
  readonly ringBudgetBytes?: number
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
  readonly #options: InProcessTerminalHostOptions
  readonly #reports = new ExecReports()
  readonly #sweep: MarkSweep
  readonly #ringMemory: RingMemory
  readonly #screens: Screens
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
    this.#sweep = new MarkSweep(options.processTable)
    this.#ringMemory = new RingMemory(options.ringBudgetBytes)
    this.#screens = new Screens({ clock: options.clock })
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
    const ended = (): void => {
      this.#taken.delete(spec.ptyId)
      this.#taken.delete(spec.mark)
    }
    this.#taken.add(spec.ptyId).add(spec.mark)
    const starting = this.#start(checked, helperPath)
    this.#starting.add(starting)
    try {
      const pty = await starting
      this.#ptys.set(spec.ptyId, pty)
      void pty.exited.then(ended, ended)
      return pty
    } catch (error) {
      ended()
      throw error
    } finally {
      this.#starting.delete(starting)
    }
  }

  get(ptyId: PtyId): InProcessPty | undefined {
    return this.#ptys.get(ptyId)
  }

  list(): readonly InProcessPty[] {
    return [...this.#ptys.values()].filter(({ isOver }) => !isOver)
  }

  async close(graceMs: number): Promise<void> {
    this.#closed = true
    await Promise.allSettled(this.#starting)
    await Promise.all(this.list().map((pty) => pty.terminate({ graceMs, askedBy: 'host.close' })))
    this.#reports.close()
    await this.#screens.end()
  }

  readonly #released = (pty: Pty): void => {
    if (this.#ptys.get(pty.ptyId) === pty) this.#ptys.delete(pty.ptyId)
  }

  async #start(checked: CheckedSpec, helperPath: string): Promise<InProcessPty> {
    const { clock, processTable } = this.#options
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
      const started = await startProcess(checked, helperPath, this.#reports, processTable, masterLines, hold)
      if (started.notJoined !== null) this.#groupsRefused = true
      if (started.group === null) group?.remove()
      try {
        return new InProcessPty(checked, started, log, {
          clock,
          processTable,
          sweep: this.#sweep,
          ringMemory: this.#ringMemory,
          screens: this.#screens,
          released: this.#released,
        })
      } catch (cause) {
        await abandonProcess(started)
        throw spawnFailed(spec, 'reading from the terminal', errnoOf(cause), cause)
      }
    } catch (error) {
      group?.remove()
      await log?.discard()
      throw error
    }
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
