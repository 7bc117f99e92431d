import { existsSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, afterEach, describe, expect, it } from 'vitest'
import type { LaneRecord, RunRecord } from '../../../src/protocols/records.ts'
import { copyWorld, makeWorld, survey, type World } from '../../helpers/crash-world.ts'
import { git } from '../../helpers/git-repo.ts'
import { branchesOf, commitIn, doctor, findingOn, plant, told, withStore } from './planted.ts'

describe('doctor --fix on worktrees and branches', () => {
  let template: World
  let world: World
  beforeAll(async () => {
    template = await makeWorld()
  })
  afterAll(() => template.cleanup())
  beforeEach(async () => {
    world = await copyWorld(template)
  })
  afterEach(() => world.cleanup())

  it('removes a clean worktree and its branch, and closes the records of the run [LN-11]', async () => {
    const { run, lane, path, branch } = await plant(world, 'clean')
    const report = await doctor(world)
    expect(told(report)).toEqual([`removed record run ${run.id}`, `removed worktree ${path}`])
    expect([existsSync(path), (await branchesOf(world)).includes(branch)]).toEqual([false, false])
    await withStore(world, async (store) => {
      expect((await store.record('run', run.id))?.value as RunRecord).toMatchObject({ outcome: 'interrupted' })
      const closed = (await store.record('lane', lane.id))?.value as LaneRecord
      expect(closed).toMatchObject({ snapshot: { state: 'closed' }, summary: { outcome: 'interrupted', worktree: null, branch: null } })
    })
    expect((await doctor(world)).found).toEqual([])
  })

  it('keeps uncommitted and untracked files, and says where they are [LN-7]', async () => {
    const { path, branch, lane } = await plant(world, 'dirty')
    await writeFile(join(path, 'file-1.txt'), 'changed')
    await writeFile(join(path, 'ünträcked file'), 'new')
    const report = await doctor(world)
    expect(findingOn(report, path)).toMatchObject({ action: 'left', why: expect.stringContaining('2 uncommitted files') as string })
    expect(await readFile(join(path, 'ünträcked file'), 'utf8')).toBe('new')
    expect(await branchesOf(world)).toContain(branch)
    await withStore(world, async (store) => {
      const closed = (await store.record('lane', lane.id))?.value as LaneRecord
      expect(closed.summary).toMatchObject({ worktree: path, uncommitted: ['file-1.txt', 'ünträcked file'] })
    })
    expect(told(await doctor(world))).toEqual([`left worktree ${path}`])
  })

  it('keeps a branch with commits, also where the worktree is gone already, and counts them [LN-7]', async () => {
    const one = await plant(world, 'one')
    const two = await plant(world, 'two')
    await commitIn(one.path)
    const head = await commitIn(two.path)
    await world.git('worktree', 'remove', two.path)
    const report = await doctor(world)
    expect(findingOn(report, one.branch)).toMatchObject({ action: 'left', why: 'it holds 1 commit' })
    expect(existsSync(one.path)).toBe(false)
    expect((await world.git('rev-parse', two.branch)).trim()).toBe(head)
    await withStore(world, async (store) => {
      const lane = (await store.record('lane', two.lane.id))?.value as LaneRecord
      expect(lane.summary).toMatchObject({ commits: 1, branch: two.branch, worktree: null })
    })
  })

  it('keeps a locked worktree and removes it once it is unlocked [LN-10]', async () => {
    const { path } = await plant(world, 'locked')
    await world.git('worktree', 'lock', '--reason', 'on a stick', path)
    expect(findingOn(await doctor(world, false), path)).toMatchObject({
      action: 'left',
      why: expect.stringContaining('on a stick') as string,
    })
    expect(findingOn(await doctor(world), path)).toMatchObject({ action: 'left', why: expect.stringContaining('on a stick') as string })
    expect(existsSync(path)).toBe(true)
    await world.git('worktree', 'unlock', path)
    expect(findingOn(await doctor(world), path)).toMatchObject({ action: 'removed' })
    expect(existsSync(path)).toBe(false)
    expect((await doctor(world)).found).toEqual([])
  })

  it('keeps a worktree that its plan keeps, with the reason [LN-7]', async () => {
    const kept = await plant(world, 'kept', {
      keep: 'failed',
      ended: { outcome: 'failed', reason: 'the plan keeps those of failed lanes' },
    })
    const always = await plant(world, 'always', { keep: 'always' })
    const report = await doctor(world)
    expect(findingOn(report, kept.path)).toMatchObject({ action: 'left', why: 'the plan keeps those of failed lanes' })
    expect(findingOn(report, always.path)?.action).toBe('left')
    expect([existsSync(kept.path), existsSync(always.path)]).toEqual([true, true])
  })

  it('never touches worktrees and branches that somebody else made [LN-11]', async () => {
    const mine = join(world.base, 'mine')
    await world.git('worktree', 'add', '-q', '-b', 'signalbox/fix-the-parser', mine)
    await world.git('branch', 'feature-0123abcd')
    await world.git('branch', 'signalbox/deep/feature-0123abcd')
    const before = [await branchesOf(world), await survey(world)]
    expect((await doctor(world)).found).toEqual([])
    expect([await branchesOf(world), await survey(world)]).toEqual(before)
  })

  it('removes clean worktrees and merged branches that no record names, and keeps those with work [LN-11]', async () => {
    const clean = await plant(world, 'clean', { unrecorded: true })
    const dirty = await plant(world, 'dirty', { unrecorded: true })
    const worked = await plant(world, 'worked', { unrecorded: true })
    await writeFile(join(dirty.path, 'new.txt'), 'new')
    const head = await commitIn(worked.path)
    await world.git('branch', 'signalbox/merged-0123abcd', 'main')
    const report = await doctor(world)
    expect(told(report)).toEqual(
      [
        `left branch ${worked.branch}`,
        `left worktree ${dirty.path}`,
        'removed branch signalbox/merged-0123abcd',
        `removed worktree ${clean.path}`,
        `removed worktree ${worked.path}`,
      ].sort(),
    )
    expect((await world.git('rev-parse', worked.branch)).trim()).toBe(head)
    expect(await readFile(join(dirty.path, 'new.txt'), 'utf8')).toBe('new')
    const again = await doctor(world)
    expect(told(again)).toEqual([`left branch ${worked.branch}`, `left worktree ${dirty.path}`])
    expect(again.ok).toBe(true)
  })

  it('keeps the files of a worktree whose entry in git is damaged or gone [LN-7]', async () => {
    const damaged = await plant(world, 'damaged')
    const gone = await plant(world, 'gone')
    const unrecorded = await plant(world, 'lost', { unrecorded: true })
    for (const { path } of [damaged, gone, unrecorded]) await writeFile(join(path, 'work.txt'), 'work')
    const entry = async (path: string): Promise<string> => (await git(path, 'rev-parse', '--absolute-git-dir')).trim()
    await writeFile(join(await entry(damaged.path), 'HEAD'), 'nonsense')
    await rm(await entry(gone.path), { recursive: true })
    await rm(await entry(unrecorded.path), { recursive: true })
    for (const round of [1, 2]) {
      const report = await doctor(world)
      for (const { path } of [damaged, gone, unrecorded]) {
        expect(findingOn(report, path), `round ${round}: ${path}`).toMatchObject({ action: 'left' })
        expect(await readFile(join(path, 'work.txt'), 'utf8')).toBe('work')
      }
    }
  })

  it('forgets a worktree whose directory was deleted, but not one whose disk may not be mounted [LN-11]', async () => {
    const one = await plant(world, 'one')
    await rm(one.path, { recursive: true })
    expect(findingOn(await doctor(world), one.path)).toMatchObject({ action: 'removed' })
    expect(await world.git('worktree', 'list', '--porcelain')).not.toContain(one.path)
    const two = await plant(world, 'two')
    await rm(world.lanes, { recursive: true })
    expect(findingOn(await doctor(world), two.path)).toMatchObject({ action: 'left', why: expect.stringContaining('mount') as string })
    expect(await world.git('worktree', 'list', '--porcelain')).toContain(two.path)
  })

  it('leaves the worktree that it was started in [LN-7]', async () => {
    const { path } = await plant(world, 'here')
    await mkdir(join(path, 'deep'))
    for (const cwd of [path, join(path, 'deep')]) {
      const report = await doctor(world, true, { cwd })
      expect(findingOn(report, path)).toMatchObject({ action: 'left', why: 'doctor itself was started in it' })
    }
    expect(existsSync(path)).toBe(true)
    expect(findingOn(await doctor(world), path)).toMatchObject({ action: 'removed' })
  })
})
