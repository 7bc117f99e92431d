import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { openWorkspace } from '../src/adapters/git/git-worktrees.adapter.ts'
import { systemClock } from '../src/adapters/system/system-clock.adapter.ts'
import { systemRandom } from '../src/adapters/system/system-random.adapter.ts'
import { type Suite, timed } from './harness.ts'

const run = promisify(execFile)
const FILES = 200

/** Adds a worktree on a new branch, by the port and by `git worktree add -b`. */
export const worktreesSuite = async (): Promise<Suite> => {
  const directory = await mkdtemp(join(tmpdir(), 'signalbox-bench-'))
  const repository = join(directory, 'repository')
  const git = (...args: string[]): Promise<unknown> => run('git', ['-C', repository, ...args])
  await run('git', ['init', '--quiet', '--initial-branch=main', repository])
  await git('config', 'user.name', 'bench')
  await git('config', 'user.email', 'bench@example.invalid')
  for (let file = 0; file < FILES; file += 1) await writeFile(join(repository, `file-${file}.txt`), `${file}\n`.repeat(100))
  await git('add', '.')
  await git('commit', '--quiet', '-m', 'start')
  const worktrees = await openWorkspace(repository, { clock: systemClock, random: systemRandom })
  let next = 0

  return {
    name: 'worktrees',
    cases: [
      {
        name: 'add',
        unit: 'ms',
        better: 'lower',
        ours: async () => {
          const name = `ours-${(next += 1)}`
          const path = join(directory, name)
          const samples = [await timed(() => worktrees.add({ path, branch: `bench/${name}`, base: 'main', copy: [] }))]
          await git('worktree', 'remove', '--force', path)
          return samples
        },
        baseline: async () => {
          const name = `raw-${(next += 1)}`
          const path = join(directory, name)
          const samples = [await timed(() => git('worktree', 'add', '--quiet', '-b', `bench/${name}`, path, 'main'))]
          await git('worktree', 'remove', '--force', path)
          return samples
        },
      },
    ],
    close: () => rm(directory, { recursive: true, force: true }),
  }
}
