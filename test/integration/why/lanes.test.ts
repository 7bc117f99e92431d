import { mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { lasting, noted } from '../run/run-kit.ts'
import { makeWhyWorld, type WhyWorld } from './why-kit.ts'

let world: WhyWorld
beforeEach(async () => void (world = await makeWhyWorld()))
afterEach(() => world.end())

const install = { name: 'install', graceMs: 0, run: lasting('up') }
const run = async (lanes: object): Promise<void> => void (await (await world.start({ keep: 'never', lanes })).finished)

/** Holds the lock of the branch of the lane that begins next. @returns releases it */
const lockItsBranch = (): (() => void) => {
  let path = ''
  const next = ({ payload }: { readonly payload: unknown }): void => {
    const { branch } = payload as { readonly branch: string }
    path = join(world.repo.root, '.git/refs/heads', `${branch}.lock`)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, '')
    // Later than the event that told of the lane, whatever the clock of the file system.
    const at = new Date(Date.now() + 5)
    utimesSync(path, at, at)
  }
  world.runtime.bus.subscribe({ topics: ['lane.created'] }, { next, gap: () => undefined })
  return () => rmSync(path)
}

describe('why, of a lane', () => {
  it('that waits for another: for which, and what that is doing [SUP-9]', async () => {
    const lanes = { parser: { commands: [install] }, docs: { after: ['parser'], commands: ['true'] } }
    const { stop } = await world.start({ keep: 'never', lanes })
    await noted(world, 'up')
    await world.askUntil('parser/install', 'running')
    expect(await world.said('lane-after', 'docs')).toMatch(
      /^It waits for lane parser, which its plan puts before it.*install: It runs as process/u,
    )
    stop('the test')
  })

  it('that was skipped: what the lane before it failed with [SUP-9]', async () => {
    await run({
      parser: { commands: [{ name: 'test', run: "echo '3 tests failed'; exit 7" }] },
      docs: { after: ['parser'], commands: ['true'] },
    })
    expect(await world.said('lane-skipped', 'docs')).toMatch(
      /lane parser,.*ended as failed\. .*command test failed\. It failed with exit code 7/u,
    )
  })

  it('that waits for a free place: who has it [SUP-9]', async () => {
    const { stop } = await world.start({
      keep: 'never',
      parallel: 1,
      lanes: { parser: { commands: [install] }, docs: { commands: ['true'] } },
    })
    await noted(world, 'up')
    await world.askUntil('parser/install', 'running')
    expect(await world.said('lane-parallel', 'docs')).toContain('the place is taken by parser')
    stop('the test')
  })

  it('whose git waits for a lock: the file, and what frees it [LN-5, SUP-9]', async () => {
    const release = lockItsBranch()
    const { finished } = await world.start({ keep: 'never', lanes: { parser: { commands: ['true'] } } })
    const answer = await world.askUntil('parser', 'stuck')
    release()
    expect(await world.said('git-lock', 'parser', answer)).toMatch(
      /another git holds the lock .*\.git\/refs\/heads\/signalbox\/parser-\w+\.lock$/u,
    )
    expect((await finished).outcome).toBe('succeeded')
  })

  it('whose git got no lock: the file [LN-5, SUP-9]', async () => {
    const release = lockItsBranch()
    await run({ parser: { commands: ['true'] } })
    release()
    expect(await world.said('git-lock-failed', 'parser')).toMatch(/another git process holds a lock.*parser-\w+\.lock/u)
  })

  it('whose base is missing: its name [LN-5, SUP-9]', async () => {
    await run({ parser: { base: 'feature/lexer', commands: ['true'] } })
    expect(await world.said('base-missing', 'parser')).toContain('The base "feature/lexer" names no commit')
  })

  it('whose files cannot be copied: which [SUP-9]', async () => {
    await run({ parser: { copy: ['.env'], commands: ['true'] } })
    expect(await world.said('copy-missing', 'parser')).toContain('.env')
  })

  it('of its own whose worktree somebody removed: that it is gone, and how to let go of it [LN-7, SUP-9]', async () => {
    const { id, worktree } = await world.runtime.lanes.create({ name: 'fix', by: 'ada' })
    expect((await world.ask('fix')).summary).toBe('Its worktree is there; nothing runs in it.')
    rmSync(worktree.path, { recursive: true })
    const { remedies, next } = await world.ask('fix')
    expect(next).toBeNull()
    expect(remedies.map(({ command }) => command)).toEqual(['signalbox lane rm fix'])
    expect(await world.said('worktree-gone', 'fix')).toMatch(/^Its worktree .*fix-\w+ is gone: somebody removed it/u)
    const terminal = { laneId: id, command: 'true' }
    await expect(world.runtime.terminals.spawn(terminal, 'ada')).rejects.toMatchObject({ code: 'ERR_PTY_CWD_NOT_FOUND' })
    expect(await world.runtime.lanes.remove(id, 'ada')).toMatchObject({ outcome: 'succeeded' })
  })

  it('whose worktree is still there: why [LN-7, SUP-9]', async () => {
    await run({ parser: { commands: ['echo x > notes.txt'] } })
    expect(await world.said('work-kept', 'parser')).toContain(
      'Every command succeeded. Worktree kept: it holds 1 uncommitted file (notes.txt)',
    )
  })
})
