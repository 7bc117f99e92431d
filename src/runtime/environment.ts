import { lanesDirectory, openWorkspace, workspaceId } from '../adapters/git/git-worktrees.adapter.ts'
import { openRecovery } from '../adapters/git/git-recovery.adapter.ts'
import { createCgroups } from '../adapters/cgroups.ts'
import { createProcessTable } from '../adapters/process-table.ts'
import { openSqliteStore } from '../adapters/sqlite/sqlite-store.adapter.ts'
import { systemClock } from '../adapters/system/system-clock.adapter.ts'
import { systemRandom } from '../adapters/system/system-random.adapter.ts'
import type { Cgroups } from '../ports/cgroups.port.ts'
import type { EventStore } from '../ports/event-store.port.ts'
import type { ProcessTable } from '../ports/process-table.port.ts'
import type { Recovery } from '../ports/recovery.port.ts'
import type { Worktrees } from '../ports/worktrees.port.ts'
import { DEFAULT_SETTINGS } from '../protocols/config.schema.ts'
import { createIdFactory, type IdFactory } from '../protocols/id-factory.ts'
import type { WorkspaceId } from '../protocols/ids.ts'
import { createCheckOuts } from './check-outs.ts'
import type { RuntimeOptions } from './options.ts'
import { defaultDataHome, defaultStateHome, type StatePaths, statePaths } from './paths.ts'

/** What every use of a workspace begins with: the runtime, the inspection of records, doctor. */
export type Environment = {
  readonly workspaceId: WorkspaceId
  readonly worktrees: Worktrees
  readonly recovery: Recovery
  readonly paths: StatePaths
  readonly lanesDirectory: string
  readonly processTable: ProcessTable
  readonly cgroups: Cgroups
  readonly ids: IdFactory
  readonly openStore: () => Promise<EventStore>
}

/** @throws ERR_GIT_MISSING, ERR_GIT_TOO_OLD, ERR_WORKSPACE_… as openWorkspace */
export const openEnvironment = async (
  options: Pick<RuntimeOptions, 'workspace' | 'stateHome' | 'lanesDirectory' | 'settings'>,
): Promise<Environment> => {
  const ids = createIdFactory({ clock: systemClock, random: systemRandom })
  const processTable = createProcessTable()
  // No check-out begins before the id is known.
  const known: { id: string } = { id: '' }
  const checkOuts = createCheckOuts(() => known.id, processTable, systemClock)
  const git = { clock: systemClock, random: systemRandom, checkOuts }
  const worktrees = await openWorkspace(options.workspace, git)
  const id = await workspaceId(worktrees.workspace.commonDir, () => ids.next('workspace'))
  known.id = id
  const paths = statePaths(options.stateHome ?? defaultStateHome(process.env), id, worktrees.workspace.commonDir)
  return {
    workspaceId: id,
    worktrees,
    recovery: openRecovery(worktrees.workspace, git),
    paths,
    lanesDirectory:
      options.lanesDirectory ??
      (await lanesDirectory(worktrees.workspace, defaultDataHome(process.env), (options.settings?.() ?? DEFAULT_SETTINGS).lanes.place)),
    processTable,
    cgroups: createCgroups(),
    ids,
    openStore: () => openSqliteStore({ path: paths.database, workspaceId: id, clock: systemClock }),
  }
}
