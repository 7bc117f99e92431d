import { copyFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { exists } from '../../adapters/git/files.ts'
import { createMemoryStore } from '../../adapters/memory/memory-store.adapter.ts'
import { openSqliteStore } from '../../adapters/sqlite/sqlite-store.adapter.ts'
import { systemClock } from '../../adapters/system/system-clock.adapter.ts'
import type { EventStore } from '../../ports/event-store.port.ts'
import type { Environment } from '../environment.ts'
import { readOwners } from '../owners.ts'

/**
 * Opens the store so that nothing changes: opening would make a missing file and put a damaged one aside. So a copy is
 * opened, except while a run writes to the file, which then is there and whole.
 */
export const openForReading = async (env: Environment): Promise<EventStore> => {
  const { database, owners } = env.paths
  if (!(await exists(database))) return createMemoryStore({ workspaceId: env.workspaceId })
  if ((await readOwners(owners, env.processTable)).living.length > 0) return env.openStore()
  const directory = await mkdtemp(join(tmpdir(), 'signalbox-doctor-'))
  const remove = (): Promise<void> => rm(directory, { recursive: true, force: true })
  try {
    const path = join(directory, basename(database))
    await copyFile(database, path)
    if (await exists(`${database}-wal`)) await copyFile(`${database}-wal`, `${path}-wal`)
    const store = await openSqliteStore({ path, workspaceId: env.workspaceId, clock: systemClock })
    const closeStore = store.close
    return { ...store, putAside: store.putAside, close: () => closeStore().then(remove) }
  } catch (error) {
    await remove()
    throw error
  }
}
