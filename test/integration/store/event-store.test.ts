import { join } from 'node:path'
import { createMemoryStore } from '../../../src/adapters/memory/memory-store.adapter.ts'
import { eventStoreContract, WORKSPACE } from '../../contracts/event-store.contract.ts'
import { openAt, removeDirectory, temporaryDirectory } from './store-process.ts'

eventStoreContract('memory', () =>
  Promise.resolve({ store: createMemoryStore({ workspaceId: WORKSPACE }), dispose: () => Promise.resolve() }),
)

eventStoreContract('sqlite', async () => {
  const directory = temporaryDirectory()
  const store = await openAt(join(directory, 'state', 'store.db'))
  return { store, dispose: () => Promise.resolve(removeDirectory(directory)) }
})
