// A process of its own that uses the adapter: argv[2] is a JSON list of jobs; the answers go to stdout as one JSON list.
import { readdir } from 'node:fs/promises'
import type { WorkspaceId } from '../../../src/protocols/ids.ts'
import { openWorkspace, workspaceId } from '../../../src/adapters/git/git-worktrees.adapter.ts'
import { systemClock } from '../../../src/adapters/system/system-clock.adapter.ts'
import { systemRandom } from '../../../src/adapters/system/system-random.adapter.ts'
import { toErrorRecord } from '../../../src/protocols/errors.ts'
import { gitTestEnv } from '../../helpers/git-repo.ts'

export type Job =
  | { readonly do: 'open'; readonly cwd: string }
  | { readonly do: 'id'; readonly commonDir: string; readonly offer: WorkspaceId }
  | { readonly do: 'add'; readonly cwd: string; readonly path: string; readonly branch: string; readonly copy?: readonly string[] }
  | { readonly do: 'files'; readonly path: string }
  | { readonly do: 'cycle'; readonly cwd: string; readonly paths: readonly string[] }

const options = { clock: systemClock, random: systemRandom, environment: gitTestEnv() }

const perform = async (job: Job): Promise<unknown> => {
  if (job.do === 'open') return (await openWorkspace(job.cwd, options)).workspace
  if (job.do === 'id') return workspaceId(job.commonDir, () => job.offer)
  if (job.do === 'files') return readdir(job.path)
  const worktrees = await openWorkspace(job.cwd, options)
  if (job.do === 'add') return worktrees.add({ path: job.path, branch: job.branch, base: 'main', copy: job.copy ?? [] })
  return Promise.all(
    job.paths.map(async (path) => {
      const added = await worktrees.add({ path, branch: `lanes/${path.split('/').at(-1)}`, base: 'main', copy: [] })
      return worktrees.remove(added)
    }),
  )
}

const jobs: readonly Job[] = JSON.parse(process.argv[2] ?? '[]')
const answers = []
for (const job of jobs)
  answers.push(
    await perform(job).then(
      (value) => ({ value }),
      (error: unknown) => ({ error: toErrorRecord(error) }),
    ),
  )
process.stdout.write(JSON.stringify(answers))
