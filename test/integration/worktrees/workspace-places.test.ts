import { existsSync } from 'node:fs'
import { mkdir, readFile, readdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { lanesDirectory, workspaceId } from '../../../src/adapters/git/git-worktrees.adapter.ts'
import type { WorkspaceId } from '../../../src/protocols/ids.ts'
import { makeRepo, type TestRepo } from '../../helpers/git-repo.ts'
import { openRepo } from './open-repo.ts'
import { inProcess } from './run-worker.ts'

const idOf = (number: number): WorkspaceId => `ws_${String(number).padStart(26, '0')}`

let repo: TestRepo
let commonDir: string
beforeEach(async () => {
  repo = await makeRepo()
  commonDir = join(repo.root, '.git')
})
afterEach(() => repo.cleanup())

describe('the id of a workspace', () => {
  it('is made once, and moves with the repository [ID-1]', async () => {
    expect(await workspaceId(commonDir, () => idOf(1))).toBe(idOf(1))
    expect(await workspaceId(commonDir, () => idOf(2))).toBe(idOf(1))
    await rename(repo.root, join(repo.base, 'moved'))
    expect(await workspaceId(join(repo.base, 'moved', '.git'), () => idOf(3))).toBe(idOf(1))
    expect(await readdir(join(repo.base, 'moved', '.git', 'signalbox'))).toEqual(['workspace'])
  })

  it('is the same for all who come first at once, in one process and in two [ID-1]', async () => {
    const here = Array.from({ length: 50 }, (_, number) => workspaceId(commonDir, () => idOf(number)))
    const there = [100, 200].map((offer) => inProcess([{ do: 'id', commonDir, offer: idOf(offer) }]))
    const ids = [...(await Promise.all(here)), ...(await Promise.all(there)).flat().map((answer) => answer.value)]
    expect(new Set(ids).size).toBe(1)
    expect(await readdir(join(commonDir, 'signalbox'))).toEqual(['workspace'])
  })

  it('steps over a damaged file, which stays as it is [ID-1]', async () => {
    await mkdir(join(commonDir, 'signalbox'))
    for (const damaged of ['', 'ws_short\n', 'rn_00000000000000000000000001']) {
      await writeFile(join(commonDir, 'signalbox', 'workspace'), damaged)
      const ids = await Promise.all([1, 2, 3].map((number) => workspaceId(commonDir, () => idOf(number))))
      expect(new Set(ids).size).toBe(1)
      expect(await readFile(join(commonDir, 'signalbox', 'workspace'), 'utf8')).toBe(damaged)
    }
    // Writing the old id back leads to the old state again.
    await writeFile(join(commonDir, 'signalbox', 'workspace'), `${idOf(9)}\n`)
    expect(await workspaceId(commonDir, () => idOf(1))).toBe(idOf(9))
  })
})

describe('the directory of lanes', () => {
  it('lies beside the repository, and is not made by asking [LN-4]', async () => {
    const { workspace } = await openRepo(repo.root)
    expect(await lanesDirectory(workspace, '/data')).toBe(join(repo.base, 'repo.lanes'))
    expect(existsSync(join(repo.base, 'repo.lanes'))).toBe(false)
  })

  it('lies under XDG data where it cannot lie beside, apart for each repository [LN-4]', async () => {
    const { workspace } = await openRepo(repo.root)
    // Also root cannot make a directory there.
    await writeFile(join(repo.base, 'repo.lanes'), 'a file')
    const first = await lanesDirectory(workspace, '/data')
    const second = await lanesDirectory({ ...workspace, commonDir: '/elsewhere/repo/.git' }, '/data')
    expect(first).toMatch(/^\/data\/signalbox\/lanes\/repo-[0-9a-f]{8}$/)
    expect(second).not.toBe(first)
    expect(await lanesDirectory({ ...workspace, root: '/' }, '/data')).toMatch(/^\/data\/signalbox\/lanes\/root-/)
  })
})
