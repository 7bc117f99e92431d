import type { Clock, Timer } from '../ports/clock.port.ts'
import type { ProcessTable } from '../ports/process-table.port.ts'
import type { TerminalLine, TerminalLines } from '../ports/terminal-lines.port.ts'
import type { PtyId } from '../protocols/ids.ts'
import type { ExecReport, ExecReports } from './exec-report.ts'
import { NEEDED_TASKS, type WarmLine } from './start-process.ts'

/** Quiet time after a start before the next line is opened: a burst of starts is not slowed by what nobody needs yet. */
const REFILL_MS = 50
/** The size that a line has until somebody takes it. */
const SIZE = { cols: 80, rows: 24 } as const
/** A line belongs to nobody before it is taken. */
const NOBODY = 'pt_prewarmed' as PtyId

type Parts = {
  readonly clock: Clock
  readonly processTable: ProcessTable
  readonly reports: ExecReports
  readonly lines: TerminalLines
  readonly helperPath: () => string
  /** Lines held, 0 to 16. */
  readonly size: number
}

/**
 * Terminals opened ahead (docs/adr/0022). What is held has executed nothing but the exec helper: whoever takes it decides
 * about everything that a command can tell. Ends with this process: helpers whose parent hangs up end by themselves.
 */
export class WarmLines {
  readonly #parts: Parts
  readonly #ready: WarmLine[] = []
  #timer: Timer | null = null
  #opening: Promise<void> | null = null
  #isClosed = false

  constructor(parts: Parts) {
    this.#parts = parts
    this.#refillSoon()
  }

  /** @returns one that lives, or null: open another */
  take(): WarmLine | null {
    this.#refillSoon()
    for (let warm = this.#ready.shift(); warm !== undefined; warm = this.#ready.shift()) {
      if (this.#parts.processTable.isAlive(warm.identity)) return warm
    }
    return null
  }

  /** Ends those that nobody took. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#timer?.cancel()
    await this.#opening
    await Promise.all(this.#ready.splice(0).map(drop))
  }

  #refillSoon(): void {
    this.#timer?.cancel()
    if (this.#isClosed || this.#parts.size === 0) return
    this.#timer = this.#parts.clock.setTimer(REFILL_MS, () => {
      this.#opening ??= this.#refill().finally(() => {
        this.#opening = null
      })
    })
  }

  async #refill(): Promise<void> {
    while (!this.#isClosed && this.#ready.length < this.#parts.size) {
      const warm = await this.#open()
      // Out of something, or without a helper: the next start says so, and asks again.
      if (warm === null) return
      this.#ready.push(warm)
      const gone = (): void => {
        const index = this.#ready.indexOf(warm)
        if (index < 0) return // taken
        this.#ready.splice(index, 1)
        void drop(warm)
      }
      warm.line.exited.then(gone, gone)
    }
  }

  async #open(): Promise<WarmLine | null> {
    const { reports, lines, processTable, helperPath } = this.#parts
    // A start that somebody wants comes first.
    if ((processTable.taskRoom?.() ?? Infinity) < 2 * NEEDED_TASKS) return null
    let report: ExecReport | undefined
    let line: TerminalLine | undefined
    try {
      await reports.listen()
      report = reports.expect()
      line = await lines.open({ ptyId: NOBODY, helperPath: helperPath(), cwd: '', file: '', argv: [], env: [report.entry], ...SIZE })
      const first = await Promise.race([report.ready, line.exited])
      const identity = first === undefined ? processTable.identify(line.pid) : null
      if (identity !== null) return { line, report, identity }
    } catch {
      // As where there is none: a start opens its own.
    }
    report?.cancel()
    await line?.exited.catch(() => {})
    line?.close()
    return null
  }
}

const drop = async ({ report, line }: WarmLine): Promise<void> => {
  report.cancel()
  await line.exited.catch(() => {})
  line.close()
}
