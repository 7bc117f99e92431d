import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { commandOf, eventsOf, type Ground, laneOf, lasting, lines, logOf, makeWorld, noted, type World } from './run-kit.ts'

let world: World
let before: Ground

beforeAll(async () => {
  world = await makeWorld({
    env: { SIGNALBOX_MARK: 'ws_of/somebody/else', SIGNALBOX_LANE: 'outer', FROM_CALLER: 'caller', SHARED: 'caller' },
    prepare: async (repo) => {
      await repo.commit('.gitignore', 'ignored/\n.env\n')
      await repo.write('.env', 'SECRET=1\n')
      await repo.write('settings.local', 'plain\n')
    },
  })
})
beforeEach(async () => {
  before = await world.ground()
})
afterAll(() => world.end())
// Whatever a test keeps on purpose it removes itself.
afterEach(async () => expect(await world.ground()).toEqual(before))

const removeKept = async (lane: { worktree: string | null; branch: string | null }): Promise<void> => {
  if (lane.worktree !== null) await world.repo.git('worktree', 'remove', '--force', lane.worktree)
  if (lane.branch !== null) await world.repo.git('branch', '-D', lane.branch)
}

describe('commands of a lane', () => {
  it('run one after the other in the order of the plan, each in the worktree on a terminal [LN-1]', async () => {
    const order = join(world.notes, 'order')
    const handle = await world.runtime.start({
      lanes: {
        seq: {
          commands: [
            { name: 'one', run: `sleep 0.2; echo one >> "${order}"; test -t 0 && test -t 1 && pwd` },
            { name: 'two', run: `echo two >> "${order}"` },
            { name: 'three', run: ['sh', '-c', `echo three >> "$1"`, 'sh', order] },
          ],
        },
      },
    })
    const summary = await handle.finished
    expect(summary).toMatchObject({ ok: true, outcome: 'succeeded' })
    expect(lines(readFileSync(order, 'utf8'))).toEqual(['one', 'two', 'three'])
    const events = await eventsOf(handle)
    const created = events.find(({ type }) => type === 'lane.created')
    expect(logOf(summary, 'seq', 'one').trim()).toBe(created?.payload['worktree'])
    const states = events.filter(({ type }) => type === 'lane.state-changed').map(({ payload }) => payload['to'])
    expect(states).toEqual(['provisioning', 'ready', 'running', 'cleaning', 'closed'])
  })

  it('begin lane by lane in the order of the plan where all may begin at once [LN-1]', async () => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']
    const handle = await world.runtime.start({
      keep: 'never',
      parallel: names.length,
      lanes: Object.fromEntries(names.map((name) => [name, { commands: ['true'] }])),
    })
    await handle.finished
    const created = (await eventsOf(handle)).filter(({ type }) => type === 'lane.created')
    expect(created.map(({ payload }) => payload['name'])).toEqual(names)
  })

  it('after one that failed do not run, and the lane fails [LN-1]', async () => {
    const summary = await world.runtime.run({
      keep: 'never',
      lanes: { broken: { commands: ['true', { name: 'bad', run: 'exit 9' }, { name: 'never', run: 'touch "$NOTES/ran-after-failure"' }] } },
    })
    expect(summary).toMatchObject({ ok: false, outcome: 'failed' })
    expect(laneOf(summary, 'broken')).toMatchObject({ outcome: 'failed', reason: 'bad: exit code 9' })
    expect(commandOf(summary, 'broken', 'bad')).toMatchObject({ outcome: 'failed', exitCode: 9, attempts: 1, reason: 'exit code 9' })
    expect(commandOf(summary, 'broken', 'never')).toMatchObject({ outcome: 'skipped', attempts: 0, log: null })
    expect(existsSync(join(world.notes, 'ran-after-failure'))).toBe(false)
  })

  it('that a signal ends fail with the name of the signal [PTY-13]', async () => {
    const summary = await world.runtime.run({ keep: 'never', lanes: { shot: { commands: [{ name: 'shot', run: 'kill -KILL $$' }] } } })
    expect(commandOf(summary, 'shot', 'shot')).toMatchObject({
      outcome: 'failed',
      exitCode: null,
      signal: 'SIGKILL',
      reason: expect.stringMatching(/^ended by SIGKILL/u),
    })
  })

  it('that are permanent run beside the rest and end with the lane, in reverse order [SUP-6]', async () => {
    const handle = await world.runtime.start({
      lanes: {
        beside: {
          commands: [
            { name: 'db', run: lasting('db'), restart: 'permanent' },
            { name: 'web', run: lasting('web'), restart: 'permanent' },
            { name: 'test', run: 'while ! [ -e "$NOTES/db" ] || ! [ -e "$NOTES/web" ]; do sleep 0.05; done; echo both run' },
          ],
        },
      },
    })
    const summary = await handle.finished
    expect(summary.ok).toBe(true)
    expect(commandOf(summary, 'beside', 'db')).toMatchObject({ outcome: 'stopped', attempts: 1 })
    expect(commandOf(summary, 'beside', 'web')).toMatchObject({ outcome: 'stopped', attempts: 1 })
    const exits = (await eventsOf(handle)).filter(({ type }) => type === 'pty.exited').map(({ payload }) => payload['command'])
    expect(exits).toEqual(['test', 'web', 'db'])
  })

  it('that are only permanent run until the run is stopped [LN-6]', async () => {
    const handle = await world.runtime.start({
      lanes: { only: { commands: [{ name: 'srv', run: lasting('only'), restart: 'permanent' }] } },
    })
    await noted(world, 'only')
    handle.stop('the test')
    const summary = await handle.finished
    expect(summary).toMatchObject({ ok: false, outcome: 'interrupted' })
    expect(commandOf(summary, 'only', 'srv')).toMatchObject({ outcome: 'stopped', attempts: 1 })
  })
})

describe('lanes of a run', () => {
  it('start after those before them; a failed one skips its followers and says so [LN-1]', async () => {
    const handle = await world.runtime.start({
      keep: 'never',
      lanes: {
        last: { after: ['good'], commands: ['test -e "$NOTES/good-was-here"'] },
        good: { commands: ['sleep 0.2; touch "$NOTES/good-was-here"'] },
        bad: { commands: ['exit 1'] },
        follower: { after: ['bad', 'good'], commands: [{ name: 'never', run: 'true' }] },
        grandchild: { after: ['follower'], commands: ['true'] },
      },
    })
    const summary = await handle.finished
    expect(summary).toMatchObject({ ok: false, outcome: 'failed' })
    expect(summary.lanes.map(({ name, outcome }) => [name, outcome])).toEqual([
      ['last', 'succeeded'],
      ['good', 'succeeded'],
      ['bad', 'failed'],
      ['follower', 'skipped'],
      ['grandchild', 'skipped'],
    ])
    expect(laneOf(summary, 'follower')).toMatchObject({ reason: 'lane bad before it ended as failed', branch: null, worktree: null })
    expect(laneOf(summary, 'grandchild').reason).toBe('lane follower before it ended as skipped')
    expect(commandOf(summary, 'follower', 'never')).toMatchObject({ outcome: 'skipped', attempts: 0, log: null })
    expect(handle.view().lanes.find(({ name }) => name === 'follower')).toMatchObject({ state: 'skipped', outcome: 'skipped' })
  })

  it('never run more at once than `parallel` allows, from created to ended [LN-12]', async () => {
    const lanes = Object.fromEntries(Array.from({ length: 6 }, (_, index) => [`p${index}`, { commands: ['sleep 0.1'] }]))
    const handle = await world.runtime.start({ parallel: 2, lanes })
    expect((await handle.finished).ok).toBe(true)
    let now = 0
    let most = 0
    for (const { type } of await eventsOf(handle)) {
      if (type === 'lane.created') most = Math.max(most, (now += 1))
      if (type === 'lane.ended') now -= 1
    }
    expect(now).toBe(0)
    expect(most).toBe(2)
  })
})

describe('environment of a command', () => {
  it("is the caller's, then the lane's, then the command's, and names the lane; the caller's marker is not inherited [LN-14]", async () => {
    const handle = await world.runtime.start({
      lanes: {
        envs: {
          env: { SHARED: 'lane', LANE_ONLY: 'lane' },
          commands: [
            {
              name: 'show',
              run: 'env -0 > "$NOTES/env"; pwd > "$NOTES/cwd"; git branch --show-current > "$NOTES/branch"',
              env: { SHARED: 'command' },
            },
          ],
        },
      },
    })
    const summary = await handle.finished
    expect(summary.ok).toBe(true)
    const note = (name: string) => readFileSync(join(world.notes, name), 'utf8')
    const env = Object.fromEntries(
      note('env')
        .split('\0')
        .filter((entry) => entry !== '')
        .map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]),
    )
    const spawned = (await eventsOf(handle)).find(({ type }) => type === 'pty.spawned')
    expect(env).toMatchObject({
      FROM_CALLER: 'caller',
      SHARED: 'command',
      LANE_ONLY: 'lane',
      TERM: 'xterm-256color',
      SIGNALBOX_LANE: 'envs',
      SIGNALBOX_LANE_PATH: note('cwd').trim(),
      SIGNALBOX_BRANCH: note('branch').trim(),
      SIGNALBOX_TERMINAL: spawned?.terminalId,
    })
    expect(env['SIGNALBOX_MARK']).toBe(`${world.runtime.workspaceId}/${spawned?.ptyId}/1`)
    const record = (await world.records()).ptys.find(({ id }) => id === spawned?.ptyId)
    expect(record?.envNames).toEqual(
      Object.keys(env)
        .filter((name) => !['PWD', 'OLDPWD', 'SHLVL', '_'].includes(name) || name in process.env)
        .sort(),
    )
  })
})

describe('what a lane leaves', () => {
  it('is neither worktree nor branch when it holds no work, ignored and copied files aside [LN-6]', async () => {
    const summary = await world.runtime.run({
      lanes: {
        clean: {
          copy: ['.env', 'settings.local'],
          commands: [{ name: 'use', run: 'cat .env settings.local; mkdir ignored; echo x > ignored/x' }],
        },
      },
    })
    expect(laneOf(summary, 'clean')).toMatchObject({
      outcome: 'succeeded',
      branch: null,
      worktree: null,
      uncommitted: [],
      commits: 0,
      reason: null,
    })
    expect(logOf(summary, 'clean', 'use')).toBe('SECRET=1\nplain\n')
    expect(existsSync(`${world.repo.root}.lanes`)).toBe(false)
  })

  it('is the worktree whatever `keep` says while it holds uncommitted work, which the summary lists [LN-7]', async () => {
    const summary = await world.runtime.run({
      keep: 'never',
      lanes: {
        dirty: {
          copy: ['settings.local'],
          commands: [
            'echo more >> file-1.txt; echo new > "new file.txt"; echo st > staged.txt; git add staged.txt; echo own >> settings.local',
          ],
        },
        failing: { commands: ['echo x > left.txt; exit 1'] },
      },
    })
    const lane = laneOf(summary, 'dirty')
    expect(lane.outcome).toBe('succeeded')
    expect([...lane.uncommitted].sort()).toEqual(['file-1.txt', 'new file.txt', 'settings.local', 'staged.txt'])
    expect(lane.reason).toBe('worktree kept: it holds 4 uncommitted files (file-1.txt, staged.txt, new file.txt, settings.local)')
    expect(readFileSync(join(lane.worktree ?? '', 'new file.txt'), 'utf8')).toBe('new\n')
    expect(laneOf(summary, 'failing')).toMatchObject({ outcome: 'failed', uncommitted: ['left.txt'] })
    expect(existsSync(join(laneOf(summary, 'failing').worktree ?? '', 'left.txt'))).toBe(true)
    for (const kept of summary.lanes) await removeKept(kept)
  })

  it('is the branch when it holds commits, without the worktree [LN-7]', async () => {
    const summary = await world.runtime.run({
      keep: 'never',
      lanes: { work: { commands: ['git commit -q --allow-empty -m one && git commit -q --allow-empty -m two'] } },
    })
    const lane = laneOf(summary, 'work')
    expect(lane).toMatchObject({ outcome: 'succeeded', commits: 2, worktree: null, uncommitted: [], reason: null })
    expect(lines(await world.repo.git('log', '--format=%s', `main..${lane.branch}`))).toEqual(['two', 'one'])
    await removeKept(lane)
  })

  it.each([
    { keep: 'never', good: false, bad: false },
    { keep: 'failed', good: false, bad: true },
    { keep: 'always', good: true, bad: true },
  ] as const)('with keep: $keep is the worktree of a good lane: $good, of a failed one: $bad [LN-6]', async ({ keep, good, bad }) => {
    const summary = await world.runtime.run({ keep, lanes: { good: { commands: ['true'] }, bad: { commands: ['false'] } } })
    for (const [name, kept] of [
      ['good', good],
      ['bad', bad],
    ] as const) {
      const lane = laneOf(summary, name)
      expect([lane.worktree !== null, lane.branch !== null], name).toEqual([kept, kept])
      if (kept) expect(existsSync(lane.worktree ?? '')).toBe(true)
      if (kept) expect(lane.reason).toContain('worktree kept: the plan keeps')
      await removeKept(lane)
    }
  })
})

describe('logs', () => {
  it('are whole, byte for byte, and readable only by their owner [PTY-17]', async () => {
    // Binary, without line feeds, so that the terminal changes nothing of it.
    const bytes = Buffer.alloc(1 << 20)
    for (let index = 0; index < bytes.length; index += 1) bytes[index] = (index * 31 + (index >> 8)) & 0xff || 1
    const noLineFeeds = bytes.map((byte) => (byte === 10 ? 11 : byte))
    writeFileSync(join(world.notes, 'binary'), noLineFeeds)
    const summary = await world.runtime.run({ lanes: { bin: { commands: [{ name: 'cat', run: 'cat "$NOTES/binary"' }] } } })
    const { log } = commandOf(summary, 'bin', 'cat')
    const written = readFileSync(log ?? '')
    expect(written.length).toBe(noLineFeeds.length)
    expect(written.equals(Buffer.from(noLineFeeds))).toBe(true)
    expect(statSync(log ?? '').mode & 0o777).toBe(0o600)
    for (let directory = join(log ?? '', '..'); directory !== world.runtime.stateDirectory; directory = join(directory, '..'))
      expect(statSync(directory).mode & 0o077, directory).toBe(0)
    expect(statSync(world.runtime.stateDirectory).mode & 0o077).toBe(0)
  })

  it('lose nothing of 50 MB put out right before the exit, 3 of 3 [PTY-17]', async () => {
    const size = 50 << 20
    const expected = createHash('sha256').update(Buffer.alloc(size, '0123456789abcdef')).digest('hex')
    const program = `const b = Buffer.alloc(${size}, '0123456789abcdef'); let n = 0; const fs = require('node:fs'); while (n < b.length) n += fs.writeSync(1, b, n); process.exit(0)`
    const lanes = Object.fromEntries(
      [1, 2, 3].map((round) => [`r${round}`, { commands: [{ name: 'flood', run: [process.execPath, '-e', program] }] }]),
    )
    const summary = await world.runtime.run({ parallel: 1, lanes })
    expect(summary.ok).toBe(true)
    for (const { commands } of summary.lanes) {
      const written = readFileSync(commands[0]?.log ?? '')
      expect(written.length).toBe(size)
      expect(createHash('sha256').update(written).digest('hex')).toBe(expected)
    }
  })

  it('lie in the state directory, one an attempt [PTY-17]', async () => {
    const summary = await world.runtime.run({
      keep: 'never',
      lanes: {
        twice: {
          commands: [
            {
              name: 'flaky',
              run: 'echo try; exit 2',
              restart: 'transient',
              intensity: { restarts: 1, withinMs: 60_000 },
              backoff: { minMs: 1, maxMs: 2 },
            },
          ],
        },
      },
    })
    const directory = join(world.runtime.stateDirectory, 'logs', summary.runId, 'twice')
    expect(readdirSync(directory).sort()).toEqual(['flaky.1.log', 'flaky.2.log'])
    expect(commandOf(summary, 'twice', 'flaky').log).toBe(join(directory, 'flaky.2.log'))
  })
})
