import type { CrashDossier } from '../protocols/dossier.ts'
import type { EventQuery, RecordedEvent } from '../protocols/events.ts'
import type { ProcessKey } from '../protocols/process-key.ts'
import type { RunRecord } from '../protocols/records.ts'
import type { WhyAnswer } from '../protocols/why.ts'
import { systemClock } from '../adapters/system/system-clock.adapter.ts'
import { dossierPath, readDossiers } from './crashes/dossier-files.ts'
import { openEnvironment } from './environment.ts'
import { readOwners } from './owners.ts'
import type { RuntimeOptions } from './options.ts'
import { createRecords, recordsOf } from './records.ts'
import { answerWhy } from './why/answer.ts'

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
  /** Why a run, lane, command or actor is as it is, as far as it is recorded. @throws ERR_RUN_NOT_FOUND */
  why(word: string, run?: string): Promise<WhyAnswer>
  close(): Promise<void>
}

/** Oldest first. */
export const filedDossiers = async (directory: string): Promise<readonly FiledDossier[]> =>
  (await readDossiers(directory)).map((dossier) => ({ ...dossier, file: dossierPath(directory, dossier.id) }))

/** @throws ERR_WORKSPACE_…, ERR_GIT_…, ERR_STORE_… */
export const openInspection = async (options: Pick<RuntimeOptions, 'workspace' | 'stateHome'>): Promise<Inspection> => {
  const env = await openEnvironment(options)
  const store = await env.openStore()
  const { paths, processTable } = env
  const crashes = async (): Promise<readonly FiledDossier[]> => filedDossiers(paths.crashes)
  return {
    runs: () => recordsOf<RunRecord>(store, 'run'),
    events: (query) => store.events(query),
    crashes,
    isAlive: (owner) => processTable.isAlive(owner),
    why: (word, run) =>
      answerWhy(
        {
          now: systemClock.now,
          records: createRecords(() => store),
          crashes,
          stateDirectory: paths.directory,
          commonDir: env.worktrees.workspace.commonDir,
          failures: paths.failures,
          bootId: processTable.identify(process.pid)?.bootId ?? '',
          isAlive: (owner) => processTable.isAlive(owner),
          isServed: async () => (await readOwners(paths.owners, processTable)).living.length > 0,
          live: null,
        },
        word,
        run,
      ),
    close: () => store.close(),
  }
}
