import { existsSync } from 'node:fs'
import { cp, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { registerOwner } from '../../../src/runtime/owners.ts'
import { makeWorld, markedProcesses, survey, type World } from '../../helpers/crash-world.ts'
import { branchesOf, commitIn, deadOwner, doctor, endGroup, environmentOf, markedProcess, plant, told, until } from './planted.ts'

/** Names and bytes of everything under the directory. */
const contents = async (directory: string): Promise<Readonly<Record<string, string>>> => {
  const items = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => [])
  const found: Record<string, string> = {}
  for (const item of items) {
    const path = join(item.parentPath, item.name)
    found[path] = item.isFile() ? (await readFile(path)).toString('base64') : ''
  }
  return found
}

describe('doctor without --fix', () => {
  let world: World
  beforeEach(async () => {
    world = await makeWorld()
  })
  afterEach(() => world.cleanup())

  const everything = async () => ({
    survey: await survey(world),
    branches: await branchesOf(world),
    state: await contents(world.stateHome),
    git: Object.keys(await contents(join(world.root, '.git'))),
  })

  it('says what --fix would remove, and changes nothing [ORP-2]', async () => {
    const clean = await plant(world, 'clean')
    const worked = await plant(world, 'worked')
    await commitIn(worked.path)
    const dirty = await plant(world, 'dirty')
    await writeFile(join(dirty.path, 'new.txt'), 'new')
    const unrecorded = await plant(world, 'unrecorded', { unrecorded: true })
    const branch = await plant(world, 'branch', { worktree: false })
    await world.git('branch', branch.branch, 'main')
    await world.git('branch', 'signalbox/merged-0123abcd', 'main')
    const { paths, workspaceId } = await environmentOf(world)
    await registerOwner(paths.owners, { ...deadOwner(), startedAt: 1 })
    const child = markedProcess(`${workspaceId}/pt_unknown/1`)
    await until('the process shows its mark', async () => (await markedProcesses(workspaceId)).includes(child.pid ?? 0))
    try {
      const before = await everything()
      const report = await doctor(world, false)
      expect(await everything()).toEqual(before)
      expect(child.exitCode).toBe(null)
      expect(report.ok).toBe(false)
      const owner = join(paths.owners, (await readdir(paths.owners))[0] ?? '')
      const runs = [clean, worked, dirty, branch].map(({ run }) => `would-remove record run ${run.id}`)
      expect(told(report).filter((line) => !line.includes(' process '))).toEqual(
        [
          ...runs,
          `would-remove record ${owner}`,
          `would-remove worktree ${clean.path}`,
          `would-remove worktree ${worked.path}`,
          `would-remove worktree ${unrecorded.path}`,
          `would-remove branch ${branch.branch}`,
          'would-remove branch signalbox/merged-0123abcd',
          `left branch ${worked.branch}`,
          `left worktree ${dirty.path}`,
        ].sort(),
      )
      expect(
        report.found.some(({ kind, what, action }) => kind === 'process' && what.includes(`${child.pid}`) && action === 'would-remove'),
      ).toBe(true)
      // What it said is what --fix does.
      const fixed = await doctor(world)
      expect(fixed.found.filter(({ action }) => action === 'would-remove')).toEqual([])
      const gone = (lines: readonly string[], action: string): readonly string[] =>
        lines.filter((line) => line.startsWith(`${action} `) && !line.includes(' process ')).map((line) => line.slice(action.length))
      expect(gone(told(fixed), 'removed')).toEqual(
        expect.arrayContaining([...gone(told(report), 'would-remove')].filter((line) => !line.includes(branch.branch))),
      )
      expect(await branchesOf(world)).not.toContain(branch.branch)
    } finally {
      endGroup(child)
    }
  })

  it('leaves a damaged database where it is, and says that --fix puts it aside [LN-11]', async () => {
    const { path } = await plant(world, 'one')
    const { paths } = await environmentOf(world)
    await cp(paths.database, `${paths.database}.copy`)
    await writeFile(paths.database, 'this is no database, but it is long enough to be taken for one'.repeat(100))
    const before = await everything()
    const report = await doctor(world, false)
    expect(await everything()).toEqual(before)
    expect(report.checks.find(({ name }) => name === 'store')).toMatchObject({
      ok: false,
      remedy: expect.stringContaining('--fix') as string,
    })
    expect(told(report)).toEqual([`would-remove worktree ${path}`])
  })

  it('makes neither database nor state directory [ORP-2]', async () => {
    await environmentOf(world)
    expect((await doctor(world, false)).found).toEqual([])
    expect(existsSync(world.stateHome)).toBe(false)
  })
})
