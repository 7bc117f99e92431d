import { worktreesContract } from '../../contracts/worktrees.contract.ts'
import { FakeWorktrees } from '../../fakes/worktrees.fake.ts'

worktreesContract('fake', async () => {
  const fake = new FakeWorktrees()
  return {
    worktrees: fake,
    place: (name) => `/fake/repo.lanes/${name}`,
    write: async (path, file, text) => fake.writeFile(path, file, text),
    commitAll: async (path) => fake.commitAll(path),
    detachHead: async (path) => fake.detachHead(path),
    lock: async (path, reason) => fake.lockTree(path, reason),
    dropDirectory: async (path) => fake.dropDirectory(path),
    dispose: async () => undefined,
  }
})
