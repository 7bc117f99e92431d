import type { Cgroup } from '../ports/cgroups.port.ts'
import type { ProcessInfo, ProcessTable } from '../ports/process-table.port.ts'
import { keyOf, type MarkSweep } from './survivors.ts'

/**
 * The processes of one PTY, by its control group where it has one and by its mark: a process that wiped its environment is
 * found by the group alone, one that was moved to another group (`systemd-run`, `sudo`) by the mark alone.
 */
export class HeldProcesses {
  readonly #mark: string
  readonly #sweep: Pick<MarkSweep, 'find'>
  readonly #processTable: ProcessTable
  readonly #group: Cgroup | null

  constructor(mark: string, sweep: Pick<MarkSweep, 'find'>, processTable: ProcessTable, group: Cgroup | null) {
    this.#mark = mark
    this.#sweep = sweep
    this.#processTable = processTable
    this.#group = group
  }

  /** @returns all that live; null when the process table could not be read. */
  async find(): Promise<ProcessInfo[] | null> {
    const marked = await this.#sweep.find(this.#mark)
    const members = this.members()
    // A group that is not empty, and of which nobody can be looked at: they fork and end faster than that.
    if (members.length === 0 && this.#pids().length > 0) return null
    if (marked === null) return members.length === 0 ? null : members
    const seen = new Set(members.map(keyOf))
    return [...members, ...marked.filter((info) => !seen.has(keyOf(info)))]
  }

  /** Those in the control group. */
  members(): ProcessInfo[] {
    const pids = this.#pids()
    if (pids.length === 0) return []
    const seen = pids.map((pid) => this.#processTable.describe?.(pid) ?? null)
    // A pid may have been reused between the list and the look at it: what is in the list once more was ours when looked at.
    const still = new Set(this.#pids())
    return seen.filter((info) => info !== null).filter(({ pid, state }) => state !== 'Z' && still.has(pid))
  }

  /** Ends all members at one stroke. @returns those that were met; null where there are none, or the kernel cannot do it */
  killMembers(): ProcessInfo[] | null {
    if (this.#group === null || this.#pids().length === 0) return null
    const members = this.members()
    return this.#group.killAll() ? members : null
  }

  #pids(): readonly number[] {
    return (this.#group?.pids() ?? []).filter((pid) => pid !== process.pid)
  }
}
