import { chmod, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/adapters/system/system-clock.adapter.ts'
import { systemRandom } from '../../../src/adapters/system/system-random.adapter.ts'
import { openRecovery } from '../../../src/adapters/git/git-recovery.adapter.ts'
import type { Recovery, SaveSpec } from '../../../src/ports/recovery.port.ts'
import type { Worktree, Worktrees } from '../../../src/ports/worktrees.port.ts'
import { git, gitTestEnv, makeRepo, type TestRepo } from '../../helpers/git-repo.ts'
import { makePausingGit } from '../../helpers/pausing-git.ts'
import { filesOf, look } from './look.ts'
import { openRepo } from './open-repo.ts'

const EMPTY_BLOB = 'e69de29bb2d1d6434b8b29ae775ad8c2e48c5391'

let repo: TestRepo
let worktrees: Worktrees
let recovery: Recovery

beforeEach(async () => {
  repo = await makeRepo({ name: 'a repo — mit Lücken', commits: 3 })
  worktrees = await openRepo(repo.root)
  recovery = openRecovery(worktrees.workspace, { clock: systemClock, random: systemRandom, environment: gitTestEnv() })
})
afterEach(() => repo.cleanup())

const lane = (name = 'a'): Promise<Worktree> =>
  worktrees.add({ path: join(repo.base, 'lanes', name), branch: `lanes/${name}`, base: 'main', copy: [] })
const spec = (worktree: Worktree, more: Partial<SaveSpec> = {}): SaveSpec => ({
  id: 'ln_1',
  name: 'a',
  worktree,
  origin: { base: 'main' },
  ignored: false,
  ...more,
})

/** Nothing that is not held by a ref survives this. */
const collect = async (): Promise<void> => {
  await repo.git('reflog', 'expire', '--expire=now', '--expire-unreachable=now', '--all')
  await repo.git('gc', '-q', '--prune=now')
  expect(await repo.git('fsck', '--no-dangling')).toBe('')
}

/** Saved, removed, collected, brought back: the same. */
const roundTrip = async (worktree: Worktree, more: Partial<SaveSpec> = {}, submodules: readonly string[] = []): Promise<void> => {
  const before = await look(worktree.path, worktree.branch, submodules)
  expect(await recovery.putAway(spec(worktree, more))).toEqual({ worktreeRemoved: true, branchDeleted: true, kept: [] })
  expect(await worktrees.list()).toHaveLength(1)
  expect(await worktrees.branches('lanes/')).toEqual([])
  await collect()
  expect(await recovery.restore('ln_1')).toEqual(worktree)
  expect(await look(worktree.path, worktree.branch, submodules)).toEqual(before)
}

describe('what a lane holds is saved when it is removed, and brought back', () => {
  it('staged and unstaged changes of one file, untracked, deleted, executable, links, names of any bytes [LN-7]', async () => {
    const worktree = await lane()
    const { path } = worktree
    await writeFile(join(path, 'file-1.txt'), 'staged\n')
    await git(path, 'add', 'file-1.txt')
    await writeFile(join(path, 'file-1.txt'), 'staged\nand more\n')
    await git(path, 'rm', '-q', '--cached', 'file-2.txt')
    await rm(join(path, 'file-3.txt'))
    await writeFile(join(path, 'staged only.txt'), 'x')
    await git(path, 'add', 'staged only.txt')
    await rm(join(path, 'staged only.txt'))
    await writeFile(join(path, 'meant.txt'), 'to be added')
    await git(path, 'add', '--intent-to-add', 'meant.txt')
    await writeFile(join(path, 'run'), '#!/bin/sh\n')
    await chmod(join(path, 'run'), 0o755)
    await writeFile(join(path, 'secret'), 'token')
    await chmod(join(path, 'secret'), 0o600)
    await writeFile(join(path, 'read only'), 'x')
    await chmod(join(path, 'read only'), 0o444)
    await symlink('no/where', join(path, 'dangling'))
    await symlink('file-1.txt', join(path, 'a link'))
    await mkdir(join(path, 'deep', 'er'), { recursive: true })
    await mkdir(join(path, 'empty', 'inside'), { recursive: true })
    await writeFile(join(path, 'deep', 'er', 'line\nbreak "and" \\ slash'), 'x')
    await writeFile(Buffer.concat([Buffer.from(`${path}/not utf-8 `), Buffer.from([0xff, 0xfe, 0x80])]), 'x')
    await writeFile(join(path, '-dash'), '')
    for (const name of ['constructor', 'toString', '__proto__']) await writeFile(join(path, name), name)
    await writeFile(join(path, 'binary'), Buffer.from(Array.from({ length: 300_000 }, (_, index) => index % 251)))
    await roundTrip(worktree)
  })

  it('commits, a branch with an upstream, and commits that only the reflog reaches', async () => {
    const worktree = await lane()
    const { path } = worktree
    await writeFile(join(path, 'one'), '1')
    await git(path, 'add', '.')
    await git(path, 'commit', '-qm', 'one')
    await git(path, 'config', `branch.${worktree.branch}.description`, 'two\nlines')
    await git(path, 'commit', '-q', '--amend', '-m', 'amended')
    const amended = (await git(path, 'rev-parse', 'HEAD@{1}')).trim()
    const before = await look(path, worktree.branch)
    await recovery.putAway(spec(worktree))
    await collect()
    expect(await git(repo.root, 'cat-file', '-t', amended)).toBe('commit\n')
    await recovery.restore('ln_1')
    expect(await look(path, worktree.branch)).toEqual(before)
  })

  it('ignored files only when asked for', async () => {
    await repo.commit('.gitignore', '*.ignored\nbuilt/\n')
    const worktree = await lane()
    await mkdir(join(worktree.path, 'built', 'deep'), { recursive: true })
    await writeFile(join(worktree.path, 'built', 'deep', 'x'), 'x')
    await writeFile(join(worktree.path, 'a.ignored'), 'x')
    await roundTrip(worktree, { ignored: true })
    await recovery.putAway(spec(worktree))
    await recovery.restore('ln_1')
    expect(await filesOf(Buffer.from(worktree.path))).not.toContainEqual(expect.stringContaining('ignored '))
  })

  it('a conflict in progress', async () => {
    const worktree = await lane()
    const { path } = worktree
    await writeFile(join(path, 'file-1.txt'), 'ours\n')
    await git(path, 'commit', '-qam', 'ours')
    await repo.commit('file-1.txt', 'theirs\n')
    await expect(git(path, 'merge', 'main')).rejects.toMatchObject({ stdout: expect.stringContaining('CONFLICT') })
    await writeFile(join(path, 'file-2.txt'), 'also\n')
    await roundTrip(worktree)
    await writeFile(join(path, 'file-1.txt'), 'both\n')
    await git(path, 'commit', '-qam', 'merged')
    expect((await git(path, 'rev-list', '--parents', '-1', 'HEAD')).split(' ')).toHaveLength(3)
  })

  it('a rebase that stopped', async () => {
    const worktree = await lane()
    const { path } = worktree
    for (const text of ['one', 'two']) {
      await writeFile(join(path, 'file-1.txt'), `${text}\n`)
      await git(path, 'commit', '-qam', text)
    }
    await repo.commit('file-1.txt', 'theirs\n')
    await expect(git(path, 'rebase', 'main')).rejects.toMatchObject({ stdout: expect.stringContaining('CONFLICT') })
    const before = await look(path, worktree.branch)
    const kept = await recovery.putAway(spec(worktree))
    expect(kept.worktreeRemoved).toBe(true)
    await collect()
    await recovery.restore('ln_1')
    expect(await look(path, worktree.branch)).toEqual(before)
    await git(path, 'rebase', '--abort')
    expect(await readFile(join(path, 'file-1.txt'), 'utf8')).toBe('two\n')
  })

  it('stashes that were made there, though somebody dropped them since', async () => {
    const worktree = await lane()
    const { path } = worktree
    for (const text of ['one', 'two']) {
      await writeFile(join(path, 'file-1.txt'), `${text}\n`)
      await git(path, 'stash', 'push', '-q', ...(text === 'two' ? ['-m', 'mine'] : []))
    }
    const before = await git(path, 'stash', 'list', '--format=%H %gs')
    await roundTrip(worktree)
    await recovery.putAway(spec(worktree))
    await repo.git('stash', 'clear')
    await collect()
    await recovery.restore('ln_1')
    expect(await git(path, 'stash', 'list', '--format=%H %gs')).toBe(before)
  })

  it('a detached HEAD, and a branch without commits', async () => {
    const worktree = await lane()
    const { path } = worktree
    await git(path, 'checkout', '-q', '--detach')
    await writeFile(join(path, 'loose'), 'x')
    await git(path, 'add', '.')
    await git(path, 'commit', '-qm', 'on no branch')
    await roundTrip(worktree)
    await git(path, 'checkout', '-q', '--orphan', 'lanes/new')
    await roundTrip(worktree)
  })

  it('files as their bytes are, whatever git would convert', async () => {
    await repo.commit('.gitattributes', '*.txt text eol=crlf\n*.id ident\n')
    await repo.commit('a.id', '$Id$\n')
    const worktree = await lane()
    await writeFile(join(worktree.path, 'file-1.txt'), 'only a line feed\n')
    await writeFile(join(worktree.path, 'file-2.txt'), 'text 2\n')
    await roundTrip(worktree)
  })

  it.each([
    ['what is staged', (path: string) => git(path, 'update-index', '--cacheinfo', `100644,${EMPTY_BLOB},file-2.txt`)],
    ['an empty directory', (path: string) => mkdir(join(path, 'empty'))],
    ['permissions', (path: string) => chmod(join(path, 'file-1.txt'), 0o600)],
    ['a commit on no branch', (path: string) => git(path, 'commit', '-q', '--allow-empty', '-m', 'meanwhile')],
  ])('what changes while it is saved: %s [LN-7]', async (_what, change) => {
    const worktree = await lane()
    await git(worktree.path, 'checkout', '-q', '--detach')
    await git(worktree.path, 'hash-object', '-w', '/dev/null')
    const pausing = await makePausingGit(join(repo.base, 'bin'), { pauses: true, interrupts: false })
    const environment = { ...gitTestEnv(), PATH: `${pausing.directory}:${process.env['PATH']}` }
    const saving = openRecovery(worktrees.workspace, { clock: systemClock, random: systemRandom, environment }).putAway(spec(worktree))
    expect(await pausing.reached(saving)).toBe(true)
    await change(worktree.path)
    const before = await look(worktree.path, worktree.branch)
    await pausing.goOn()
    expect(await saving).toMatchObject({ worktreeRemoved: true, branchDeleted: true })
    await collect()
    await recovery.restore('ln_1')
    expect(await look(worktree.path, worktree.branch)).toEqual(before)
  })

  it('files that git was told not to look at', async () => {
    const worktree = await lane()
    const { path } = worktree
    await git(path, 'update-index', '--assume-unchanged', 'file-1.txt')
    await git(path, 'update-index', '--skip-worktree', 'file-2.txt')
    await writeFile(join(path, 'file-1.txt'), 'hidden\n')
    await writeFile(join(path, 'file-2.txt'), 'hidden too\n')
    await roundTrip(worktree)
  })

  it('a sparse check-out', async () => {
    await repo.commit('in/a.txt', 'a')
    await repo.commit('out/b.txt', 'b')
    const worktree = await lane()
    await git(worktree.path, 'sparse-checkout', 'set', 'in')
    await writeFile(join(worktree.path, 'in', 'a.txt'), 'changed')
    await roundTrip(worktree)
    expect(await readdir(worktree.path)).not.toContain('out')
  })

  it('a submodule with local commits and changes', async () => {
    const other = await makeRepo({ name: 'other' })
    try {
      await repo.git('submodule', '--quiet', 'add', other.root, 'libs/sub')
      await repo.git('commit', '-qm', 'with a submodule')
      const worktree = await lane()
      const inside = join(worktree.path, 'libs', 'sub')
      await git(worktree.path, 'submodule', '--quiet', 'update', '--init')
      await git(inside, 'checkout', '-q', '-b', 'local')
      await writeFile(join(inside, 'local.txt'), 'local')
      await git(inside, 'add', '.')
      await git(inside, 'commit', '-qm', 'local commit')
      await writeFile(join(inside, 'file-1.txt'), 'stashed')
      await git(inside, 'stash', '-q')
      await writeFile(join(inside, 'file-1.txt'), 'changed')
      await writeFile(join(inside, 'untracked'), 'x')
      await roundTrip(worktree, {}, ['libs/sub'])
      await git(inside, 'commit', '-qam', 'goes on')
    } finally {
      await other.cleanup()
    }
  })

  it('a repository of sha256 objects', async () => {
    await repo.cleanup()
    repo = await makeRepo({ commits: 0 })
    await rm(join(repo.root, '.git'), { recursive: true })
    await git(repo.root, 'init', '-q', '-b', 'main', '--object-format=sha256')
    await repo.commit('file-1.txt', 'x')
    worktrees = await openRepo(repo.root)
    recovery = openRecovery(worktrees.workspace, { clock: systemClock, random: systemRandom, environment: gitTestEnv() })
    const worktree = await lane()
    await writeFile(join(worktree.path, 'file-1.txt'), 'changed')
    await roundTrip(worktree)
  })
})

describe('what else must not be lost', () => {
  it('the reflog of the branch, and modes of directories', async () => {
    const worktree = await lane()
    const { path } = worktree
    await git(path, 'commit', '-q', '--allow-empty', '-m', 'one')
    const one = (await git(path, 'rev-parse', 'HEAD')).trim()
    await git(path, 'reset', '-q', '--hard', 'HEAD~1')
    await mkdir(join(path, 'private', 'deep'), { recursive: true })
    await writeFile(join(path, 'private', 'deep', 'x'), 'x')
    await chmod(join(path, 'private', 'deep'), 0o500)
    await chmod(join(path, 'private'), 0o700)
    await mkdir(join(path, 'open'))
    await chmod(join(path, 'open'), 0o777)
    const log = await git(path, 'reflog', 'show', '--format=%H %gs', worktree.branch)
    await recovery.putAway(spec(worktree))
    await recovery.restore('ln_1')
    await recovery.forget('ln_1')
    expect(await git(path, 'reflog', 'show', '--format=%H %gs', worktree.branch)).toBe(log)
    expect(await git(repo.root, 'cat-file', '-t', one)).toBe('commit\n')
    const modes = await Promise.all(['private', 'private/deep', 'open'].map(async (name) => (await stat(join(path, name))).mode & 0o777))
    expect(modes).toEqual([0o700, 0o500, 0o777])
  })

  it('settings of another branch whose name begins so', async () => {
    const worktree = await lane('v1')
    await repo.git('branch', 'lanes/v1.2')
    await repo.git('config', 'branch.lanes/v1.2.description', 'of another')
    await git(worktree.path, 'config', 'branch.lanes/v1.description', 'own')
    const before = (await repo.git('config', '--local', '--list')).split('\n').toSorted()
    await recovery.putAway(spec(worktree))
    await recovery.restore('ln_1')
    expect((await repo.git('config', '--local', '--list')).split('\n').toSorted()).toEqual(before)
  })

  it('submodule commits of a worktree whose directory is gone: neither way of removal takes them along', async () => {
    const other = await makeRepo({ name: 'other' })
    await repo.git('submodule', '--quiet', 'add', other.root, 'sub')
    await repo.git('commit', '-qm', 'with a submodule')
    const worktree = await lane()
    await git(worktree.path, 'submodule', '--quiet', 'update', '--init')
    await other.cleanup()
    await git(join(worktree.path, 'sub'), 'commit', '-q', '--allow-empty', '-m', 'local')
    await rm(worktree.path, { recursive: true })
    await expect(recovery.putAway(spec(worktree))).rejects.toMatchObject({ code: 'ERR_WORKTREE_NOT_FOUND' })
    await expect(worktrees.remove(worktree)).rejects.toMatchObject({
      code: 'ERR_WORKTREE_DIRTY',
      message: expect.stringContaining('no remote has'),
    })
  })

  it('what a ref holds that signalbox did not write leads nowhere', async () => {
    const worktree = await lane()
    await writeFile(join(worktree.path, 'work'), 'x')
    await recovery.putAway(spec(worktree))
    const ref = 'refs/signalbox/recovery/ln_1'
    const note = JSON.parse(await repo.git('show', `${ref}:lane.json`)) as object
    const blob = (await repo.git('rev-parse', `${ref}:worktree/work`)).trim()
    const write = async (text: string): Promise<string> => {
      await writeFile(join(repo.base, 'text'), text)
      return (await repo.git('hash-object', '-w', join(repo.base, 'text'))).trim()
    }
    const tree = async (...rows: string[]): Promise<string> => {
      const raw = rows.map((row) => {
        const [mode = '', oid = '', name = ''] = row.split(' ')
        return Buffer.concat([Buffer.from(`${mode} ${name}\0`), Buffer.from(oid, 'hex')])
      })
      await writeFile(join(repo.base, 'tree'), Buffer.concat(raw))
      return (await repo.git('hash-object', '-w', '-t', 'tree', '--literally', join(repo.base, 'tree'))).trim()
    }
    const hostile = async (inside: string, changed: object = {}): Promise<void> => {
      const lines = [`100644 ${await write(JSON.stringify({ ...note, ...changed }))} lane.json`, `40000 ${inside} worktree`]
      await repo.git('update-ref', ref, (await repo.git('commit-tree', '-m', 'x', await tree(...lines))).trim())
      await expect(recovery.restore('ln_1')).rejects.toMatchObject({
        code: 'ERR_SAVED_NOT_FOUND',
        message: expect.stringContaining('was not written by signalbox'),
      })
      expect((await readdir(repo.base)).toSorted()).toEqual(['a repo — mit Lücken', 'text', 'tree'].toSorted())
      expect(await worktrees.list()).toHaveLength(1)
    }
    await hostile(await tree(`40000 ${await tree(`100644 ${blob} pwned`)} ..`))
    await hostile(await tree(`40000 ${await tree(`100644 ${blob} config`)} .git`))
    await hostile(await tree(`120000 ${await write(repo.base)} a`, `40000 ${await tree(`100644 ${blob} pwned`)} a`))
    await hostile(await tree(`100644 ${blob} fine`), { empty: ['../../pwned'] })
    await hostile(await tree(`100644 ${blob} fine`), { modules: [{ path: 'fine', gitDir: '../../pwned' }] })
  })
})

describe('what cannot be saved, or brought back, stays as it is', () => {
  const stays = async (worktree: Worktree, code: string, text: RegExp): Promise<void> => {
    const before = await filesOf(Buffer.from(worktree.path))
    for (const call of [recovery.check(spec(worktree)), recovery.putAway(spec(worktree))])
      await expect(call).rejects.toMatchObject({ code, message: expect.stringMatching(text) })
    expect(await filesOf(Buffer.from(worktree.path))).toEqual(before)
    expect(await worktrees.branches('lanes/')).toHaveLength(1)
  }

  it('a repository inside, a locked worktree', async () => {
    const worktree = await lane()
    await mkdir(join(worktree.path, 'deep', 'own'), { recursive: true })
    await git(join(worktree.path, 'deep', 'own'), 'init', '-q')
    await stays(worktree, 'ERR_SAVE_REFUSED', /"deep\/own" is a repository of its own/u)
    await rm(join(worktree.path, 'deep'), { recursive: true })
    // Ignored or not: with the worktree it would be gone.
    await writeFile(join(repo.root, '.git', 'info', 'exclude'), '/vendor/\n/.worktrees/\n')
    await mkdir(join(worktree.path, 'vendor', 'own'), { recursive: true })
    await git(join(worktree.path, 'vendor', 'own'), 'init', '-q')
    await stays(worktree, 'ERR_SAVE_REFUSED', /"vendor\/own" is a repository of its own/u)
    await rm(join(worktree.path, 'vendor'), { recursive: true })
    await git(worktree.path, 'worktree', 'add', '-q', '--detach', join(worktree.path, '.worktrees', 'x'))
    await stays(worktree, 'ERR_SAVE_REFUSED', /\.worktrees\/x is another worktree/u)
    await git(worktree.path, 'worktree', 'remove', join(worktree.path, '.worktrees', 'x'))
    await git(repo.root, 'worktree', 'lock', '--reason', 'on a stick', worktree.path)
    await stays(worktree, 'ERR_WORKTREE_LOCKED', /on a stick/u)
  })

  it('a place or a branch that is taken meanwhile', async () => {
    const worktree = await lane()
    await writeFile(join(worktree.path, 'work'), 'x')
    await recovery.putAway(spec(worktree))
    await expect(recovery.restore('ln_2')).rejects.toMatchObject({ code: 'ERR_SAVED_NOT_FOUND' })
    await mkdir(worktree.path, { recursive: true })
    await writeFile(join(worktree.path, 'of somebody else'), '')
    await expect(recovery.restore('ln_1')).rejects.toMatchObject({ code: 'ERR_WORKTREE_PATH_EXISTS' })
    await rm(worktree.path, { recursive: true })
    await repo.git('branch', worktree.branch, 'main~1')
    await expect(recovery.restore('ln_1')).rejects.toMatchObject({ code: 'ERR_WORKTREE_BRANCH_EXISTS' })
    expect(await worktrees.list()).toHaveLength(1)
    await repo.git('branch', '-D', worktree.branch)
    await recovery.restore('ln_1')
    expect(await readFile(join(worktree.path, 'work'), 'utf8')).toBe('x')
  })

  it('is listed until it is forgotten', async () => {
    const worktree = await lane()
    await writeFile(join(worktree.path, 'work'), 'x')
    await recovery.putAway(spec(worktree))
    expect(await recovery.list()).toMatchObject([
      { id: 'ln_1', name: 'a', worktree, commits: 0, uncommitted: ['work'], origin: { base: 'main' } },
    ])
    for (const _ of [1, 2]) await recovery.forget('ln_1')
    expect(await recovery.list()).toEqual([])
    await expect(recovery.restore('ln_1')).rejects.toMatchObject({ code: 'ERR_SAVED_NOT_FOUND' })
    expect(await repo.git('for-each-ref', 'refs/signalbox')).toBe('')
  })
})
