import { execFile, spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Suite, timed } from './harness.ts'
import { topKey } from './top-key.ts'

const run = promisify(execFile)
const root = join(import.meta.dirname, '..')
const bin = join(root, 'bin/signalbox.js')

/** Start-up of light commands, `tree --json` on a live socket among them, beside a node that runs an empty module. */
export const cliSuite = async ({ smoke }: { readonly smoke: boolean }): Promise<Suite> => {
  const { status } = spawnSync(process.execPath, [join(root, 'script/build.ts')], { stdio: 'inherit' })
  if (status !== 0) throw new Error('the command line could not be built')
  const directory = await mkdtemp(join(tmpdir(), 'signalbox-bench-'))
  const empty = join(directory, 'empty.mjs')
  await writeFile(empty, 'export {}\n')
  const bare = async () => [await timed(() => run(process.execPath, [empty]))]
  const ours =
    (...args: readonly string[]) =>
    async () => [await timed(() => run(process.execPath, [bin, ...args]))]
  // `tree` asks an orchestrator that runs
  const repo = join(directory, 'repo')
  const there = { cwd: repo, env: { ...process.env, XDG_STATE_HOME: join(directory, 'state') } }
  await run('git', ['init', '--quiet', repo])
  await run('git', ['-c', 'user.name=bench', '-c', 'user.email=bench@localhost', 'commit', '--quiet', '--allow-empty', '-m', 'x'], there)
  await run(process.execPath, [bin, 'up'], there)
  const tree = async () => [await timed(() => run(process.execPath, [bin, 'tree', '--json'], there))]
  const { stdout } = await run(process.execPath, [bin, 'status', '--json'], there)
  const { socket } = JSON.parse(stdout) as { readonly socket: string }
  // minutes of a machine that does much else: not in CI
  const key = smoke ? null : topKey(socket, there)
  return {
    name: 'cli',
    cases: [
      { name: 'version', unit: 'ms', better: 'lower', ours: ours('--version'), baseline: bare },
      { name: 'help', unit: 'ms', better: 'lower', ours: ours('help', 'run'), baseline: bare },
      { name: 'tree', unit: 'ms', better: 'lower', ours: tree, baseline: bare },
      ...(key === null ? [] : [key.one]),
    ],
    close: async () => {
      await key?.close()
      await run(process.execPath, [bin, 'down'], there)
      await rm(directory, { recursive: true, force: true })
    },
  }
}
