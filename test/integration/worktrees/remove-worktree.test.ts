import { existsSync } from 'node:fs'
import { chmod, mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Worktree, Worktrees } from '../../../src/ports/worktrees.port.ts'
import { git, gitTestEnv, makeRepo, realGit, type TestRepo } from '../../helpers/git-repo.ts'
import { openRepo } from './open-repo.ts'

describe('removing a worktree', () => {
  let repo: TestRepo
  let worktrees: Worktrees
  beforeEach(async () => {
    repo = await makeRepo({ commits: 2 })
    worktrees = await openRepo(repo.root)
  })
  afterEach(() => repo.cleanup())

  const add = (lane: string, copy: readonly string[] = []): Promise<Worktree> =>
    worktrees.add({ path: join(repo.base, 'lanes', lane), branch: `lanes/${lane}`, base: 'main', copy })
  const adminOf = (lane: string): string => join(repo.root, '.git', 'worktrees', lane)
  const refusesFor = async (worktree: Worktree, work: string | RegExp): Promise<void> => {
    const uncommitted = expect.arrayContaining([expect.stringMatching(work)])
    expect((await worktrees.inspect(worktree)).uncommitted).toEqual(uncommitted)
    await expect(worktrees.remove(worktree)).rejects.toMatchObject({ code: 'ERR_WORKTREE_DIRTY', context: { uncommitted } })
    expect(existsSync(worktree.path)).toBe(true)
  }

  it('names changed, staged, deleted and untracked files as they are, line feeds included [LN-7]', async () => {
    const added = await add('a')
    const odd = 'with\nline feed and "quotes" ä'
    await mkdir(join(added.path, 'new directory'))
    await writeFile(join(added.path, 'new directory', odd), 'x')
    await writeFile(join(added.path, 'file-1.txt'), 'changed')
    await rm(join(added.path, 'file-2.txt'))
    await writeFile(join(added.path, 'staged.txt'), 'x')
    await git(added.path, 'add', 'staged.txt')
    const { uncommitted } = await worktrees.inspect(added)
    expect(uncommitted.toSorted()).toEqual(['file-1.txt', 'file-2.txt', `new directory/${odd}`, 'staged.txt'])
    await refusesFor(added, /line feed/)
  })

  it('sees untracked files though the configuration hides them [LN-7]', async () => {
    await repo.git('config', 'status.showUntrackedFiles', 'no')
    const added = await add('a')
    await writeFile(join(added.path, 'new.txt'), 'x')
    await refusesFor(added, 'new.txt')
  })

  it('lists at most 1,000 files, and still keeps all [LN-7]', async () => {
    const added = await add('a')
    await Promise.all(Array.from({ length: 1_100 }, (_, number) => writeFile(join(added.path, `new-${number}`), '')))
    expect((await worktrees.inspect(added)).uncommitted).toHaveLength(1_000)
    await refusesFor(added, 'new-1')
  })

  it('sees a renamed file that is staged [LN-7]', async () => {
    const added = await add('a')
    await git(added.path, 'mv', 'file-1.txt', 'renamed file.txt')
    expect((await worktrees.inspect(added)).uncommitted.toSorted()).toEqual(['file-1.txt', 'renamed file.txt'])
  })

  it('sees changes hidden by assume-unchanged and skip-worktree [LN-7]', async () => {
    const added = await add('a')
    await git(added.path, 'update-index', '--assume-unchanged', 'file-1.txt')
    await git(added.path, 'update-index', '--skip-worktree', 'file-2.txt')
    expect((await worktrees.inspect(added)).uncommitted).toEqual([])
    await writeFile(join(added.path, 'file-1.txt'), 'changed')
    await refusesFor(added, 'file-1.txt')
    await git(added.path, 'update-index', '--no-assume-unchanged', 'file-1.txt')
    await git(added.path, 'checkout', 'file-1.txt')
    await writeFile(join(added.path, 'file-2.txt'), 'changed')
    await refusesFor(added, 'file-2.txt')
  })

  it('keeps a worktree in which a merge or a rebase is under way [LN-7]', async () => {
    const added = await add('a')
    await writeFile(join(added.path, 'file-1.txt'), 'lane\n')
    await git(added.path, 'commit', '-qam', 'lane')
    await repo.commit('file-1.txt', 'main\n')
    await expect(git(added.path, 'rebase', 'main')).rejects.toThrow('rebase')
    await git(added.path, 'checkout', '--ours', '--', 'file-1.txt')
    await git(added.path, 'add', 'file-1.txt')
    await refusesFor(added, /rebase in progress/)
    // Its branch is not checked out while it is rebased, and must stay all the same.
    const head = (await repo.git('rev-parse', 'lanes/a')).trim()
    await repo.git('branch', 'copy', 'lanes/a')
    expect(await worktrees.deleteBranchIfMerged('lanes/a', head)).toBe(false)
    await git(added.path, 'rebase', '--abort')
    await git(added.path, 'merge', '-q', '--no-commit', '-s', 'ours', 'main')
    await refusesFor(added, /merge in progress/)
    await git(added.path, 'merge', '--abort')
    expect((await worktrees.remove(added)).worktreeRemoved).toBe(true)
  })

  it('names the lock that a git in the worktree holds, and keeps the worktree [LN-10]', async () => {
    const added = await add('a')
    const lock = join(adminOf('a'), 'index.lock')
    await writeFile(lock, '')
    const hurried = await openRepo(repo.root, undefined, 'hurried')
    await expect(hurried.remove(added)).rejects.toMatchObject({ code: 'ERR_GIT_LOCKED', context: { lock } })
    await rm(lock)
    expect((await worktrees.remove(added)).worktreeRemoved).toBe(true)
  })

  it('leaves a directory whose .git file is gone, with what is in it [LN-7] [LN-11]', async () => {
    const added = await add('a')
    await writeFile(join(added.path, 'new.txt'), 'x')
    await rm(join(added.path, '.git'))
    await expect(worktrees.inspect(added)).rejects.toMatchObject({ code: 'ERR_WORKTREE_NOT_FOUND' })
    const report = await worktrees.remove(added)
    expect(report).toMatchObject({ worktreeRemoved: false, branchDeleted: false })
    expect(report.kept.join()).toContain(added.path)
    expect(existsSync(join(added.path, 'new.txt'))).toBe(true)
  })

  it('never takes the repository around it for the worktree [LN-7]', async () => {
    const inside = { path: join(repo.root, '.signalbox', 'a'), branch: 'lanes/a', base: 'main', copy: [] }
    const added = await worktrees.add(inside)
    await rm(join(added.path, '.git'))
    await expect(worktrees.inspect(added)).rejects.toMatchObject({ code: 'ERR_WORKTREE_NOT_FOUND' })
    expect((await worktrees.remove(added)).worktreeRemoved).toBe(false)
    expect(existsSync(join(repo.root, 'file-1.txt'))).toBe(true)
  })

  it('does not touch the entries of other worktrees that are missing [LN-11]', async () => {
    const stick = await add('stick')
    const added = await add('a')
    await rename(stick.path, `${stick.path}-unmounted`)
    await worktrees.remove(added)
    await rename(`${stick.path}-unmounted`, stick.path)
    expect((await worktrees.inspect(stick)).uncommitted).toEqual([])
  })

  it('keeps commits of a missing worktree that no branch holds [LN-7]', async () => {
    const added = await add('a')
    await git(added.path, 'checkout', '-q', '--detach')
    await git(added.path, 'commit', '-q', '--allow-empty', '-m', 'loose')
    await rm(added.path, { recursive: true })
    await expect(worktrees.remove(added)).rejects.toMatchObject({ code: 'ERR_WORKTREE_DIRTY' })
    expect(await readdir(join(repo.root, '.git', 'worktrees'))).toEqual(['a'])
  })

  it('puts copies back when git refuses the removal after all [LN-7] [LN-14]', async () => {
    await repo.write('.env', 'A=1')
    await repo.write('file-2.txt', 'local\n')
    const added = await add('a', ['.env', 'file-2.txt'])
    expect((await worktrees.inspect(added)).uncommitted).toEqual([])
    // Somebody writes a file between our look and git's own.
    const late = join(added.path, 'late.txt')
    const script = `case "$*" in *"worktree remove"*) echo late > '${late}';; esac\nexec '${await realGit()}' "$@"`
    await mkdir(join(repo.base, 'bin'))
    await writeFile(join(repo.base, 'bin', 'git'), `#!/bin/sh\n${script}\n`)
    await chmod(join(repo.base, 'bin', 'git'), 0o755)
    const refusing = await openRepo(repo.root, { ...gitTestEnv(), PATH: `${join(repo.base, 'bin')}:${process.env['PATH']}` })
    await expect(refusing.remove(added)).rejects.toMatchObject({ code: 'ERR_WORKTREE_DIRTY', context: { uncommitted: ['late.txt'] } })
    expect(await readFile(late, 'utf8')).toBe('late\n')
    await rm(late)
    expect(await readFile(join(added.path, '.env'), 'utf8')).toBe('A=1')
    expect(await readFile(join(added.path, 'file-2.txt'), 'utf8')).toBe('local\n')
    expect(await worktrees.remove(added)).toEqual({ worktreeRemoved: true, branchDeleted: true, kept: [] })
  })

  it('takes a copy that was staged for work [LN-7] [LN-14]', async () => {
    await repo.write('.env', 'A=1')
    const added = await add('a', ['.env'])
    await git(added.path, 'add', '.env')
    await refusesFor(added, '.env')
  })

  it('deletes the upstream settings of a branch with it [LN-6]', async () => {
    await git(repo.base, 'clone', '-q', '--bare', repo.root, 'remote.git')
    await repo.git('remote', 'add', 'origin', join(repo.base, 'remote.git'))
    const added = await add('a')
    await git(added.path, 'push', '-q', '-u', 'origin', 'lanes/a')
    await worktrees.remove(added)
    expect(await readFile(join(repo.root, '.git', 'config'), 'utf8')).not.toContain('lanes/a')
  })

  it('deletes the branch in a check-out of CI that has no refs at all [LN-6]', async () => {
    await repo.git('checkout', '-q', '--detach')
    await repo.git('branch', '-q', '-D', 'main')
    const added = await worktrees.add({ path: join(repo.base, 'lanes', 'a'), branch: 'lanes/a', base: 'HEAD', copy: [] })
    expect(await worktrees.remove(added)).toEqual({ worktreeRemoved: true, branchDeleted: true, kept: [] })
  })

  it('leaves a branch that moved to another worktree [LN-7]', async () => {
    const added = await add('a')
    await git(added.path, 'checkout', '-q', '-b', 'own')
    await repo.git('worktree', 'add', '-q', join(repo.base, 'second'), 'lanes/a')
    const report = await worktrees.remove(added)
    expect(report).toMatchObject({ worktreeRemoved: true, branchDeleted: false })
    expect(report.kept.join()).toContain(join(repo.base, 'second'))
  })

  it('keeps a worktree that lies inside another, though it is ignored [LN-7]', async () => {
    const outer = await add('a')
    await writeFile(join(repo.root, '.git', 'info', 'exclude'), 'inner\n')
    await git(outer.path, 'worktree', 'add', '-q', '-b', 'inner', join(outer.path, 'inner'))
    await refusesFor(outer, /worktree .*inner/)
  })

  describe('when git was killed in the middle of it', () => {
    /** A git whose `worktree remove` deletes some and is then killed, the first time. */
    const withGitThatDies = async (deletes: string): Promise<Worktrees> => {
      await mkdir(join(repo.base, 'bin'))
      const once = join(repo.base, 'bin', 'once')
      const script = `case "$*" in *"worktree remove"*) mkdir '${once}' 2>/dev/null && { ${deletes}; kill -KILL $$; };; esac`
      await writeFile(join(repo.base, 'bin', 'git'), `#!/bin/sh\n${script}\nexec '${await realGit()}' "$@"\n`)
      await chmod(join(repo.base, 'bin', 'git'), 0o755)
      return openRepo(repo.root, { ...gitTestEnv(), PATH: `${join(repo.base, 'bin')}:${process.env['PATH']}` })
    }
    const clean = { worktreeRemoved: true, branchDeleted: true, kept: [] }

    it.each([
      ['nothing', ':'],
      ['some files', "rm 'A/file-1.txt'"],
      ['the .git file', "rm 'A/.git' 'A/file-1.txt'"],
      ['all but the directory', "rm -r 'A'/* 'A/.git'"],
      ['the directory', "rm -r 'A'"],
      ['the directory and half of its entry', "rm -r 'A' && rm 'E/gitdir' 'E/HEAD'"],
      ['the directory and its entry', "rm -r 'A' 'E'"],
    ])('takes the removal up again after it deleted %s [LN-6]', async (_what, deletes) => {
      await repo.write('.env', 'A=1')
      const added = await add('a', ['.env'])
      const script = deletes.replaceAll("'A", `'${added.path}`).replaceAll("'E", `'${adminOf('a')}`)
      const dying = await withGitThatDies(script)
      expect(await dying.remove(added)).toEqual(clean)
      expect(existsSync(added.path)).toBe(false)
      expect(await readdir(join(repo.root, '.git', 'worktrees')).catch(() => [])).toEqual([])
    })

    it('keeps what was written since [LN-7]', async () => {
      const added = await add('a')
      const dying = await withGitThatDies(`rm '${added.path}/.git' '${added.path}/file-1.txt'; echo x > '${added.path}/late'`)
      await expect(dying.remove(added)).rejects.toMatchObject({
        code: 'ERR_WORKTREE_DIRTY',
        context: { uncommitted: ['file-1.txt', 'late'] },
      })
      expect(existsSync(join(added.path, 'late'))).toBe(true)
    })
  })

  describe('with a submodule', () => {
    let library: TestRepo
    beforeEach(async () => {
      library = await makeRepo({ name: 'library' })
      await repo.git('submodule', 'add', '-q', library.root, 'lib')
      await repo.git('commit', '-q', '-m', 'submodule')
    })
    afterEach(() => library.cleanup())

    it('removes it when it was never initialised, or holds nothing of its own [LN-10] [LN-6]', async () => {
      expect((await worktrees.remove(await add('a'))).kept).toEqual([])
      const added = await add('b')
      await git(added.path, 'submodule', 'update', '-q', '--init')
      expect(existsSync(join(added.path, 'lib', 'file-1.txt'))).toBe(true)
      expect(await worktrees.remove(added)).toEqual({ worktreeRemoved: true, branchDeleted: true, kept: [] })
      expect(await readdir(repo.base)).toEqual(['repo'])
    })

    it('keeps changes and commits inside the submodule [LN-7] [LN-10]', async () => {
      const added = await add('a')
      await git(added.path, 'submodule', 'update', '-q', '--init')
      const lib = join(added.path, 'lib')
      await writeFile(join(lib, 'new.txt'), 'x')
      await refusesFor(added, 'lib')
      await git(lib, 'checkout', '-q', '-b', 'side')
      await git(lib, 'add', '-A')
      await git(lib, 'commit', '-q', '-m', 'side')
      await git(lib, 'checkout', '-q', '--detach', 'HEAD~1')
      expect(await git(added.path, 'status', '--porcelain')).toBe('')
      await refusesFor(added, /submodule lib: 1 commits/)
    })
  })
})
