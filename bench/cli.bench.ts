import { execFile, spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Suite, timed } from './harness.ts'

const run = promisify(execFile)
const root = join(import.meta.dirname, '..')
const bin = join(root, 'bin/signalbox.js')

/** Start-up of light commands, beside a node that runs an empty module. */
export const cliSuite = async (): Promise<Suite> => {
  const { status } = spawnSync(process.execPath, [join(root, 'script/build.ts')], { stdio: 'inherit' })
  if (status !== 0) throw new Error('the command line could not be built')
  const directory = await mkdtemp(join(tmpdir(), 'signalbox-bench-'))
  const empty = join(directory, 'empty.mjs')
  await writeFile(empty, 'export {}\n')
  const bare = async () => [await timed(() => run(process.execPath, [empty]))]
  const ours =
    (...args: readonly string[]) =>
    async () => [await timed(() => run(process.execPath, [bin, ...args]))]
  return {
    name: 'cli',
    cases: [
      { name: 'version', unit: 'ms', better: 'lower', ours: ours('--version'), baseline: bare },
      { name: 'help', unit: 'ms', better: 'lower', ours: ours('help', 'run'), baseline: bare },
    ],
    close: () => rm(directory, { recursive: true, force: true }),
  }
}
