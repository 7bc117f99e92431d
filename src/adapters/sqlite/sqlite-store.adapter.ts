import type { EventStore } from '../../ports/event-store.port.ts'
import type { EventQuery, RecordedEvent } from '../../protocols/events.ts'
import { encodeCommit, limitOf } from './commit-codec.ts'
import { closedError, groupWriter, type UseDatabase } from './group-writer.ts'
import { openDatabase, type OpenDatabase, type StoreLocation } from './open-database.ts'
import { retryBusy } from './retry-busy.ts'

/** Events read at once: about 2 ms; then the event loop has a turn. */
const PAGE = 1_000

/** Reads page by page, so that a long history does not hold the event loop. */
const readPages = async (use: UseDatabase, query: EventQuery): Promise<readonly RecordedEvent[]> => {
  const found: RecordedEvent[] = []
  const newest = query.newest === true
  const limit = limitOf(query.limit)
  const window = { from: query.from ?? 1, before: Number.MAX_SAFE_INTEGER }
  while (found.length < limit) {
    const wanted = Math.min(PAGE, limit - found.length)
    const page = await use((db) => db.page(query, { ...window, limit: wanted }))
    found.push(...page)
    const last = page.at(-1)
    if (page.length < wanted || last === undefined) break
    if (newest) window.before = last.sequence
    else window.from = last.sequence + 1
    await new Promise<void>((resolve) => void setImmediate(resolve))
  }
  return newest ? found.reverse() : found
}

/** The open file, opened anew when another process has put it aside or somebody has removed it. */
const currentDatabase = (location: StoreLocation, first: OpenDatabase) => {
  let current = first
  let reopening: Promise<OpenDatabase> | null = null
  let closed = false
  const reopen = async (): Promise<OpenDatabase> => {
    current.close()
    current = await openDatabase(location)
    return current
  }
  return {
    get: async (): Promise<OpenDatabase> => {
      if (closed) throw closedError()
      if (reopening === null && !current.isMoved()) return current
      reopening ??= reopen().finally(() => (reopening = null))
      return reopening
    },
    putAside: (): string | null => current.putAside ?? first.putAside,
    close: async (): Promise<void> => {
      closed = true
      // A reopening that failed has left nothing open.
      await reopening?.catch(() => undefined)
      current.close()
    },
  }
}

/**
 * Opens the store of a workspace in an SQLite file (mode 0600), and makes it and its directory (mode 0700) where they
 * are missing. Several processes may have it open. A damaged file is renamed to `<path>.damaged-<time>`, `putAside`
 * says so, and an empty store is opened.
 *
 * Safe against the death of a process at any moment; after a power failure the last commits may be missing, never
 * half there (WAL with synchronous NORMAL).
 * @param location.path absolute path of the file
 * @throws ERR_STORE_TOO_NEW, ERR_STORE_FAILED, ERR_DISK_FULL
 */
export const openSqliteStore = async (location: StoreLocation): Promise<EventStore> => {
  const database = currentDatabase(location, await openDatabase(location))
  const use: UseDatabase = (work) => retryBusy(location.clock, location.path, async () => work(await database.get()))
  const writer = groupWriter(use)
  const read: UseDatabase = async (work) => {
    if (writer.isClosed()) throw closedError()
    return use(work)
  }
  let closing: Promise<void> | null = null
  return {
    get putAside() {
      return database.putAside()
    },
    commit: async (commit) => {
      const encoded = encodeCommit(commit)
      return writer.write((db) => db.apply(encoded))
    },
    events: (query) => readPages(read, query),
    record: (kind, id) => read((db) => db.record(kind, id)),
    records: (kind) => read((db) => db.records(kind)),
    forgetRunsBefore: (at) => writer.write((db) => db.forget(at)),
    close: () => (closing ??= writer.close().then(() => database.close())),
  }
}
