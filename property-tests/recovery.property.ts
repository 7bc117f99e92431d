import { EventEmitter } from 'node:events'
import { createHash } from 'node:crypto'
import { chmod, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect } from 'vitest'
import type * as Ours from '../src/adapters/git/git-recovery.adapter.ts'
import { openRecovery } from '../src/adapters/git/git-recovery.adapter.ts'
import { systemClock } from '../src/adapters/system/system-clock.adapter.ts'
import { systemRandom } from '../src/adapters/system/system-random.adapter.ts'
import type { SaveSpec } from '../src/ports/recovery.port.ts'
import { type Property, property } from '../src/testing/property.ts'
import { git, gitTestEnv, makeRepo, type TestRepo } from '../test/helpers/git-repo.ts'
import { makePausingGit, type PausingGit } from '../test/helpers/pausing-git.ts'
import { ignoredFiles, look } from '../test/integration/worktrees/look.ts'
import { openRepo } from '../test/integration/worktrees/open-repo.ts'
import { type Mutant, withMutantSources } from './engine.ts'
import type { Planted, Proven } from './proven.ts'
import { type Act, acts, perform } from './recovery-acts.ts'
import { RECOVERY_BUGS, RECOVERY_COPY } from './recovery-bugs.ts'

const DRAWN = 12

export type Tree = {
  /** What is under way before anything else is done. */
  readonly history: { readonly amended: boolean; readonly stashes: number; readonly detached: boolean; readonly merging: boolean }
  readonly acts: readonly Act[]
  /** Done once it was saved, before it is looked at again. */
  readonly meanwhile: Act | null
  /** Whether the removal stops half-way, and is asked for again. */
  readonly interrupted: boolean
  /** Whether ignored files are asked for. */
  readonly ignored: boolean
}

const trees: fc.Arbitrary<Tree> = fc.record({
  history: fc.record({
    amended: fc.boolean(),
    stashes: fc.integer({ min: 0, max: 2 }),
    detached: fc.boolean(),
    merging: fc.boolean(),
  }),
  acts: fc.array(acts, { minLength: 1, maxLength: 40, size: 'max' }),
  meanwhile: fc.option(acts, { freq: 2 }),
  interrupted: fc.boolean(),
  ignored: fc.boolean(),
})

const BRANCH = 'lanes/a'

/** A repository of somebody with work of his own in it, and a branch that conflicts with what a lane does. */
const makeHis = async (): Promise<TestRepo> => {
  const repo = await makeRepo({ name: 'his “repo” mit Lücken', commits: 0 })
  const { root } = repo
  await repo.write('.gitattributes', '*.txt text eol=crlf\n*.id ident\n')
  await repo.write('.gitignore', '*.ignored\nbuilt/\n')
  for (const name of ['file-1.txt', 'file-2.txt', 'file-3.txt', 'dir/inside']) await repo.write(name, `text of ${name}\n`)
  await repo.write('a.id', '$Id$\n')
  await chmod(await repo.write('run', '#!/bin/sh\n'), 0o755)
  await symlink('file-1.txt', join(root, 'link'))
  await repo.git('add', '.')
  await repo.git('commit', '-qm', 'begin')
  await repo.git('checkout', '-qb', 'theirs')
  await repo.write('file-1.txt', 'theirs\n')
  await repo.git('commit', '-qam', 'theirs')
  await repo.git('checkout', '-q', 'main')
  await repo.git('config', 'branch.theirs.description', 'his')
  await repo.git('worktree', 'add', '-q', '-b', 'his', join(repo.base, 'his worktree'))
  await writeFile(join(repo.base, 'his worktree', 'untracked'), 'his')
  await repo.write('file-2.txt', 'staged by him\n')
  await repo.git('add', 'file-2.txt')
  await repo.write('file-2.txt', 'and changed\n')
  await repo.write('untracked', 'his')
  await repo.write('a.ignored', 'his')
  await repo.git('status')
  return repo
}

/** All that is his and no lane's. */
const hisOf = async ({ root, base }: TestRepo): Promise<unknown> => {
  const lines = async (keep: (line: string) => boolean, ...args: readonly string[]): Promise<readonly string[]> =>
    (await git(root, '--no-optional-locks', ...args)).split('\0').filter(keep)
  const isHis = (line: string): boolean => !/refs\/(?:heads\/lanes|signalbox|stash)/u.test(line)
  return {
    index: createHash('sha256')
      .update(await readFile(join(root, '.git', 'index')))
      .digest('hex'),
    refs: (await git(root, 'for-each-ref')).split('\n').filter(isHis),
    config: await lines((line) => !line.startsWith(`branch.${BRANCH}.`), 'config', '--local', '--list', '-z'),
    trees: await Promise.all(
      [root, join(base, 'his worktree')].map((path) => look(path, 'main').then((seen) => ({ ...seen, stashes: '', kept: '' }))),
    ),
  }
}

/** The lane, with what is under way in it. */
const begin = async (path: string, { amended, stashes, detached, merging }: Tree['history']): Promise<void> => {
  await git(path, 'config', `branch.${BRANCH}.description`, 'two\nlines')
  if (amended) for (const act of ['commit', 'amend'] as const) await perform(path, { act })
  for (let count = 0; count < stashes; count += 1) {
    await writeFile(join(path, 'file-3.txt'), `stashed ${count}\n`)
    await perform(path, { act: 'stash' })
  }
  if (detached) for (const act of ['detach', 'commit'] as const) await perform(path, { act })
  if (merging) {
    await writeFile(join(path, 'file-1.txt'), 'ours\n')
    await git(path, 'commit', '-qam', 'ours')
    await perform(path, { act: 'merge' })
  }
  await writeFile(join(path, 'file-2.txt'), 'only staged\n')
  await perform(path, { act: 'add', at: 'file-2.txt' })
  await writeFile(join(path, 'file-2.txt'), 'written since\n')
}

/** Paths below, without what objects are kept in. */
const filesBelow = async (top: string): Promise<readonly string[]> =>
  (await readdir(top, { recursive: true }))
    .filter((path) => !/^(?:objects\/(?:[0-9a-f]{2}|pack|info)|logs|refs)(?:\/|$)/u.test(path))
    .toSorted()

const TEMPORARY = /\.lock$|\.keep$|(?:^|\/)tmp_|fast_import_crash/u

/** Nothing of the lane is left but what is saved. */
const expectGone = async (
  { root, base }: TestRepo,
  before: { readonly git: readonly string[]; readonly base: readonly string[] },
): Promise<void> => {
  expect(await readdir(base)).toEqual(before.base)
  expect(await git(root, 'for-each-ref', 'refs/heads/lanes')).toBe('')
  expect(await git(root, 'config', '--local', '--list')).not.toContain(BRANCH)
  expect((await filesBelow(join(root, '.git'))).filter((path) => !before.git.includes(path))).toEqual(['signalbox'])
  expect((await readdir(join(root, '.git'), { recursive: true })).filter((path) => TEMPORARY.test(path))).toEqual([])
}

/** What no ref holds does not survive this; stashes are dropped as somebody may. */
const collect = async ({ root }: TestRepo): Promise<void> => {
  await git(root, 'stash', 'clear')
  await git(root, 'reflog', 'expire', '--expire=now', '--expire-unreachable=now', '--all')
  await git(root, 'gc', '-q', '--prune=now')
}

type Parts = Pick<typeof Ours, 'openRecovery'>

const putAway = async (
  recovery: ReturnType<Parts['openRecovery']>,
  spec: SaveSpec,
  tree: Tree,
  pausing: PausingGit | null,
): Promise<unknown> => {
  const { path } = spec.worktree
  const seen = (): Promise<unknown> => look(path, BRANCH, [], { ignored: tree.ignored })
  let before = await seen()
  const ending = recovery.putAway(spec)
  ending.catch(() => undefined)
  if (tree.meanwhile !== null && (await pausing?.reached(ending)) === true) {
    await perform(path, tree.meanwhile)
    before = await seen()
    await pausing?.goOn()
  }
  if (tree.interrupted) {
    await expect(ending).rejects.toMatchObject({ code: 'ERR_GIT_FAILED' })
    expect(await recovery.putAway(spec)).toEqual({ worktreeRemoved: true, branchDeleted: true, kept: [] })
  } else expect(await ending).toEqual({ worktreeRemoved: true, branchDeleted: true, kept: [] })
  return before
}

const comesBack =
  (parts: Parts) =>
  async (tree: Tree): Promise<void> => {
    const repo = await makeHis()
    try {
      const pausing =
        tree.meanwhile === null && !tree.interrupted
          ? null
          : await makePausingGit(join(repo.base, 'bin'), { pauses: tree.meanwhile !== null, interrupts: tree.interrupted })
      const environment = { ...gitTestEnv(), ...(pausing !== null && { PATH: `${pausing.directory}:${process.env['PATH']}` }) }
      const worktrees = await openRepo(repo.root)
      const { workspace } = worktrees
      const there = { git: await filesBelow(join(repo.root, '.git')), base: await readdir(repo.base) }
      const worktree = await worktrees.add({ path: join(repo.base, 'lanes', 'a b'), branch: BRANCH, base: 'main', copy: [] })
      const { path } = worktree
      await begin(path, tree.history)
      for (const done of tree.acts) await perform(path, done)
      const his = await hisOf(repo)

      const recovery = parts.openRecovery(workspace, { clock: systemClock, random: systemRandom, environment })
      const spec: SaveSpec = { id: 'ln_1', name: 'a', worktree, origin: { base: 'main' }, ignored: tree.ignored }
      const before = await putAway(recovery, spec, tree, pausing)
      await expectGone(repo, there)
      expect(await hisOf(repo)).toEqual(his)

      await collect(repo)
      expect(await recovery.restore('ln_1')).toEqual(worktree)
      if (!tree.ignored) expect([...(await ignoredFiles(path))]).toEqual([])
      expect(await look(path, BRANCH, [], { ignored: tree.ignored })).toEqual(before)
      // Every object that index, HEAD and reflog name is there.
      expect(await git(path, 'fsck', '--connectivity-only', '--no-dangling')).toBe('')
      await recovery.forget('ln_1')
      expect(await git(repo.root, 'for-each-ref', 'refs/signalbox')).toBe('')
    } finally {
      await repo.cleanup()
    }
  }

const recoveryProperty = (parts: Parts): Property<Tree> =>
  property(
    'whatever was done in a lane, it is back after it was saved, removed and the repository collected; nothing is left meanwhile, nothing else is touched [LN-7]',
    trees,
    comesBack(parts),
    { runs: DRAWN },
  )

const planted = (mutant: Mutant): Planted<Tree> => ({
  name: mutant.name,
  with: (use) => {
    // Each copy listens to every child, see spawn-guard.ts.
    EventEmitter.defaultMaxListeners = 100
    return withMutantSources(mutant, async (load) => use(recoveryProperty(await load<Parts>('adapters/git/git-recovery.adapter.ts'))))
  },
})

export const lanesBroughtBack: Proven<Tree> = {
  ...recoveryProperty({ openRecovery }),
  area: 'lane',
  bugs: RECOVERY_BUGS.map(planted),
  control: planted(RECOVERY_COPY),
}
