import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startRuntime } from '../../../src/index.ts'
import { makeRepo } from '../../helpers/git-repo.ts'
import { commandOf, eventsOf, type Ground, laneOf, logOf, makeWorld, type World } from './run-kit.ts'

describe('a workspace', () => {
  const refused = async (prepare: (base: string) => Promise<string>): Promise<unknown> => {
    const base = await mkdtemp(join(tmpdir(), 'signalbox-bad-'))
    try {
      const workspace = await prepare(base)
      return await startRuntime({ workspace, stateHome: join(base, 'state') }).then(
        (runtime) => runtime.close(),
        (error: unknown) => error,
      )
    } finally {
      await rm(base, { recursive: true, force: true })
    }
  }
  const init = (base: string, ...more: string[]): string => {
    execFileSync('git', ['init', '-q', ...more, join(base, 'repo')])
    return join(base, 'repo')
  }

  it('that is no git repository is refused, with what to do [LN-10]', async () => {
    const error = await refused(async (base) => base)
    expect(error).toMatchObject({ code: 'ERR_WORKSPACE_NOT_FOUND', message: /not in a git repository; .*git init/u })
  })

  it('that does not exist is refused [LN-10]', async () => {
    expect(await refused(async (base) => join(base, 'nowhere'))).toMatchObject({ code: 'ERR_WORKSPACE_NOT_FOUND', message: /nowhere/u })
  })

  it('that is bare is refused, with what to do [LN-10]', async () => {
    expect(await refused(async (base) => init(base, '--bare'))).toMatchObject({ code: 'ERR_WORKSPACE_BARE', message: /clone of it/u })
  })

  it('without a commit is refused, with what to do [LN-10]', async () => {
    expect(await refused(async (base) => init(base))).toMatchObject({ code: 'ERR_WORKSPACE_NO_COMMITS', message: /first commit/u })
  })

  it('without a git on the PATH is refused, with what to do [LN-10]', async () => {
    const path = process.env['PATH']
    try {
      const error = await refused(async (base) => {
        const repo = init(base)
        await mkdir(join(base, 'empty'))
        process.env['PATH'] = join(base, 'empty')
        return repo
      })
      expect(error).toMatchObject({ code: 'ERR_GIT_MISSING', message: /install git 2\.30/u })
    } finally {
      process.env['PATH'] = path
    }
  })

  it('whose state directory cannot be made is refused with its path [LN-5]', async () => {
    const repo = await makeRepo()
    try {
      await writeFile(join(repo.base, 'file'), '')
      const stateHome = join(repo.base, 'file', 'state')
      await expect(startRuntime({ workspace: repo.root, stateHome })).rejects.toMatchObject({
        name: 'SignalboxError',
        code: 'ERR_STORE_FAILED',
        message: expect.stringContaining(stateHome),
      })
    } finally {
      await repo.cleanup()
    }
  })

  it('whose path has spaces and letters beyond ASCII works, with a lane of commits and one of uncommitted work [LN-10]', async () => {
    const world = await makeWorld({ name: "mein Archiv – ünï “x” 'y' $HOME" })
    try {
      const summary = await world.runtime.run({
        keep: 'never',
        lanes: {
          commits: { commands: [{ name: 'c', run: 'pwd; echo ä > "dätei 1.txt"; git add -A; git commit -q -m "ü"' }] },
          dirty: { commands: ['echo x > "ø ∂.txt"'] },
        },
      })
      expect(summary.ok).toBe(true)
      expect(laneOf(summary, 'commits')).toMatchObject({ commits: 1, worktree: null, uncommitted: [] })
      expect(logOf(summary, 'commits', 'c')).toContain("mein Archiv – ünï “x” 'y' $HOME.lanes/commits-")
      expect(laneOf(summary, 'dirty')).toMatchObject({ uncommitted: ['ø ∂.txt'] })
      expect(existsSync(join(laneOf(summary, 'dirty').worktree ?? '', 'ø ∂.txt'))).toBe(true)
    } finally {
      await world.end()
    }
  })
})

describe('a lane', () => {
  let world: World
  let before: Ground
  beforeAll(async () => {
    world = await makeWorld()
    await world.repo.git('branch', 'other')
  })
  beforeEach(async () => {
    before = await world.ground()
  })
  afterAll(() => world.end())
  afterEach(async () => expect(await world.ground()).toEqual(before))

  it('whose base does not exist fails alone and says so [LN-5][SUP-8]', async () => {
    const summary = await world.runtime.run({
      lanes: { bad: { base: 'no-such-branch', commands: ['true'] }, good: { commands: ['true'] } },
    })
    expect(laneOf(summary, 'bad')).toMatchObject({
      outcome: 'failed',
      worktree: null,
      branch: null,
      reason: /"no-such-branch" names no commit; `git branch -a`/u,
    })
    expect(laneOf(summary, 'good').outcome).toBe('succeeded')
    const { lanes } = await world.records()
    expect(lanes.find(({ name }) => name === 'bad')?.snapshot.state).toBe('closed')
  })

  it('may start from a branch that is checked out elsewhere: it gets a branch of its own [LN-4]', async () => {
    const summary = await world.runtime.run({
      lanes: {
        main: { base: 'main', commands: [{ name: 'show', run: 'git branch --show-current' }] },
        other: { base: 'other', commands: ['true'] },
      },
    })
    expect(summary.ok).toBe(true)
    expect(logOf(summary, 'main', 'show')).toMatch(/^signalbox\/main-[0-9a-z]{8}\n$/u)
  })

  it('whose `copy` names what is not there fails alone, and says what [LN-14][LN-5]', async () => {
    const summary = await world.runtime.run({
      lanes: { bad: { copy: ['.env.missing'], commands: ['true'] }, good: { commands: ['true'] } },
    })
    expect(laneOf(summary, 'bad')).toMatchObject({
      outcome: 'failed',
      worktree: null,
      branch: null,
      reason: /"\.env\.missing".*does not exist/u,
    })
    expect(laneOf(summary, 'good').outcome).toBe('succeeded')
  })

  it('with a command that is not there, or not executable, fails alone and says which [PTY-3][SUP-8]', async () => {
    const handle = await world.runtime.start({
      keep: 'never',
      lanes: {
        missing: { commands: [{ name: 'm', run: ['no-such-program', 'x'] }, 'true'] },
        again: { commands: [{ name: 'm', run: ['./nope'], restart: 'transient', intensity: { restarts: 3, withinMs: 60_000 } }] },
        refused: { commands: [{ name: 'r', run: ['./file-1.txt'] }] },
        shell: { commands: [{ name: 's', run: 'no-such-program' }] },
        good: { commands: ['true'] },
      },
    })
    const summary = await handle.finished
    expect(commandOf(summary, 'missing', 'm')).toMatchObject({
      outcome: 'failed',
      exitCode: null,
      log: null,
      reason: /no command "no-such-program" on the PATH/u,
    })
    expect(commandOf(summary, 'missing', 'true')).toMatchObject({ outcome: 'skipped' })
    expect(commandOf(summary, 'again', 'm')).toMatchObject({ outcome: 'failed', attempts: 1, reason: /no command ".\/nope" in/u })
    expect(commandOf(summary, 'refused', 'r')).toMatchObject({ outcome: 'failed', reason: /not executable/u })
    expect(commandOf(summary, 'shell', 's')).toMatchObject({ outcome: 'failed', exitCode: 127 })
    expect(laneOf(summary, 'good').outcome).toBe('succeeded')
    const errors = (await eventsOf(handle))
      .filter(({ type }) => type === 'pty.error')
      .map(({ payload }) => (payload['error'] as { code: string }).code)
    expect(errors.sort()).toEqual(['ERR_PTY_COMMAND_NOT_EXECUTABLE', 'ERR_PTY_COMMAND_NOT_FOUND', 'ERR_PTY_COMMAND_NOT_FOUND'])
  })

  it('whose worktree vanishes while a command runs ends, and its next command says why it cannot start [PTY-3][LN-6]', async () => {
    const handle = await world.runtime.start({
      keep: 'never',
      lanes: {
        gone: {
          commands: [
            { name: 'rm', run: 'rm -rf "$PWD"; true' },
            { name: 'next', run: 'true' },
          ],
        },
        good: { commands: ['true'] },
      },
    })
    const summary = await handle.finished
    expect(commandOf(summary, 'gone', 'rm').outcome).toBe('succeeded')
    expect(commandOf(summary, 'gone', 'next')).toMatchObject({ outcome: 'failed', reason: /working directory .* does not exist/u })
    expect(laneOf(summary, 'gone')).toMatchObject({ outcome: 'failed', worktree: null, branch: null, reason: /removed by somebody else/u })
    expect(laneOf(summary, 'good').outcome).toBe('succeeded')
  })

  it('whose worktree vanishes before a restart gives up within its intensity [SUP-4][PTY-3]', async () => {
    const handle = await world.runtime.start({
      keep: 'never',
      lanes: {
        gone: {
          commands: [
            {
              name: 'crash',
              run: 'rm -rf "$PWD"; exit 1',
              restart: 'transient',
              intensity: { restarts: 2, withinMs: 60_000 },
              backoff: { minMs: 1, maxMs: 1 },
            },
          ],
        },
      },
    })
    const summary = await handle.finished
    expect(commandOf(summary, 'gone', 'crash')).toMatchObject({
      outcome: 'failed',
      attempts: 3,
      reason: /gave up after 3 attempts .* does not exist/u,
    })
  })

  it('thirty at once leave nothing [LN-12]', async () => {
    const lanes = Object.fromEntries(
      Array.from({ length: 30 }, (_, index) => [
        `l${index}`,
        { commands: [`echo ${index}`, { name: 'quit', run: `exit ${index % 3 === 0 ? 1 : 0}` }] },
      ]),
    )
    const summary = await world.runtime.run({ parallel: 30, keep: 'never', lanes })
    expect(summary.lanes.filter(({ outcome }) => outcome === 'failed')).toHaveLength(10)
    expect(summary.lanes.filter(({ outcome }) => outcome === 'succeeded')).toHaveLength(20)
    expect(existsSync(`${world.repo.root}.lanes`)).toBe(false)
  })

  it('runs twice at once, two runs of one plan in one process, without a collision [LN-12]', async () => {
    const plan = { lanes: { same: { commands: ['sleep 0.3', 'git commit -q --allow-empty -m work'] }, more: { commands: ['true'] } } }
    const [one, two] = await Promise.all([world.runtime.run(plan), world.runtime.run(plan)])
    expect([one.ok, two.ok]).toEqual([true, true])
    expect(laneOf(one, 'same').branch).not.toBe(laneOf(two, 'same').branch)
    for (const summary of [one, two]) await world.repo.git('branch', '-D', laneOf(summary, 'same').branch ?? '')
  })

  it('with a broken set-up of the repository (hook that fails) leaves nothing half-made [LN-5]', async () => {
    const hook = await world.repo.write('.git/hooks/post-checkout', '#!/bin/sh\necho hook says no >&2\nexit 1\n')
    await chmod(hook, 0o755)
    const summary = await world.runtime.run({ keep: 'never', lanes: { hooked: { commands: ['true'] } } })
    await rm(hook)
    expect(laneOf(summary, 'hooked')).toMatchObject({ outcome: 'failed', worktree: null, branch: null, reason: /hook says no/u })
  })
})
