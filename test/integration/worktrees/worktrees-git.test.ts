import { mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { worktreesContract } from '../../contracts/worktrees.contract.ts'
import { git, makeRepo } from '../../helpers/git-repo.ts'
import { openRepo } from './open-repo.ts'

worktreesContract('git', async () => {
  const repo = await makeRepo()
  await repo.commit('.gitignore', '*.ignored\n')
  return {
    worktrees: await openRepo(repo.root),
    place: (name) => join(repo.base, 'repo.lanes', name),
    write: async (path, file, text) => {
      await mkdir(dirname(join(path, file)), { recursive: true })
      await writeFile(join(path, file), text)
    },
    commitAll: async (path) => {
      await git(path, 'add', '-A')
      await git(path, 'commit', '-q', '-m', 'work')
      return (await git(path, 'rev-parse', 'HEAD')).trim()
    },
    detachHead: async (path) => void (await git(path, 'checkout', '-q', '--detach')),
    lock: async (path, reason) => void (await git(repo.root, 'worktree', 'lock', '--reason', reason, path)),
    dropDirectory: (path) => rm(path, { recursive: true }),
    dispose: () => repo.cleanup(),
  }
})
