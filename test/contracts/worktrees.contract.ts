import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Worktree, Worktrees, WorktreeSpec } from '../../src/ports/worktrees.port.ts'

/**
 * A repository with branch `main` at one commit, whose `.gitignore` names `*.ignored`, and the hands to change it
 * behind the port's back.
 */
export type WorktreesUnderTest = {
  readonly worktrees: Worktrees
  /** A path where a worktree may be added. */
  place(name: string): string
  /** Writes a file in the worktree (or main working tree) at `path`, without committing. */
  write(path: string, file: string, text: string): Promise<void>
  /** Commits everything in it. @returns the commit. */
  commitAll(path: string): Promise<string>
  detachHead(path: string): Promise<void>
  lock(path: string, reason: string): Promise<void>
  /** Deletes the directory by hand. */
  dropDirectory(path: string): Promise<void>
  dispose(): Promise<void>
}

/** What every implementation of the port does. */
export const worktreesContract = (name: string, make: () => Promise<WorktreesUnderTest>): void => {
  describe(`worktrees contract: ${name}`, () => {
    let subject: WorktreesUnderTest
    let worktrees: Worktrees
    beforeEach(async () => {
      subject = await make()
      worktrees = subject.worktrees
    })
    afterEach(() => subject.dispose())

    const spec = (lane: string, more: Partial<WorktreeSpec> = {}): WorktreeSpec => ({
      path: subject.place(lane),
      branch: `lanes/${lane}`,
      base: 'main',
      copy: [],
      ...more,
    })
    const ground = async (): Promise<unknown> => ({ trees: await worktrees.list(), branches: await worktrees.branches('') })
    const failsWith = async (code: string, call: Promise<unknown>): Promise<void> => {
      await expect(call).rejects.toMatchObject({ name: 'SignalboxError', code })
    }
    const mainTree = (): string => worktrees.workspace.root

    it('adds a worktree on a new branch at the base, and lists it [LN-4]', async () => {
      const added = await worktrees.add(spec('a'))
      const base = await worktrees.resolve('main')
      expect(added).toEqual({ path: subject.place('a'), branch: 'lanes/a', baseCommit: base })
      expect(await worktrees.list()).toEqual([
        { path: mainTree(), branch: 'main', head: base, locked: null, missing: false, main: true },
        { path: added.path, branch: 'lanes/a', head: base, locked: null, missing: false, main: false },
      ])
      expect(await worktrees.branches('lanes/')).toEqual([{ name: 'lanes/a', head: base }])
      expect(await worktrees.branches('lan')).toHaveLength(1)
      expect(await worktrees.branches('x')).toEqual([])
    })

    it('removes a worktree without work, and its branch, twice with the same answer [LN-6] [LN-3]', async () => {
      const before = await ground()
      const added = await worktrees.add(spec('a'))
      expect(await worktrees.remove(added)).toEqual({ worktreeRemoved: true, branchDeleted: true, kept: [] })
      expect(await ground()).toEqual(before)
      expect(await worktrees.remove(added)).toEqual({ worktreeRemoved: true, branchDeleted: true, kept: [] })
    })

    it('keeps a branch with commits when its worktree goes, and says so [LN-7]', async () => {
      const added = await worktrees.add(spec('a'))
      await subject.write(added.path, 'new.txt', 'x')
      const head = await subject.commitAll(added.path)
      expect(await worktrees.inspect(added)).toEqual({ commits: 1, uncommitted: [], head })
      const report = await worktrees.remove(added)
      expect(report).toMatchObject({ worktreeRemoved: true, branchDeleted: false })
      expect(report.kept.join()).toContain('lanes/a')
      expect(await worktrees.branches('lanes/')).toEqual([{ name: 'lanes/a', head }])
    })

    it('never removes uncommitted work, and names it [LN-7]', async () => {
      const added = await worktrees.add(spec('a'))
      await subject.write(added.path, 'new file.txt', 'x')
      expect((await worktrees.inspect(added)).uncommitted).toEqual(['new file.txt'])
      const refused = worktrees.remove(added)
      await expect(refused).rejects.toMatchObject({ code: 'ERR_WORKTREE_DIRTY', context: { uncommitted: ['new file.txt'] } })
      expect((await worktrees.inspect(added)).uncommitted).toEqual(['new file.txt'])
      expect(await worktrees.branches('lanes/')).toHaveLength(1)
    })

    it('does not take ignored files for work [LN-7]', async () => {
      const added = await worktrees.add(spec('a'))
      await subject.write(added.path, 'build.ignored', 'x')
      expect((await worktrees.inspect(added)).uncommitted).toEqual([])
      expect((await worktrees.remove(added)).kept).toEqual([])
    })

    it('counts a detached HEAD with commits on no branch as work [LN-7] [LN-10]', async () => {
      const added = await worktrees.add(spec('a'))
      await subject.detachHead(added.path)
      expect((await worktrees.inspect(added)).uncommitted).toEqual([])
      await subject.write(added.path, 'new.txt', 'x')
      const head = await subject.commitAll(added.path)
      const work = await worktrees.inspect(added)
      expect(work).toMatchObject({ commits: 1, head })
      expect(work.uncommitted).toHaveLength(1)
      await failsWith('ERR_WORKTREE_DIRTY', worktrees.remove(added))
      expect((await worktrees.list()).map((entry) => entry.path)).toContain(added.path)
    })

    it('copies files, and takes them for work only once they are changed [LN-14] [LN-7]', async () => {
      await subject.write(mainTree(), 'config/.env', 'A=1')
      await subject.write(mainTree(), 'local.ignored', 'x')
      const added = await worktrees.add(spec('a', { copy: ['config/.env', 'local.ignored'] }))
      expect((await worktrees.inspect(added)).uncommitted).toEqual([])
      await subject.write(added.path, 'config/.env', 'A=2')
      expect((await worktrees.inspect(added)).uncommitted).toEqual(['config/.env'])
      await failsWith('ERR_WORKTREE_DIRTY', worktrees.remove(added))
      await subject.write(added.path, 'config/.env', 'A=1')
      expect(await worktrees.remove(added)).toEqual({ worktreeRemoved: true, branchDeleted: true, kept: [] })
    })

    it.each(['missing.env', '../outside', '/etc/hostname', '.git/config', 'config'])(
      'refuses to copy %j, and leaves nothing [LN-5]',
      async (file) => {
        await subject.write(mainTree(), 'config/.env', 'A=1')
        const before = await ground()
        const refused = worktrees.add(spec('a', { copy: ['config/.env', file] }))
        await expect(refused).rejects.toMatchObject({ code: 'ERR_LANE_COPY_FAILED', context: { file } })
        expect(await ground()).toEqual(before)
      },
    )

    it.each([
      ['ERR_WORKTREE_BASE_NOT_FOUND', { base: 'no-such-base' }],
      ['ERR_WORKTREE_BASE_NOT_FOUND', { base: '--help' }],
      ['ERR_WORKTREE_BASE_NOT_FOUND', { base: '' }],
      ['ERR_WORKTREE_BRANCH_INVALID', { branch: '--force' }],
      ['ERR_WORKTREE_BRANCH_INVALID', { branch: 'two words' }],
      ['ERR_WORKTREE_BRANCH_INVALID', { branch: '' }],
      ['ERR_WORKTREE_BRANCH_CHECKED_OUT', { branch: 'main' }],
    ] as const)('refuses with %s for %j, and leaves nothing [LN-5]', async (code, more) => {
      const before = await ground()
      await failsWith(code, worktrees.add(spec('a', more)))
      expect(await ground()).toEqual(before)
    })

    it('refuses a branch that exists and a path that exists, and leaves both as they were [LN-5]', async () => {
      const first = await worktrees.add(spec('a'))
      await subject.write(first.path, 'new.txt', 'x')
      const before = await ground()
      await failsWith('ERR_WORKTREE_PATH_EXISTS', worktrees.add(spec('a', { branch: 'lanes/other' })))
      await failsWith('ERR_WORKTREE_BRANCH_CHECKED_OUT', worktrees.add(spec('b', { branch: 'lanes/a' })))
      expect(await ground()).toEqual(before)
      await subject.commitAll(first.path)
      await worktrees.remove(first)
      await failsWith('ERR_WORKTREE_BRANCH_EXISTS', worktrees.add(spec('c', { branch: 'lanes/a' })))
    })

    it('leaves nothing when it was aborted before it began [LN-5]', async () => {
      const before = await ground()
      await failsWith('ERR_RUN_INTERRUPTED', worktrees.add(spec('a'), AbortSignal.abort()))
      expect(await ground()).toEqual(before)
    })

    it('leaves a locked worktree alone [LN-10]', async () => {
      const added = await worktrees.add(spec('a'))
      await subject.lock(added.path, 'on a stick')
      expect((await worktrees.list())[1]).toMatchObject({ locked: 'on a stick' })
      await failsWith('ERR_WORKTREE_LOCKED', worktrees.remove(added))
      expect(await worktrees.list()).toHaveLength(2)
    })

    it('forgets a worktree whose directory was deleted by hand, and no other [LN-11]', async () => {
      const gone = await worktrees.add(spec('gone'))
      const other = await worktrees.add(spec('other'))
      await subject.dropDirectory(gone.path)
      await subject.dropDirectory(other.path)
      expect((await worktrees.list()).map((entry) => entry.missing)).toEqual([false, true, true])
      await failsWith('ERR_WORKTREE_NOT_FOUND', worktrees.inspect(gone))
      expect(await worktrees.remove(gone)).toEqual({ worktreeRemoved: true, branchDeleted: true, kept: [] })
      expect((await worktrees.list()).map((entry) => entry.path)).toEqual([mainTree(), other.path])
    })

    it('inspects only worktrees of this repository [LN-10]', async () => {
      const stranger: Worktree = { path: subject.place('never-added'), branch: 'main', baseCommit: await worktrees.resolve('main') }
      await failsWith('ERR_WORKTREE_NOT_FOUND', worktrees.inspect(stranger))
    })

    it('deletes a branch only at the given commit, merged elsewhere and checked out nowhere [LN-7]', async () => {
      const added = await worktrees.add(spec('a'))
      const base = added.baseCommit
      expect(await worktrees.deleteBranchIfMerged('lanes/a', base)).toBe(false)
      await subject.write(added.path, 'new.txt', 'x')
      const head = await subject.commitAll(added.path)
      await worktrees.remove(added)
      expect(await worktrees.deleteBranchIfMerged('lanes/a', base)).toBe(false)
      expect(await worktrees.deleteBranchIfMerged('lanes/a', head)).toBe(false)
      expect(await worktrees.deleteBranchIfMerged('no-such-branch', head)).toBe(false)
      const second = await worktrees.add(spec('b', { base: 'lanes/a' }))
      expect(await worktrees.deleteBranchIfMerged('lanes/a', head)).toBe(true)
      expect((await worktrees.branches('lanes/')).map((branch) => branch.name)).toEqual(['lanes/b'])
      // Now lanes/b is all that holds that commit, though it is its base.
      expect(await worktrees.remove(second)).toMatchObject({ worktreeRemoved: true, branchDeleted: false })
      expect(await worktrees.branches('lanes/')).toEqual([{ name: 'lanes/b', head }])
    })
  })
}
