import type { Clock } from '../ports/clock.port.ts'
import type { ProcessIdentity, ProcessInfo, ProcessTable } from '../ports/process-table.port.ts'
import type { SurvivorRecord } from '../ports/terminal-host.port.ts'

/** How long after the grace processes are looked for and killed before they are reported as survived. */
const GIVE_UP_MS = 5_000
/** A process that ends by itself within this time of its leader was not left behind: nothing had to end it. */
const SETTLE_MS = 20
/** How long the dead of one round of SIGKILL have until the next. */
const KILL_ROUND_MS = 200
const FIRST_LOOK_MS = 2
const LAST_LOOK_MS = 50

/**
 * Finds processes by mark. A pass over the process table costs milliseconds, so that those who ask at the same time
 * share one; nobody is given a pass that began before he asked.
 */
export class MarkSweep {
  readonly #processTable: ProcessTable
  #waiting: { readonly mark: string; readonly resolve: (found: ProcessInfo[] | null) => void }[] = []
  #running = false

  constructor(processTable: ProcessTable) {
    this.#processTable = processTable
  }

  /**
   * @returns the living processes with exactly this mark, this process never among them; null when the table could not
   *   be read.
   */
  find(mark: string): Promise<ProcessInfo[] | null> {
    return new Promise((resolve) => {
      this.#waiting.push({ mark, resolve })
      if (!this.#running) void this.#run()
    })
  }

  async #run(): Promise<void> {
    this.#running = true
    while (this.#waiting.length > 0) {
      await new Promise((resolve) => setImmediate(resolve)) // lets others who end now join
      const askers = this.#waiting
      this.#waiting = []
      const found = await this.#processTable.findByMark(commonPrefix(askers.map(({ mark }) => mark))).catch(() => null)
      for (const { mark, resolve } of askers) {
        resolve(found === null ? null : found.filter((info) => info.mark === mark && info.pid !== process.pid))
      }
    }
    this.#running = false
  }
}

function commonPrefix(texts: readonly string[]): string {
  let prefix = texts[0] ?? ''
  for (const text of texts) while (!text.startsWith(prefix)) prefix = prefix.slice(0, -1)
  return prefix
}

/** When patience with the processes of a terminal ends; it can be brought forward while they are being ended. */
export type Patience = { killAt: number }

type Hunt = {
  readonly sweep: MarkSweep
  readonly processTable: ProcessTable
  readonly clock: Clock
  readonly mark: string
  readonly patience: Patience
  /** Whether it was sent SIGTERM before: programs take a second one for impatience. */
  readonly asked: (target: ProcessInfo) => boolean
  /** Sends one signal and keeps its record. */
  readonly send: (target: ProcessInfo, signal: NodeJS.Signals) => void
}

/**
 * Ends everything that carries the mark: SIGTERM first, SIGKILL when patience ends, repeated until a pass finds
 * nothing; what is left 5 s later is reported as survived.
 */
export async function endSurvivors(hunt: Hunt): Promise<SurvivorRecord[]> {
  const { clock, patience } = hunt
  const met = new Map<string, { info: ProcessInfo; last: 'SIGTERM' | 'SIGKILL' }>()
  const first = await hunt.sweep.find(hunt.mark)
  if (first?.length === 0) return []
  const settled = clock.monotonic() + SETTLE_MS
  await untilDead(hunt, first ?? [], () => settled)
  for (;;) {
    const alive = await hunt.sweep.find(hunt.mark)
    if (alive === null && clock.monotonic() < patience.killAt + GIVE_UP_MS) {
      await delay(clock, LAST_LOOK_MS)
      continue
    }
    if (alive === null || alive.length === 0 || clock.monotonic() >= patience.killAt + GIVE_UP_MS) {
      const left = new Set((alive ?? [...met.values()].map(({ info }) => info)).map(keyOf))
      return [...met.values()].map(({ info, last }) => ({
        pid: info.pid,
        command: info.command,
        endedBy: left.has(keyOf(info)) ? 'survived' : last,
      }))
    }
    const killing = clock.monotonic() >= patience.killAt
    for (const info of alive) {
      if (killing) hunt.send(info, 'SIGKILL')
      else if (!met.has(keyOf(info))) {
        if (!hunt.asked(info)) hunt.send(info, 'SIGTERM')
        hunt.send(info, 'SIGCONT') // a stopped process handles SIGTERM only when it goes on
      }
      met.set(keyOf(info), { info, last: killing ? 'SIGKILL' : 'SIGTERM' })
    }
    const roundEnds = clock.monotonic() + KILL_ROUND_MS
    await untilDead(hunt, alive, () => (killing ? roundEnds : patience.killAt))
  }
}

/** Waits for the end of all, at most until `limit`, which is asked anew as it may be brought forward. */
async function untilDead({ clock, processTable }: Hunt, processes: readonly ProcessInfo[], limit: () => number): Promise<void> {
  for (let delayMs = FIRST_LOOK_MS; clock.monotonic() < limit(); delayMs = Math.min(LAST_LOOK_MS, delayMs * 2)) {
    if (!processes.some((info) => processTable.isAlive(info))) return
    await delay(clock, delayMs)
  }
}

/** A process as a key of maps and sets. */
export const keyOf = (identity: ProcessIdentity): string => `${identity.pid}:${identity.startTime}`

const delay = (clock: Clock, delayMs: number): Promise<void> =>
  new Promise((resolve) => {
    clock.setTimer(delayMs, resolve)
  })
