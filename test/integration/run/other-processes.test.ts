import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { RunSummary } from '../../../src/protocols/summary.ts'
import { makeRepo, type TestRepo } from '../../helpers/git-repo.ts'
import { groundOf, laneOf, lines, marked, recordsIn, within } from './run-kit.ts'

const program = fileURLToPath(new URL('run-process.ts', import.meta.url))
let repo: TestRepo

beforeEach(async () => {
  repo = await makeRepo({ commits: 2 })
})
afterEach(() => repo.cleanup())

type Result = {
  readonly workspaceId: string
  readonly last: Record<string, unknown>
  readonly stderr: string
  readonly code: number | null
}

const run = async (argv: readonly string[]): Promise<Result> => {
  const [command = '', ...args] = argv
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null' } })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk) => (stdout += String(chunk)))
  child.stderr.on('data', (chunk) => (stderr += String(chunk)))
  const code = await within(60_000, 'the process', new Promise<number | null>((resolve) => child.on('close', resolve)))
  const printed = lines(stdout).map((line) => JSON.parse(line) as Record<string, unknown>)
  return { workspaceId: (printed[0]?.['workspaceId'] ?? '') as string, last: printed.at(-1) ?? {}, stderr, code }
}
const node = (plan: object): string[] => [process.execPath, program, repo.root, join(repo.base, 'state'), JSON.stringify(plan)]

/** Runs in a mount namespace of its own, in which `mount` is carried out first. */
const inNamespace = (mount: string, plan: object): string[] => [
  'unshare',
  '-m',
  '--propagation',
  'private',
  'sh',
  '-c',
  `${mount} && exec "$@"`,
  'sh',
  ...node(plan),
]
const isRoot = process.platform === 'linux' && process.getuid?.() === 0

describe('two processes', () => {
  it('run one plan in one repository at once, both succeed, and the record has no gap [LN-12][BUS-3]', async () => {
    const plan = { lanes: { a: { commands: ['sleep 0.3; echo a'] }, b: { commands: ['echo b'] }, c: { after: ['a'], commands: ['true'] } } }
    const results = await Promise.all([run(node(plan)), run(node(plan))])
    expect(results.map(({ last, stderr, code }) => [last['ok'], stderr, code])).toEqual([
      [true, '', 0],
      [true, '', 0],
    ])
    const { events, runs, lanes } = await recordsIn({ workspace: repo.root, stateHome: join(repo.base, 'state') })
    expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, index) => index + 1))
    expect(runs.map(({ outcome }) => outcome)).toEqual(['succeeded', 'succeeded'])
    expect(lanes.map(({ snapshot }) => snapshot.state)).toEqual(Array.from({ length: 6 }, () => 'closed'))
    expect(await groundOf(repo, results[0]?.workspaceId ?? '')).toEqual({ processes: [], worktrees: [repo.root], branches: ['main'] })
  })
})

describe('a disk', () => {
  beforeEach(({ skip }) => skip(!isRoot, 'mounting a small disk needs root'))

  it('that is full under the state directory ends the run with that error, and leaves no process [LN-5]', async () => {
    const state = join(repo.base, 'state')
    await mkdir(state)
    const plan = {
      lanes: {
        fill: {
          commands: [
            { name: 'fill', run: `dd if=/dev/zero of='${state}/filler' bs=64k 2>/dev/null; sleep 0.2; true` },
            'true',
            'true',
            'true',
          ],
        },
        other: { commands: [{ name: 'srv', run: 'while :; do sleep 0.2; done', graceMs: 500 }] },
      },
    }
    const { last, workspaceId, stderr } = await run(inNamespace(`mount -t tmpfs -o size=4m tmpfs '${state}'`, plan))
    expect(stderr).toBe('')
    expect(last).toMatchObject({ error: 'ERR_DISK_FULL', message: expect.stringMatching(/disk is full|space/u) })
    expect(marked(`${workspaceId}/`)).toEqual([])
  })

  it('that is full from the start under the state directory is said before anything starts [LN-5]', async () => {
    const state = join(repo.base, 'state')
    await mkdir(state)
    const { last } = await run(
      inNamespace(`mount -t tmpfs -o size=64k tmpfs '${state}' && (dd if=/dev/zero of='${state}/filler' bs=4k 2>/dev/null || true)`, {
        lanes: { a: { commands: ['true'] } },
      }),
    )
    expect(last).toMatchObject({ error: 'ERR_DISK_FULL' })
    expect((await groundOf(repo, 'ws_none')).worktrees).toEqual([repo.root])
  })

  it('that is full under the worktrees fails that lane, and the others go on [LN-5][SUP-8]', async () => {
    const lanesDirectory = `${repo.root}.lanes`
    await mkdir(lanesDirectory)
    await repo.git('checkout', '-q', '-b', 'big')
    await repo.commit('big.bin', 'x'.repeat(3 << 20))
    await repo.git('checkout', '-q', 'main')
    const { last, workspaceId } = await run(
      inNamespace(`mount -t tmpfs -o size=1m tmpfs '${lanesDirectory}'`, {
        keep: 'never',
        lanes: { big: { base: 'big', commands: ['true'] }, small: { commands: ['true'] } },
      }),
    )
    const summary = last as unknown as RunSummary
    expect(laneOf(summary, 'big')).toMatchObject({ outcome: 'failed', worktree: null, branch: null, reason: /disk.*free space|full/u })
    expect(laneOf(summary, 'small').outcome).toBe('succeeded')
    expect((await groundOf(repo, workspaceId)).branches).toEqual(['big', 'main'])
  })

  it('that is read-only under the repository is refused, with what to check [LN-10]', async () => {
    const { last } = await run(
      inNamespace(`mount --bind '${repo.root}' '${repo.root}' && mount -o remount,ro,bind '${repo.root}'`, {
        lanes: { a: { commands: ['true'] } },
      }),
    )
    expect(last).toMatchObject({
      error: 'ERR_WORKSPACE_READ_ONLY',
      message: expect.stringMatching(/cannot be written to; check its permissions/u),
    })
    expect(existsSync(`${repo.root}.lanes`)).toBe(false)
  })
})
