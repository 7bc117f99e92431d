import { chmod, mkdir, readFile, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Worktrees, WorktreeSpec } from '../../../src/ports/worktrees.port.ts'
import { toErrorRecord } from '../../../src/protocols/errors.ts'
import { git, gitTestEnv, makeRepo, realGit, type TestRepo } from '../../helpers/git-repo.ts'
import { openRepo } from './open-repo.ts'
import { inMounts, inProcess, NO_MOUNTS } from './run-worker.ts'

describe('adding a worktree', () => {
  let repo: TestRepo
  let worktrees: Worktrees
  beforeEach(async () => {
    repo = await makeRepo({ name: 'Füße und 日本' })
    worktrees = await openRepo(repo.root)
  })
  afterEach(() => repo.cleanup())

  const spec = (lane: string, more: Partial<WorktreeSpec> = {}): WorktreeSpec => ({
    path: join(repo.base, 'lanes', lane),
    branch: `lanes/${lane}`,
    base: 'main',
    copy: [],
    ...more,
  })
  it('leaves nothing of an entry that git was ended in before it wrote whose it is [LN-5]', async () => {
    await mkdir(join(repo.base, 'bin'))
    const dies = `case "$*" in *"worktree add"*) mkdir -p '${join(repo.root, '.git/worktrees/a')}'; kill -KILL $$;; esac`
    await writeFile(join(repo.base, 'bin', 'git'), `#!/bin/sh\n${dies}\nexec '${await realGit()}' "$@"\n`)
    await chmod(join(repo.base, 'bin', 'git'), 0o755)
    const dying = await openRepo(repo.root, { ...gitTestEnv(), PATH: `${join(repo.base, 'bin')}:${process.env['PATH']}` })
    const before = await ground()
    await expect(dying.add(spec('a'))).rejects.toMatchObject({ code: 'ERR_GIT_FAILED' })
    expect(await ground()).toEqual(before)
  })

  /** Everything that an add may leave: files around the repository, git's entries, refs. */
  const ground = async (): Promise<unknown> => ({
    files: (await readdir(repo.base)).toSorted(),
    entries: await readdir(join(repo.root, '.git', 'worktrees')).catch(() => []),
    refs: await repo.git('for-each-ref'),
    made: await readdir(join(repo.root, '.git', 'signalbox', 'made')).catch(() => []),
  })
  const hook = async (name: string, script: string): Promise<void> => {
    const path = join(repo.root, '.git', 'hooks', name)
    await mkdir(join(repo.root, '.git', 'hooks'), { recursive: true })
    await writeFile(path, `#!/bin/sh\n${script}\n`)
    await chmod(path, 0o755)
  }

  it('works with spaces and non-ASCII letters in paths, and takes the empty directory away again [LN-10] [LN-6]', async () => {
    const before = await ground()
    const added = await worktrees.add(spec('läuft gut', { branch: 'lanes/läuft-日本' }))
    expect(await readFile(join(added.path, 'file-1.txt'), 'utf8')).toBe('text 1\n')
    expect((await worktrees.list())[1]).toMatchObject({ path: added.path, branch: 'lanes/läuft-日本' })
    await worktrees.remove(added)
    expect(await ground()).toEqual(before)
  })

  it('leaves a lanes directory alone that it did not make [LN-6]', async () => {
    await mkdir(join(repo.base, 'lanes'))
    await worktrees.remove(await worktrees.add(spec('a')))
    expect(existsSync(join(repo.base, 'lanes'))).toBe(true)
  })

  it('starts from any name of a commit, and writes pointers of LFS as they are [LN-4] [LN-10]', async () => {
    const pointer = 'version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n'
    await repo.commit('big.bin', pointer)
    await repo.commit('.gitattributes', '*.bin filter=lfs diff=lfs merge=lfs -text\n')
    await repo.git('tag', '-a', 'v1', '-m', 'one')
    const added = await worktrees.add(spec('a', { base: 'v1' }))
    expect(added.baseCommit).toBe((await repo.git('rev-parse', 'v1^{commit}')).trim())
    expect(await readFile(join(added.path, 'big.bin'), 'utf8')).toBe(pointer)
    expect((await worktrees.inspect(added)).uncommitted).toEqual([])
    for (const base of ['HEAD~1', added.baseCommit.slice(0, 10), 'refs/heads/main'])
      expect(await worktrees.resolve(base)).toMatch(/^[0-9a-f]{40}$/)
    for (const base of ['HEAD..main', 'main main', '--all', 'HEAD:big.bin', '\n', 'main\0x']) {
      await expect(worktrees.resolve(base)).rejects.toMatchObject({ code: 'ERR_WORKTREE_BASE_NOT_FOUND' })
    }
  })

  it('leaves nothing when a hook fails, and says what the hook said [LN-5]', async () => {
    await hook('post-checkout', 'echo "no database here" >&2; touch made-by-hook; exit 3')
    const before = await ground()
    const refused = worktrees.add(spec('a'))
    await expect(refused).rejects.toMatchObject({ code: 'ERR_GIT_FAILED', message: expect.stringContaining('no database here') })
    expect(await ground()).toEqual(before)
  })

  it('keeps the commit of a hook that committed and then failed [LN-7]', async () => {
    await hook(
      'post-checkout',
      'test "$SB_INNER" && exit 0; export SB_INNER=1; git -c user.name=x -c user.email=x@example.org commit -q --allow-empty -m hook; exit 1',
    )
    const refused: unknown = await worktrees.add(spec('a')).catch((error: unknown) => error)
    expect(refused).toMatchObject({ code: 'ERR_GIT_FAILED', context: { left: ['branch lanes/a'] } })
    expect(await repo.git('log', '-1', '--format=%s', 'lanes/a')).toBe('hook\n')
    expect(existsSync(join(repo.base, 'lanes'))).toBe(false)
  })

  it('gives hooks no input to wait for [LN-4]', async () => {
    await hook('post-checkout', 'cat > read-by-hook; rm read-by-hook')
    expect((await worktrees.add(spec('a'))).branch).toBe('lanes/a')
  })

  it('leaves nothing when it is aborted in the middle of the check-out [LN-5]', async () => {
    const [begun, ended] = [join(repo.base, 'begun'), join(repo.base, 'ended')]
    // A clean-up that raced with the hook, which writes on after the abort, would leave files.
    await hook(
      'post-checkout',
      `touch '${begun}'; for i in 1 2 3 4 5 6 7 8 9 10; do mkdir -p "$PWD/late" && echo x > "$PWD/late/$i"; sleep 0.05; done; touch '${ended}'`,
    )
    const before = await ground()
    const abort = new AbortController()
    const adding = worktrees.add(spec('a'), abort.signal)
    adding.catch(() => undefined)
    await expect.poll(() => existsSync(begun), { timeout: 20_000, interval: 5 }).toBe(true)
    abort.abort()
    await expect(adding).rejects.toMatchObject({ code: 'ERR_RUN_INTERRUPTED' })
    await expect.poll(() => existsSync(ended), { timeout: 20_000, interval: 5 }).toBe(true)
    await rm(begun)
    await rm(ended)
    expect(await ground()).toEqual(before)
  })

  it('leaves nothing wherever it is aborted [LN-5]', async () => {
    for (let file = 0; file < 300; file += 1) await repo.write(`many/${file}.txt`, `${file}\n`.repeat(200))
    await repo.git('add', '-A')
    await repo.git('commit', '-q', '-m', 'many')
    const before = await ground()
    const outcomes: unknown[] = []
    for (const wait of [0, 2, 5, 9, 14, 20, 27, 35, 45]) {
      const adding = worktrees.add(spec(`a${wait}`), AbortSignal.timeout(wait))
      const outcome = await adding.then(
        (added) => worktrees.remove(added).then((report) => report.kept.join()),
        (error: unknown) => toErrorRecord(error).code,
      )
      outcomes.push(outcome)
      expect(await ground()).toEqual(before)
    }
    expect(new Set([...outcomes, ''])).toEqual(new Set(['ERR_RUN_INTERRUPTED', '']))
  })

  it('does not wait for its turn once it is aborted [LN-5]', async () => {
    const abort = new AbortController()
    const first = worktrees.add(spec('a'))
    const second = worktrees.add(spec('b'), abort.signal)
    abort.abort()
    await expect(second).rejects.toMatchObject({ code: 'ERR_RUN_INTERRUPTED' })
    await first
    expect(await worktrees.list()).toHaveLength(2)
  })

  it.skipIf(NO_MOUNTS !== null)(`leaves nothing on a full disk, and says so [LN-5]${NO_MOUNTS ? ` (${NO_MOUNTS})` : ''}`, async () => {
    await repo.commit('big.bin', 'x'.repeat(3_000_000))
    const before = await ground()
    await mkdir(join(repo.base, 'small'))
    const [answer, listed] = await inMounts(
      'mount -t tmpfs -o size=1m none "$1"',
      [join(repo.base, 'small')],
      [
        { do: 'add', cwd: repo.root, path: join(repo.base, 'small', 'a'), branch: 'lanes/a' },
        { do: 'files', path: join(repo.base, 'small') },
      ],
    )
    expect(answer?.error).toMatchObject({ code: 'ERR_DISK_FULL' })
    expect(listed?.value).toEqual([])
    await rm(join(repo.base, 'small'), { recursive: true })
    expect(await ground()).toEqual(before)
  })

  it.skipIf(NO_MOUNTS !== null)(`says that the place for lanes is read-only [LN-5]${NO_MOUNTS ? ` (${NO_MOUNTS})` : ''}`, async () => {
    await mkdir(join(repo.base, 'ro'))
    const before = await ground()
    const [answer] = await inMounts(
      'mount -t tmpfs -o ro none "$1"',
      [join(repo.base, 'ro')],
      [{ do: 'add', cwd: repo.root, path: join(repo.base, 'ro', 'a'), branch: 'lanes/a' }],
    )
    expect(answer?.error?.code).toBe('ERR_WORKSPACE_READ_ONLY')
    expect(await ground()).toEqual(before)
  })

  it('refuses a path that is missing but registered, and a branch below a branch [LN-5]', async () => {
    await repo.git('worktree', 'add', '-q', '-b', 'x', join(repo.base, 'lanes', 'a'))
    await rm(join(repo.base, 'lanes'), { recursive: true })
    await expect(worktrees.add(spec('a'))).rejects.toMatchObject({ code: 'ERR_WORKTREE_PATH_EXISTS' })
    await expect(worktrees.add(spec('b', { branch: 'main/b' }))).rejects.toMatchObject({ code: 'ERR_WORKTREE_BRANCH_EXISTS' })
    expect((await worktrees.list())[1]).toMatchObject({ missing: true, branch: 'x' })
  })

  it('waits for the lock of another git, then names the file [LN-5]', async () => {
    const lock = join(repo.root, '.git', 'refs', 'heads', 'lanes', 'a.lock')
    await mkdir(join(repo.root, '.git', 'refs', 'heads', 'lanes'), { recursive: true })
    await writeFile(lock, '')
    const hurried = await openRepo(repo.root, undefined, 'hurried')
    await expect(hurried.add(spec('a'))).rejects.toMatchObject({ code: 'ERR_GIT_LOCKED', retryable: true, context: { lock } })
    expect(existsSync(join(repo.base, 'lanes'))).toBe(false)
    const adding = worktrees.add(spec('a'))
    await expect.poll(() => existsSync(join(repo.base, 'lanes', 'a')), { timeout: 20_000, interval: 5 }).toBe(true)
    await rm(lock)
    expect((await adding).branch).toBe('lanes/a')
  })

  it('adds while another git holds the index of the main working tree [LN-10]', async () => {
    await writeFile(join(repo.root, '.git', 'index.lock'), '')
    const added = await worktrees.add(spec('a'))
    expect((await worktrees.remove(added)).worktreeRemoved).toBe(true)
  })

  it('copies files with their mode into directories that it makes [LN-14]', async () => {
    await repo.write('scripts/local/run.sh', '#!/bin/sh\n')
    await chmod(join(repo.root, 'scripts/local/run.sh'), 0o750)
    await symlink('scripts/local/run.sh', join(repo.root, 'alias.sh'))
    const added = await worktrees.add(spec('a', { copy: ['scripts/local/run.sh', './alias.sh'] }))
    expect((await stat(join(added.path, 'scripts/local/run.sh'))).mode & 0o777).toBe(0o750)
    expect(await readFile(join(added.path, 'alias.sh'), 'utf8')).toBe('#!/bin/sh\n')
    expect((await worktrees.inspect(added)).uncommitted).toEqual([])
  })

  it('never copies through a symbolic link out of the repository or out of the lane [LN-14] [Q-5]', async () => {
    await writeFile(join(repo.base, 'secret'), 's')
    await symlink('../secret', join(repo.root, 'link'))
    await symlink(repo.base, join(repo.root, 'up'))
    for (const copy of [['link'], ['up/secret'], ['.git/HEAD'], ['.GIT/HEAD'], ['a/../../secret'], ['file-1.txt/x']]) {
      await expect(worktrees.add(spec('a', { copy }))).rejects.toMatchObject({ code: 'ERR_LANE_COPY_FAILED', context: { file: copy[0] } })
    }
    // The base commit has a link where the main working tree has a directory.
    await mkdir(join(repo.base, 'target'))
    await repo.git('checkout', '-q', '-b', 'tricky')
    await symlink('../../target', join(repo.root, 'conf'))
    await repo.git('add', 'conf')
    await repo.git('commit', '-q', '-m', 'link')
    await repo.git('checkout', '-q', 'main')
    await repo.write('conf/local', 'l')
    const before = await ground()
    await expect(worktrees.add(spec('a', { base: 'tricky', copy: ['conf/local'] }))).rejects.toMatchObject({ code: 'ERR_LANE_COPY_FAILED' })
    expect(await readdir(join(repo.base, 'target'))).toEqual([])
    expect(await ground()).toEqual(before)
  })

  it('brings the ignored files that .worktreeinclude names, as .gitignore names files, and no others [LN-14]', async () => {
    await repo.commit('.gitignore', '.env*\nsecrets/\nbuilt/\n')
    await repo.commit('tracked.txt', 'x')
    await repo.write('.worktreeinclude', '# of every developer\n.env*\n!.env.production\nsecrets/\n*.txt\n../outside\n/etc/passwd\n')
    for (const path of [
      '.env',
      'app/.env.local',
      '.env.production',
      'secrets/deep/key with\nline feed',
      'built/x.txt',
      'built/y.js',
      'own.txt',
    ])
      await repo.write(path, `${path} here`)
    await writeFile(join(repo.base, 'outside'), 'x')
    const added = await worktrees.add(spec('a'))
    const files = (await readdir(added.path, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile() && entry.name !== '.git')
      .map((entry) => join(entry.parentPath, entry.name).slice(added.path.length + 1))
    // `built/x.txt` is named and ignored; `own.txt` is named, and work of the user.
    expect(files.toSorted()).toEqual(
      ['.env', '.gitignore', 'app/.env.local', 'built/x.txt', 'file-1.txt', 'secrets/deep/key with\nline feed', 'tracked.txt'].toSorted(),
    )
    expect((await worktrees.inspect(added)).uncommitted).toEqual([])
    expect(await worktrees.remove(added)).toMatchObject({ worktreeRemoved: true, branchDeleted: true })
  })

  it('follows no link out of the repository that .worktreeinclude names, and takes no other kind of file for it [LN-14] [Q-5]', async () => {
    await repo.commit('.gitignore', 'leak*\n')
    await writeFile(join(repo.base, 'secret'), 'of the machine')
    await symlink(join(repo.base, 'secret'), join(repo.root, 'leak'))
    await repo.write('.worktreeinclude', 'leak\n')
    const before = await ground()
    await expect(worktrees.add(spec('a'))).rejects.toMatchObject({
      code: 'ERR_LANE_COPY_FAILED',
      message: expect.stringContaining('leads out'),
    })
    await symlink(repo.base, join(repo.root, 'leaks'))
    await repo.write('.worktreeinclude', 'leaks\n')
    await expect(worktrees.add(spec('a'))).rejects.toMatchObject({ code: 'ERR_LANE_COPY_FAILED' })
    expect(await ground()).toEqual(before)
    await rm(join(repo.root, '.worktreeinclude'))
    await mkdir(join(repo.root, '.worktreeinclude'))
    await worktrees.add(spec('a'))
  })

  it('refuses to copy more than 10,000 files [LN-14]', async () => {
    await repo.commit('.gitignore', 'many/\n')
    await mkdir(join(repo.root, 'many'))
    for (let from = 0; from <= 10_000; from += 500)
      await Promise.all(Array.from({ length: 500 }, (_, number) => writeFile(join(repo.root, 'many', `${from + number}`), '')))
    await repo.write('.worktreeinclude', 'many/\n')
    await expect(worktrees.add(spec('a'))).rejects.toMatchObject({
      code: 'ERR_LANE_COPY_FAILED',
      message: expect.stringContaining('10500 files'),
    })
  })

  it('adds and removes 20 at once [LN-12]', async () => {
    const before = await ground()
    const names = Array.from({ length: 20 }, (_, number) => `lane-${number}`)
    const added = await Promise.all(names.map((name) => worktrees.add(spec(name))))
    expect(await worktrees.list()).toHaveLength(21)
    const reports = await Promise.all(added.map((worktree) => worktrees.remove(worktree)))
    expect(reports.flatMap((report) => report.kept)).toEqual([])
    expect(await ground()).toEqual(before)
  })

  it('shares a repository with another process that does the same [LN-12]', async () => {
    const before = await ground()
    const job = (name: string) =>
      ({ do: 'cycle', cwd: repo.root, paths: [1, 2, 3, 4, 5].map((n) => join(repo.base, 'lanes', `${name}${n}`)) }) as const
    const answers = await Promise.all(['p', 'q'].map((name) => inProcess([job(name)])))
    expect(answers.flat().map((answer) => answer.error)).toEqual([undefined, undefined])
    expect(await ground()).toEqual(before)
  })

  it('gives one of two processes the path that both want, and the loser destroys nothing [LN-12]', async () => {
    const job = (branch: string) => ({ do: 'add', cwd: repo.root, path: join(repo.base, 'lanes', 'same'), branch }) as const
    const answers = (await Promise.all([inProcess([job('lanes/p')]), inProcess([job('lanes/q')])])).flat()
    expect(answers.filter((answer) => answer.error === undefined)).toHaveLength(1)
    expect(answers.map((answer) => answer.error?.code)).toContain('ERR_WORKTREE_PATH_EXISTS')
    expect(await worktrees.branches('lanes/')).toHaveLength(1)
    expect((await worktrees.list())[1]).toMatchObject({ missing: false })
    expect(await git(join(repo.base, 'lanes', 'same'), 'status', '--porcelain')).toBe('')
  })
})
