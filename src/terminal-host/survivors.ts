import { type Clock, pause } from '../ports/clock.port.ts'
import type { ProcessIdentity, ProcessInfo, ProcessTable } from '../ports/process-table.port.ts'
import type { SurvivorRecord } from '../ports/terminal-host.port.ts'

/** How long after the grace processes are looked for and killed before they are reported as survived. */
export const GIVE_UP_MS = 5_000
/** A process that ends by itself within this time of its leader was not left behind: nothing had to end it. */
const SETTLE_MS = 20
/** How long the parent of one that was ended has to wait for it until it is called a zombie. */
const REAP_MS = 500
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

export function commonPrefix(texts: readonly string[]): string {
  let prefix = texts[0] ?? ''
  for (const text of texts) while (!text.startsWith(prefix)) prefix = prefix.slice(0, -1)
  return prefix
}

/** When patience with the processes of a terminal ends; it can be brought forward while they are being ended. */
export type Patience = { killAt: number }

type Hunt = {
  readonly processTable: ProcessTable
  readonly clock: Clock
  /** @returns what is to end and lives; null when that could not be seen. */
  readonly find: () => Promise<ProcessInfo[] | null>
  /** Kills all of them that one stroke can reach, and keeps its record. @returns those. @defaultValue none */
  readonly killTogether?: () => readonly ProcessInfo[]
  readonly patience: Patience
  /** Whether it was sent SIGTERM before: programs take a second one for impatience. */
  readonly asked: (target: ProcessInfo) => boolean
  /** Sends one signal and keeps its record. */
  readonly send: (target: ProcessInfo, signal: NodeJS.Signals) => void
}

/**
 * Ends everything that is found: SIGTERM first, SIGKILL when patience ends, repeated until a pass finds
 * nothing; what is left 5 s later is reported as survived.
 */
export async function endSurvivors(hunt: Hunt): Promise<SurvivorRecord[]> {
  const { clock, patience } = hunt
  const met = new Map<string, { info: ProcessInfo; last: 'SIGTERM' | 'SIGKILL' }>()
  const first = await hunt.find()
  if (first?.length === 0) return []
  const settled = clock.monotonic() + SETTLE_MS
  await untilDead(hunt, first ?? [], () => settled)
  for (;;) {
    const alive = await hunt.find()
    const now = clock.monotonic()
    const killing = now >= patience.killAt
    const over = now >= patience.killAt + GIVE_UP_MS
    const together = killing && alive?.length !== 0 ? (hunt.killTogether?.() ?? []) : []
    for (const info of together) met.set(keyOf(info), { info, last: 'SIGKILL' })
    if (alive === null && !over) {
      await pause(clock, LAST_LOOK_MS)
      continue
    }
    if (alive === null || alive.length === 0 || over) {
      for (const info of alive ?? []) if (!met.has(keyOf(info))) met.set(keyOf(info), { info, last: 'SIGKILL' })
      const left = new Set((alive ?? [...met.values()].map(({ info }) => info)).map(keyOf))
      await untilReaped(
        hunt,
        [...met.values()].map(({ info }) => info),
      )
      return [...met.values()].map(({ info, last }) => ({
        pid: info.pid,
        command: info.command,
        endedBy: left.has(keyOf(info)) ? 'survived' : last,
        ...whatIsLeft(hunt.processTable, info),
      }))
    }
    const reached = new Set(together.map(keyOf))
    for (const info of alive) {
      if (killing && !reached.has(keyOf(info))) hunt.send(info, 'SIGKILL')
      else if (!killing && !met.has(keyOf(info))) {
        if (!hunt.asked(info)) hunt.send(info, 'SIGTERM')
        hunt.send(info, 'SIGCONT') // a stopped process handles SIGTERM only when it goes on
      }
      met.set(keyOf(info), { info, last: killing ? 'SIGKILL' : 'SIGTERM' })
    }
    const roundEnds = clock.monotonic() + KILL_ROUND_MS
    await untilDead(hunt, alive, () => (killing ? roundEnds : patience.killAt))
  }
}

/** @returns what is still in the table of a process that was met; null for none, and for a dead one that init has: it waits for all, sooner or later. */
function remains(table: ProcessTable, { pid, startTime }: ProcessInfo): ProcessInfo | null {
  const now = table.describe?.(pid) ?? null
  return now === null || now.startTime !== startTime || (now.state === 'Z' && now.ppid === 1) ? null : now
}

/** Gives whoever is to wait for the dead the time to do so, at most REAP_MS: who is a zombie then stays one. */
async function untilReaped({ clock, processTable }: Hunt, processes: readonly ProcessInfo[]): Promise<void> {
  const limit = clock.monotonic() + REAP_MS
  const isZombie = (info: ProcessInfo): boolean => remains(processTable, info)?.state === 'Z'
  for (let delayMs = FIRST_LOOK_MS; processes.some(isZombie) && clock.monotonic() < limit; delayMs = Math.min(LAST_LOOK_MS, delayMs * 2))
    await pause(clock, delayMs)
}

/** Of a process that is in the table still: what it is, and why it stays there. */
function whatIsLeft(table: ProcessTable, info: ProcessInfo): Pick<SurvivorRecord, 'left'> {
  const now = remains(table, info)
  if (now === null) return {}
  const { state, ppid } = now
  if (state === 'Z') {
    const parent = table.describe?.(ppid)?.command ?? 'unknown'
    return { left: { state, why: `it has ended, and its parent ${ppid} (${parent}) does not wait for it` } }
  }
  const where = table.sleepsIn?.(info) ?? null
  return { left: { state, why: `SIGKILL does not end it${where === null ? '' : `: it sleeps in ${where} of the kernel`}` } }
}

/** Waits for the end of all, at most until `limit`, which is asked anew as it may be brought forward. */
async function untilDead({ clock, processTable }: Hunt, processes: readonly ProcessInfo[], limit: () => number): Promise<void> {
  for (let delayMs = FIRST_LOOK_MS; clock.monotonic() < limit(); delayMs = Math.min(LAST_LOOK_MS, delayMs * 2)) {
    if (!processes.some((info) => processTable.isAlive(info))) return
    await pause(clock, delayMs)
  }
}

/** A process as a key of maps and sets. */
export const keyOf = (identity: ProcessIdentity): string => `${identity.pid}:${identity.startTime}`
