import type { Cgroups, FoundCgroup } from '../ports/cgroups.port.ts'
import { type Clock, pause } from '../ports/clock.port.ts'
import type { ProcessTable } from '../ports/process-table.port.ts'
import type { SurvivorRecord } from '../ports/terminal-host.port.ts'
import { commonPrefix, endSurvivors, MarkSweep } from './survivors.ts'

/** For processes that outlived what held their terminal, between SIGTERM and SIGKILL. */
const GRACE_MS = 1_000
/** The dead leave their control group a moment after they have ended. */
const REMOVE_MS = 500
const LOOK_MS = 10

export type LeftBehindParts = {
  readonly clock: Clock
  readonly processTable: ProcessTable
  /** Those of terminals that are lost are taken away. @defaultValue there are none */
  readonly cgroups?: Pick<Cgroups, 'find'>
}

/** What terminals leave whose holder was killed: processes that carry their marks, and control groups. */
export class LeftBehind {
  readonly #parts: LeftBehindParts
  readonly #sweep: MarkSweep
  /** One walk for all, as nobody makes more of them. */
  readonly #groups: Promise<readonly FoundCgroup[]>

  /** @param marks of terminals that nobody holds any more; none, and nothing is looked for */
  constructor(marks: readonly string[], parts: LeftBehindParts) {
    this.#parts = parts
    this.#sweep = new MarkSweep(parts.processTable)
    this.#groups = (marks.length === 0 ? undefined : parts.cgroups?.find(commonPrefix(marks)).catch(() => [])) ?? Promise.resolve([])
  }

  /** Ends it. @returns the processes that were left, and how they ended */
  async end(mark: string): Promise<readonly SurvivorRecord[]> {
    const { clock, processTable } = this.#parts
    const survivors = await endSurvivors({
      find: () => this.#sweep.find(mark),
      processTable,
      clock,
      patience: { killAt: clock.monotonic() + GRACE_MS },
      asked: () => false,
      send: (target, name) => void processTable.signal(target, name),
    })
    for (const group of await this.#groups) if (group.mark === mark) await this.#remove(group)
    return survivors
  }

  /** What cannot be removed yet is removed at a later start. */
  async #remove(group: FoundCgroup): Promise<void> {
    const { clock } = this.#parts
    for (const limit = clock.monotonic() + REMOVE_MS; !group.remove() && clock.monotonic() < limit;) await pause(clock, LOOK_MS)
  }
}
