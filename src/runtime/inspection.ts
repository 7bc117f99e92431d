import type { EventStore } from '../ports/event-store.port.ts'
import type { CrashDossier } from '../protocols/dossier.ts'
import type { EventQuery, RecordedEvent } from '../protocols/events.ts'
import type { ProcessKey, RunRecord } from '../protocols/records.ts'
import { dossierPath, readDossiers } from './crashes/dossier-files.ts'
import { openEnvironment } from './environment.ts'
import type { RuntimeOptions } from './options.ts'

export type FiledDossier = CrashDossier & { readonly file: string }

/** Reads what was recorded, also while a run goes on in another process. */
export interface Inspection {
  /** Oldest first. */
  runs(): Promise<readonly RunRecord[]>
  events(query: EventQuery): Promise<readonly RecordedEvent[]>
  /** What is known of ends that were not clean, oldest first, and where it lies. */
  crashes(): Promise<readonly FiledDossier[]>
  /** Whether the process that a run belongs to lives. */
  isAlive(owner: ProcessKey): boolean
  close(): Promise<void>
}

/** The records of one kind, with the type that was written under it. */
export const recordsOf = async <R>(store: EventStore, kind: string): Promise<readonly R[]> =>
  (await store.records(kind)).map(({ value }) => value as R)

/** @throws ERR_WORKSPACE_…, ERR_GIT_…, ERR_STORE_… */
export const openInspection = async (options: Pick<RuntimeOptions, 'workspace' | 'stateHome'>): Promise<Inspection> => {
  const env = await openEnvironment(options)
  const store = await env.openStore()
  return {
    runs: () => recordsOf<RunRecord>(store, 'run'),
    events: (query) => store.events(query),
    crashes: async () =>
      (await readDossiers(env.paths.crashes)).map((dossier) => ({ ...dossier, file: dossierPath(env.paths.crashes, dossier.id) })),
    isAlive: (owner) => env.processTable.isAlive(owner),
    close: () => store.close(),
  }
}
