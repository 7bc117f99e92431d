import type { ProcessIdentity } from '../ports/process-table.port.ts'
import type { PtyId } from '../protocols/ids.ts'
import type { InProcessPty } from './in-process-pty.ts'
import type { PtyEnd, PtyInfo } from './wire.ts'

/** A PTY of the host, until its end is released. */
export type HostEntry = {
  readonly handle: number
  readonly mark: string
  readonly pty: InProcessPty
  /** The orchestrator that it belongs to. */
  owner: ProcessIdentity
  /** Null while it lives. */
  end: PtyEnd | null
}

/** The PTYs of a host, by number and by id. */
export class HostEntries {
  readonly #byHandle = new Map<number, HostEntry>()
  readonly #byId = new Map<PtyId, HostEntry>()
  #last = 0

  add(pty: InProcessPty, mark: string, owner: ProcessIdentity): HostEntry {
    const entry: HostEntry = { handle: (this.#last += 1), mark, pty, owner, end: null }
    this.#byHandle.set(entry.handle, entry)
    this.#byId.set(pty.ptyId, entry)
    return entry
  }

  remove(entry: HostEntry): void {
    this.#byHandle.delete(entry.handle)
    if (this.#byId.get(entry.pty.ptyId) === entry) this.#byId.delete(entry.pty.ptyId)
  }

  get(handle: number): HostEntry | undefined {
    return this.#byHandle.get(handle)
  }

  ofId(ptyId: PtyId): HostEntry | undefined {
    return this.#byId.get(ptyId)
  }

  all(): readonly HostEntry[] {
    return [...this.#byHandle.values()]
  }

  get size(): number {
    return this.#byHandle.size
  }
}

export const infoOf = ({ handle, mark, pty, end }: HostEntry): PtyInfo => {
  const { outputBytes, lastOutputAt, cols, rows } = pty.stats()
  const { ptyId, identity, limits } = pty
  return { handle, ptyId, mark, identity, limits, cols, rows, outputBytes, lastOutputAt, preview: pty.preview(), end }
}
