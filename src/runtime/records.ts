import type { Commit, EventStore } from '../ports/event-store.port.ts'
import type { EventQuery, RecordedEvent } from '../protocols/events.ts'
import type { LaneId, PtyId, RunId, TerminalId } from '../protocols/ids.ts'
import type { LaneRecord, PtyRecord, RunRecord, TerminalRecord } from '../protocols/records.ts'

/** The records of one kind, with the type that was written under it. */
export const recordsOf = async <R>(store: EventStore, kind: string): Promise<readonly R[]> =>
  (await store.records(kind)).map(({ value }) => value as R)

/** What is recorded of the workspace, as of now. Lists are oldest first. @throws ERR_STORE_… */
export interface RuntimeRecords {
  runs(): Promise<readonly RunRecord[]>
  run(id: RunId): Promise<RunRecord | null>
  lanes(): Promise<readonly LaneRecord[]>
  lane(id: LaneId): Promise<LaneRecord | null>
  terminals(): Promise<readonly TerminalRecord[]>
  terminal(id: TerminalId): Promise<TerminalRecord | null>
  pty(id: PtyId): Promise<PtyRecord | null>
  events(query: EventQuery): Promise<readonly RecordedEvent[]>
  /** Of any kind, with the type that was written under it. */
  one<R>(kind: string, id: string): Promise<R | null>
  all<R>(kind: string): Promise<readonly R[]>
  /** What no actor owns. */
  write(commit: Omit<Commit, 'events'>): Promise<void>
}

/** @param store the one that is open now */
export const createRecords = (store: () => EventStore): RuntimeRecords => {
  const one = async <R>(kind: string, id: string): Promise<R | null> => ((await store().record(kind, id))?.value as R | undefined) ?? null
  const all = <R>(kind: string): Promise<readonly R[]> => recordsOf<R>(store(), kind)
  return {
    runs: () => all<RunRecord>('run'),
    run: (id) => one<RunRecord>('run', id),
    lanes: () => all<LaneRecord>('lane'),
    lane: (id) => one<LaneRecord>('lane', id),
    terminals: () => all<TerminalRecord>('terminal'),
    terminal: (id) => one<TerminalRecord>('terminal', id),
    pty: (id) => one<PtyRecord>('pty', id),
    events: (query) => store().events(query),
    one,
    all,
    write: async (commit) => {
      await store().commit({ events: [], ...commit })
    },
  }
}
