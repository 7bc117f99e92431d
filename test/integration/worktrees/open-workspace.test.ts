import { chmod, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { git, gitTestEnv, makeRepo, type TestRepo } from '../../helpers/git-repo.ts'
import { openRepo } from './open-repo.ts'
import { inMounts, inProcess, NO_MOUNTS } from './run-worker.ts'

describe('opening a workspace', () => {
  let repo: TestRepo
  let other: string
  beforeEach(async () => {
    repo = await makeRepo()
    other = await realpath(await mkdtemp(join(tmpdir(), 'signalbox-open-')))
  })
  afterEach(async () => {
    await repo.cleanup()
    await rm(other, { recursive: true, force: true })
  })

  const expected = (): unknown => ({ root: repo.root, commonDir: join(repo.root, '.git'), branch: 'main' })

  it('finds the repository from its top, a sub-directory and a symbolic link to it [LN-10]', async () => {
    await mkdir(join(repo.root, 'deep', 'down'), { recursive: true })
    await symlink(join(repo.root, 'deep'), join(other, 'link'))
    expect((await openRepo(repo.root)).workspace).toEqual(expected())
    expect((await openRepo(join(repo.root, 'deep', 'down'))).workspace).toEqual(expected())
    expect((await openRepo(join(other, 'link'))).workspace).toEqual(expected())
  })

  it('finds the main working tree from a linked worktree [LN-10]', async () => {
    await repo.git('worktree', 'add', '-q', '-b', 'feature', join(other, 'linked'))
    await mkdir(join(other, 'linked', 'sub'))
    expect((await openRepo(join(other, 'linked', 'sub'))).workspace).toEqual(expected())
  })

  it('finds a repository whose path has spaces and non-ASCII letters [LN-10]', async () => {
    const odd = await makeRepo({ name: 'Füße und 日本 $(x) "q"' })
    try {
      await odd.git('worktree', 'add', '-q', '-b', 'feature', join(odd.base, 'neben bei'))
      const workspace = (await openRepo(join(odd.base, 'neben bei'))).workspace
      expect(workspace).toEqual({ root: odd.root, commonDir: join(odd.root, '.git'), branch: 'main' })
    } finally {
      await odd.cleanup()
    }
  })

  it('takes a submodule for a repository of its own, also from its worktree [LN-10]', async () => {
    const outer = await makeRepo({ name: 'outer' })
    try {
      await outer.git('submodule', 'add', '-q', repo.root, 'inner')
      const inner = { root: join(outer.root, 'inner'), commonDir: join(outer.root, '.git', 'modules', 'inner'), branch: 'main' }
      expect((await openRepo(inner.root)).workspace).toEqual(inner)
      await git(inner.root, 'worktree', 'add', '-q', '-b', 'x', join(other, 'inner-x'))
      const worktrees = await openRepo(join(other, 'inner-x'))
      expect(worktrees.workspace).toEqual(inner)
      expect((await worktrees.list()).map((entry) => entry.path)).toEqual([inner.root, join(other, 'inner-x')])
    } finally {
      await outer.cleanup()
    }
  })

  it('takes the present worktree for the root where the repository itself is bare [LN-10]', async () => {
    const bare = join(other, 'repo.git')
    await git(other, 'clone', '-q', '--bare', repo.root, bare)
    await git(bare, 'worktree', 'add', '-q', join(other, 'wt'), 'main')
    expect((await openRepo(join(other, 'wt'))).workspace).toEqual({ root: join(other, 'wt'), commonDir: bare, branch: 'main' })
  })

  it('reads a detached HEAD as no branch [LN-10]', async () => {
    await repo.git('checkout', '-q', '--detach')
    expect((await openRepo(repo.root)).workspace.branch).toBeNull()
  })

  it('refuses what is no repository, or is not there [LN-10]', async () => {
    await expect(openRepo(other)).rejects.toMatchObject({ code: 'ERR_WORKSPACE_NOT_FOUND' })
    await expect(openRepo(join(other, 'missing'))).rejects.toMatchObject({ code: 'ERR_WORKSPACE_NOT_FOUND' })
    await expect(openRepo(join(repo.root, '.git'))).rejects.toMatchObject({ code: 'ERR_WORKSPACE_NOT_FOUND' })
  })

  it('refuses a bare repository [LN-10]', async () => {
    await git(other, 'init', '-q', '--bare', 'bare.git')
    await expect(openRepo(join(other, 'bare.git'))).rejects.toMatchObject({ code: 'ERR_WORKSPACE_BARE' })
  })

  it('refuses a repository without commits, but not an unborn branch beside others [LN-10]', async () => {
    await git(other, 'init', '-q', '-b', 'main', 'empty')
    await expect(openRepo(join(other, 'empty'))).rejects.toMatchObject({ code: 'ERR_WORKSPACE_NO_COMMITS' })
    await repo.git('checkout', '-q', '--orphan', 'unborn')
    expect((await openRepo(repo.root)).workspace.branch).toBe('unborn')
  })

  it('refuses when no git is on the PATH [LN-10]', async () => {
    const call = openRepo(repo.root, { ...gitTestEnv(), PATH: other })
    await expect(call).rejects.toMatchObject({ code: 'ERR_GIT_MISSING' })
  })

  it.each([
    ['git version 2.29.9', 'ERR_GIT_TOO_OLD'],
    ['git version 1.8.3.1', 'ERR_GIT_TOO_OLD'],
    ['nonsense', 'ERR_GIT_TOO_OLD'],
  ])('refuses a git that says %j [LN-10]', async (says, code) => {
    await writeFile(join(other, 'git'), `#!/bin/sh\necho '${says}'\n`)
    await chmod(join(other, 'git'), 0o755)
    await expect(openRepo(repo.root, { ...gitTestEnv(), PATH: `${other}:${process.env['PATH']}` })).rejects.toMatchObject({ code })
  })

  it('is not redirected by GIT_* variables of the caller [LN-10]', async () => {
    const env = {
      ...gitTestEnv(),
      GIT_DIR: join(other, 'nowhere'),
      GIT_WORK_TREE: other,
      GIT_INDEX_FILE: join(other, 'index'),
      EDITOR: 'false',
      PREFIX: '/x',
    }
    expect((await openRepo(repo.root, env)).workspace).toEqual(expected())
  })

  it.skipIf(NO_MOUNTS !== null)(`refuses a repository on a read-only mount [LN-10]${NO_MOUNTS ? ` (${NO_MOUNTS})` : ''}`, async () => {
    const readOnly = 'mount --bind "$1" "$1"; mount -o remount,ro,bind "$1"'
    const answers = await inMounts(
      readOnly,
      [repo.base],
      [
        { do: 'open', cwd: repo.root },
        { do: 'id', commonDir: join(repo.root, '.git'), offer: 'ws_01J9ZC3K6Q4WZP2J9ZC3K6Q4WZ' },
      ],
    )
    expect(answers.map((answer) => answer.error?.code)).toEqual(['ERR_WORKSPACE_READ_ONLY', 'ERR_WORKSPACE_READ_ONLY'])
    expect((await inProcess([{ do: 'open', cwd: repo.root }]))[0]?.value).toEqual(expected())
  })
})
