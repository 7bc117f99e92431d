import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type CliWorld, makeCliWorld, until } from '../helpers/cli.ts'
import { type KillPoint, makeKillingGit } from '../helpers/killing-git.ts'

let world: CliWorld
let runtimeDirectory: string
beforeEach(async () => {
  world = await makeCliWorld({ name: 'a repo — mit Lücken', commits: 2 })
  runtimeDirectory = mkdtempSync(join(tmpdir(), 'signalbox-run-'))
  world.env['XDG_RUNTIME_DIR'] = runtimeDirectory
})
afterEach(async () => {
  await world.run(['down'])
  await world.cleanup()
  rmSync(runtimeDirectory, { recursive: true, force: true })
})

type Lane = { readonly name: string; readonly state: string; readonly worktree: string; readonly branch: string }
const lanes = async (...more: string[]): Promise<readonly Lane[]> => {
  const { stdout } = await world.run(['lane', 'ls', ...more, '--json'])
  return stdout === '' ? [] : (JSON.parse(stdout) as { lanes: Lane[] }).lanes
}
const inRepo = (...args: string[]): string => execFileSync('git', args, { cwd: world.repo.root, env: world.env, encoding: 'utf8' })

/** A lane with work, and how it looks. */
const laneWithWork = async (): Promise<{ readonly lane: Lane; readonly look: () => unknown }> => {
  expect((await world.run(['lane', 'add', 'a'])).code).toBe(0)
  const [lane] = await lanes()
  if (lane === undefined) throw new Error('no lane')
  const inLane = (...args: string[]): string => execFileSync('git', args, { cwd: lane.worktree, env: world.env, encoding: 'utf8' })
  writeFileSync(join(lane.worktree, 'done'), 'x')
  inLane('add', 'done')
  inLane('commit', '-qm', 'done')
  writeFileSync(join(lane.worktree, 'done'), 'staged')
  inLane('add', 'done')
  writeFileSync(join(lane.worktree, 'file-1.txt'), 'changed')
  writeFileSync(join(lane.worktree, 'draft'), 'y')
  const look = (): unknown => ({
    status: inLane('status', '--porcelain=v2', '--branch'),
    staged: inLane('diff', '--cached'),
    changed: inLane('diff'),
    draft: readFileSync(join(lane.worktree, 'draft'), 'utf8'),
  })
  return { lane, look }
}

/** The command is under way when the orchestrator dies at the point; then there is another one. */
const dieAt = async (point: KillPoint, prepare: () => Promise<void>, command: readonly string[]): Promise<void> => {
  const killing = await makeKillingGit(point)
  const deadly = { ...world.env, PATH: `${killing.directory}:${world.env['PATH']}` }
  expect((await world.run(['up'], { env: deadly })).code).toBe(0)
  await prepare()
  await world.run(command)
  expect({ point, hit: killing.hit() }).toEqual({ point, hit: true })
  expect((await world.run(['up'])).code).toBe(0)
}

const putAwayPoints: readonly KillPoint[] = [
  { command: 'fast-import', when: 'before' },
  { command: 'fast-import', when: 'after' },
  { command: 'worktree remove', when: 'during' },
  { command: 'update-ref --no-deref --stdin', when: 'after' },
]

describe('the orchestrator killed with -9 while it', () => {
  it.each(putAwayPoints)(
    'saves and removes a lane, $when $command: the next one ends it, and it can be brought back [LN-6, LN-7, LN-11]',
    async (point) => {
      let made: Awaited<ReturnType<typeof laneWithWork>> | null = null
      let before: unknown
      const prepare = async (): Promise<void> => {
        made = await laneWithWork()
        before = made.look()
        expect((await world.run(['term', 'spawn', 'a', '--', 'sleep', '1000'])).code).toBe(0)
      }
      await dieAt(point, prepare, ['lane', 'rm', 'a', '--save'])
      const { lane, look } = made as unknown as Awaited<ReturnType<typeof laneWithWork>>
      await until('the lane is removed', async () => (await lanes()).length === 0)
      expect(world.marked()).toEqual([])
      expect(existsSync(lane.worktree)).toBe(false)
      expect(inRepo('branch', '--list', lane.branch)).toBe('')
      expect(await lanes('--removed')).toMatchObject([{ name: 'a', branch: lane.branch }])
      expect((await world.run(['lane', 'undo', 'a'])).stderr).toBe('')
      expect(look()).toEqual(before)
    },
  )

  it.each<KillPoint>([
    { command: 'worktree add --quiet', when: 'after' },
    { command: 'update-index -q --refresh', when: 'before' },
    { command: 'update-ref -d', when: 'before' },
  ])('brings a lane back, $when $command: the next one ends it [LN-7, LN-11]', async (point) => {
    let made: Awaited<ReturnType<typeof laneWithWork>> | null = null
    let before: unknown
    const prepare = async (): Promise<void> => {
      made = await laneWithWork()
      before = made.look()
      expect((await world.run(['lane', 'rm', 'a', '--save'])).code).toBe(0)
    }
    await dieAt(point, prepare, ['lane', 'undo', 'a'])
    await until('it is back', async () => (await lanes()).some(({ state }) => state === 'ready'))
    expect((made as unknown as Awaited<ReturnType<typeof laneWithWork>>).look()).toEqual(before)
    expect(await lanes('--removed')).toEqual([])
    expect((await world.run(['lane', 'rm', 'a', '--save'])).code).toBe(0)
  })
})
