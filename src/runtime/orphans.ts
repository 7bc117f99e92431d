import { event } from '../actors/journal.ts'
import type { Clock, Timer } from '../ports/clock.port.ts'
import type { ProcessInfo, ProcessTable } from '../ports/process-table.port.ts'
import type { OrphanProcess } from '../protocols/event-payloads.ts'
import type { NewEvent } from '../protocols/events.ts'
import type { PtyId, WorkspaceId } from '../protocols/ids.ts'
import type { PtyRecord } from '../protocols/records.ts'
import { isCheckOut } from './check-outs.ts'
import { ownLine } from './doctor/ancestors.ts'
import { endProcess } from './end-process.ts'

/** Between two looks. */
const EVERY_MS = 60_000
/** Looks in a row while new ones are found: what was forked while others were being ended is met by the next. */
const PASSES = 5
/** Ended at once, and told of in one event; others follow in the next pass. */
const MOST = 100
const MOST_COMMAND = 200

export type OrphanParts = {
  readonly clock: Clock
  readonly processTable: Pick<ProcessTable, 'findByMark' | 'isAlive' | 'signal'>
  readonly workspaceId: WorkspaceId
  /** Whether this process holds this PTY, or is starting it. */
  readonly holds: (ptyId: PtyId) => boolean
  /** Whether this process holds any. */
  readonly holdsAny: () => boolean
  readonly record: (ptyId: PtyId) => Promise<PtyRecord | null>
  /** Whether other processes run lanes of this workspace, or have died over it. */
  readonly hasOthers: () => Promise<boolean>
  /** What a terminal host holds that lives, whoever it is for: this process may not be connected to it. */
  readonly heldElsewhere: () => Promise<(ptyId: string) => boolean>
  readonly tell: (event: NewEvent) => void
}

const keyOf = ({ pid, startTime }: ProcessInfo): string => `${pid}/${startTime}`

/**
 * Looks for processes that carry the mark of this workspace and belong to no terminal that goes on, at the start and each
 * minute, ends them and says so. A look is one pass over the process table, and is left out while there can be none: this
 * process has held no terminal, nobody else works here, and the look before found nothing.
 */
export class Orphans {
  readonly #parts: OrphanParts
  /** Whether there may be some. */
  #mayBe = true
  /** Those that nothing ends, which is said once. */
  readonly #stuck = new Set<string>()
  #timer: Timer | null = null
  /** Null before the first one. */
  #looking: Promise<void> | null = null
  #isClosed = false

  constructor(parts: OrphanParts) {
    this.#parts = parts
  }

  /** A process was started, or may have been. */
  readonly noteStart = (): void => {
    this.#mayBe = true
  }

  /** Looks now, in the background, and each minute. Idempotent. */
  begin(): void {
    if (!this.#isClosed) this.#looking ??= this.#again()
  }

  /** Looks no more. @returns when the look that is under way is over */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#timer?.cancel()
    await this.#looking
  }

  async #again(): Promise<void> {
    // Out of descriptors, perhaps: the next look tells.
    await this.#look().catch(this.noteStart)
    if (this.#isClosed) return
    this.#timer = this.#parts.clock.setTimer(EVERY_MS, () => {
      this.#looking = this.#again()
    })
  }

  async #look(): Promise<void> {
    const { holdsAny, hasOthers, processTable, workspaceId } = this.#parts
    if (!this.#mayBe && !holdsAny() && !(await hasOthers())) return
    this.#mayBe = false
    for (let pass = 0; pass < PASSES && !this.#isClosed; pass += 1) {
      const marked = await processTable.findByMark(`${workspaceId}/`)
      this.#mayBe ||= marked.length > 0
      const orphans = await this.#among(marked)
      if (orphans.length === 0 || this.#isClosed) return
      const ended = await Promise.all(orphans.slice(0, MOST).map((one) => this.#end(one)))
      this.#parts.tell(event(this.#parts.clock.now(), 'orphans.found', {}, { processes: ended }))
    }
  }

  /**
   * Owners and records are read after the processes were seen: they are written before these are started, and records are closed
   * after their end.
   */
  async #among(marked: readonly ProcessInfo[]): Promise<readonly { info: ProcessInfo; pty: PtyRecord | null }[]> {
    const orphans: { info: ProcessInfo; pty: PtyRecord | null }[] = []
    const others = marked.length > 0 && (await this.#parts.hasOthers())
    const own = ownLine()
    for (const info of marked) {
      // What git of a check-out leaves is its own business, and doctor's.
      if (own.has(info.pid) || isCheckOut(info.mark) || this.#stuck.has(keyOf(info))) continue
      const ptyId = (info.mark?.split('/')[1] ?? '') as PtyId
      if (this.#parts.holds(ptyId)) continue
      const pty = await this.#parts.record(ptyId)
      // Held since, or another's who works here.
      if (this.#parts.holds(ptyId) || (others && (pty === null || pty.endedAt === null))) continue
      if (this.#parts.processTable.isAlive(info)) orphans.push({ info, pty })
    }
    if (orphans.length === 0) return orphans
    const has = await this.#parts.heldElsewhere()
    return orphans.filter(({ info }) => !has(info.mark?.split('/')[1] ?? ''))
  }

  async #end({ info, pty }: { readonly info: ProcessInfo; readonly pty: PtyRecord | null }): Promise<OrphanProcess> {
    const { processTable, clock } = this.#parts
    const endedBy = await endProcess(processTable, info, clock)
    if (endedBy === null) this.#stuck.add(keyOf(info))
    const command = info.command.slice(0, MOST_COMMAND)
    return { pid: info.pid, command, of: pty === null ? null : `${pty.lane}/${pty.command}`, endedBy }
  }
}
