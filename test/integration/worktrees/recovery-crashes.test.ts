import { spawn } from 'node:child_process'
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openRecovery } from '../../../src/adapters/git/git-recovery.adapter.ts'
import { systemClock } from '../../../src/adapters/system/system-clock.adapter.ts'
import { systemRandom } from '../../../src/adapters/system/system-random.adapter.ts'
import type { Recovery, SaveSpec } from '../../../src/ports/recovery.port.ts'
import type { Worktree, Worktrees } from '../../../src/ports/worktrees.port.ts'
import { git, gitTestEnv, makeRepo, type TestRepo } from '../../helpers/git-repo.ts'
import { type KillPoint, makeKillingGit } from '../../helpers/killing-git.ts'
import { look } from './look.ts'
import { openRepo } from './open-repo.ts'

const CHILD = fileURLToPath(new URL('recovery-child.ts', import.meta.url))

let repo: TestRepo
let worktrees: Worktrees
let recovery: Recovery
let worktree: Worktree
let spec: SaveSpec
const told: string[] = []
afterAll(() =>
  console.log([`${told.filter((row) => row.startsWith('hit')).length} of ${told.length} crash points hit`, ...told].join('\n')),
)

/** A lane with work of every kind, a submodule included. */
beforeEach(async () => {
  repo = await makeRepo({ commits: 3 })
  const sub = await makeRepo({ name: 'sub' })
  await repo.git('submodule', '--quiet', 'add', sub.root, 'sub')
  await repo.git('commit', '-qm', 'submodule')
  worktrees = await openRepo(repo.root)
  recovery = openRecovery(worktrees.workspace, { clock: systemClock, random: systemRandom, environment: gitTestEnv() })
  worktree = await worktrees.add({ path: join(repo.base, 'lanes', 'a b'), branch: 'lanes/a', base: 'main', copy: [] })
  const { path } = worktree
  await git(path, 'submodule', '--quiet', 'update', '--init')
  await sub.cleanup()
  await writeFile(join(path, 'sub', 'local.txt'), 'local')
  await git(join(path, 'sub'), 'add', '.')
  await git(join(path, 'sub'), 'commit', '-qm', 'local')
  await writeFile(join(path, 'done'), 'x')
  await git(path, 'add', 'done')
  await git(path, 'commit', '-qm', 'done')
  await git(path, 'config', 'branch.lanes/a.description', 'mine')
  await writeFile(join(path, 'file-1.txt'), 'staged\n')
  await git(path, 'add', 'file-1.txt')
  await writeFile(join(path, 'file-1.txt'), 'more\n')
  await mkdir(join(path, 'deep', 'er'), { recursive: true })
  for (const name of ['one', 'two', 'three']) await writeFile(join(path, 'deep', 'er', name), `${name}\n`.repeat(50))
  spec = { id: 'ln_1', name: 'a', worktree, origin: {}, ignored: false }
})
afterEach(() => repo.cleanup())

/** Does it in a process that dies at the point. */
const dieAt = async (point: KillPoint, act: 'put-away' | 'restore'): Promise<void> => {
  const killing = await makeKillingGit(point)
  const env = { ...gitTestEnv(), PATH: `${killing.directory}:${process.env['PATH']}` }
  const child = spawn(process.execPath, [CHILD, JSON.stringify({ root: repo.root, spec, act })], { env, stdio: 'ignore' })
  const signal = await new Promise((resolve) => child.once('close', (_code, by) => resolve(by)))
  told.push(`${killing.hit() && signal === 'SIGKILL' ? 'hit ' : 'MISS'}  ${act.padEnd(9)} ${point.when} ${point.command}`)
  expect({ point, hit: killing.hit(), signal }).toEqual({ point, hit: true, signal: 'SIGKILL' })
  // What git was doing may end after its caller.
  await expect.poll(() => readdir(join(repo.root, '.git')).then((names) => names.filter((name) => name.endsWith('.lock')))).toEqual([])
}

/** Nothing of the lane is left but what is saved. */
const gone = async (): Promise<void> => {
  expect((await worktrees.list()).map(({ path }) => path)).toEqual([repo.root])
  expect(await worktrees.branches('lanes/')).toEqual([])
  expect(await readdir(join(repo.root, '.git', 'worktrees')).catch(() => [])).toEqual([])
  expect(await readdir(join(repo.base, 'lanes')).catch(() => [])).toEqual([])
  expect((await git(repo.root, 'config', '--local', '--list')).includes('branch.lanes/a')).toBe(false)
}

const each = (command: string, ...whens: KillPoint['when'][]): KillPoint[] => whens.map((when) => ({ command, when }))

describe('kill -9 while a lane is put away', () => {
  const points = [
    ...each('ls-files --stage', 'before'),
    ...each('fast-import', 'before', 'during', 'after'),
    // what is looked at again after it was saved
    { command: 'ls-files --others', when: 'after' as const, nth: 3 },
    ...each('worktree remove', 'before', 'during', 'after'),
    ...each('update-ref --no-deref --stdin', 'before', 'after'),
  ]
  it.each(points)('$when $command: put away again, and brought back, it is the same [LN-7] [LN-11]', async (point) => {
    const before = await look(worktree.path, worktree.branch, ['sub'])
    await dieAt(point, 'put-away')
    expect(await recovery.putAway(spec)).toEqual({ worktreeRemoved: true, branchDeleted: true, kept: [] })
    await gone()
    await recovery.restore('ln_1')
    expect(await look(worktree.path, worktree.branch, ['sub'])).toEqual(before)
  })

  it('what was written where it is half removed is not lost', async () => {
    await dieAt({ command: 'worktree remove', when: 'during' }, 'put-away')
    await writeFile(join(worktree.path, 'later'), 'x')
    await expect(recovery.putAway(spec)).rejects.toMatchObject({
      code: 'ERR_SAVE_REFUSED',
      message: expect.stringContaining('"later" was written after'),
    })
    await rm(join(worktree.path, 'later'))
    expect(await recovery.putAway(spec)).toMatchObject({ worktreeRemoved: true, branchDeleted: true })
  })

  it('what was moved or committed where it is to be removed is not lost', async () => {
    await dieAt({ command: 'worktree remove', when: 'before' }, 'put-away')
    await mkdir(join(repo.base, 'thesis'))
    await writeFile(join(repo.base, 'thesis', 'chapter'), 'x')
    await rename(join(repo.base, 'thesis'), join(worktree.path, 'thesis'))
    await expect(recovery.putAway(spec)).rejects.toMatchObject({
      code: 'ERR_SAVE_REFUSED',
      message: expect.stringContaining('thesis/chapter'),
    })
    await rm(join(worktree.path, 'thesis'), { recursive: true })
    await git(worktree.path, 'commit', '-q', '--allow-empty', '-m', 'later')
    await expect(recovery.putAway(spec)).rejects.toMatchObject({
      code: 'ERR_SAVE_REFUSED',
      message: expect.stringContaining('git was used there'),
    })
    expect(await readdir(worktree.path)).toContain('done')
  })

  it('what was saved is not forgotten while the removal is not over, and a lock is respected', async () => {
    await dieAt({ command: 'worktree remove', when: 'during' }, 'put-away')
    await recovery.forget('ln_1')
    await git(repo.root, 'worktree', 'lock', worktree.path)
    await expect(recovery.putAway(spec)).rejects.toMatchObject({ code: 'ERR_WORKTREE_LOCKED' })
    await git(repo.root, 'worktree', 'unlock', worktree.path)
    expect(await recovery.putAway(spec)).toMatchObject({ worktreeRemoved: true })
    await recovery.restore('ln_1')
    expect(await readdir(join(worktree.path, 'deep', 'er'))).toEqual(['one', 'three', 'two'])
  })

  it('a directory that was removed by hand before all was saved is not taken for saved', async () => {
    await dieAt({ command: 'ls-files --others', when: 'after', nth: 3 }, 'put-away')
    await git(worktree.path, 'checkout', '-q', '--detach')
    await git(worktree.path, 'commit', '-q', '--allow-empty', '-m', 'later')
    await rm(worktree.path, { recursive: true })
    await expect(recovery.putAway(spec)).rejects.toMatchObject({ code: 'ERR_WORKTREE_NOT_FOUND' })
    await expect(worktrees.remove(worktree)).rejects.toMatchObject({ code: 'ERR_WORKTREE_DIRTY' })
  })
})

describe('kill -9 while a lane is brought back', () => {
  const points = [
    ...each('worktree add', 'before', 'during', 'after'),
    ...each('update-ref', 'before', 'after'),
    ...each('config --local --add', 'before', 'after'),
    ...each('cat-file --batch', 'before', 'during'),
    ...each('update-index -q --refresh', 'before', 'after'),
  ]
  it.each(points)('$when $command: brought back again, it is the same [LN-7] [LN-11]', async (point) => {
    const before = await look(worktree.path, worktree.branch, ['sub'])
    await recovery.putAway(spec)
    await dieAt(point, 'restore')
    await recovery.restore('ln_1')
    expect(await look(worktree.path, worktree.branch, ['sub'])).toEqual(before)
    expect(await recovery.list()).toHaveLength(1)
    await recovery.forget('ln_1')
    expect(await git(repo.root, 'for-each-ref', 'refs/signalbox')).toBe('')
    expect(await readdir(join(repo.root, '.git', 'signalbox')).catch(() => [])).not.toContain('recovery')
  })

  it('what was written where it is half there is not lost, and the rest comes back once that is moved away', async () => {
    const before = await look(worktree.path, worktree.branch, ['sub'])
    await recovery.putAway(spec)
    await dieAt({ command: 'cat-file --batch', when: 'during' }, 'restore')
    await writeFile(join(worktree.path, 'mine'), 'x')
    for (const call of [recovery.restore('ln_1'), recovery.abandon('ln_1')])
      await expect(call).rejects.toMatchObject({ code: 'ERR_WORKTREE_PATH_EXISTS', message: expect.stringContaining('"mine" was written') })
    await rm(join(worktree.path, 'mine'))
    await recovery.restore('ln_1')
    expect(await look(worktree.path, worktree.branch, ['sub'])).toEqual(before)
  })

  it('only what was made of it is removed when it is given up', async () => {
    await recovery.putAway(spec)
    await dieAt({ command: 'update-index -q --refresh', when: 'before' }, 'restore')
    await recovery.abandon('ln_1')
    await gone()
    await git(repo.root, 'worktree', 'add', '-q', '--detach', worktree.path)
    await recovery.abandon('ln_1')
    expect(await worktrees.list()).toHaveLength(2)
  })
})
