import { existsSync } from 'node:fs'
import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { RunHandle } from '../../../src/runtime/run-handle.ts'
import type { RunSummary } from '../../../src/protocols/summary.ts'
import { commandOf, eventsOf, type Ground, laneOf, lasting, makeWorld, marked, noted, until, within, type World } from './run-kit.ts'

let world: World
let before: Ground

beforeAll(async () => {
  world = await makeWorld()
})
beforeEach(async () => {
  before = await world.ground()
})
afterAll(() => world.end())
afterEach(async () => expect(await world.ground()).toEqual(before))

/** Ended, interrupted, and every record of it closed. */
const expectClosed = async (in_: World, handle: RunHandle): Promise<RunSummary> => {
  const summary = await within(30_000, 'the end of the run', handle.finished)
  expect(summary).toMatchObject({ ok: false, outcome: 'interrupted' })
  expect(marked(in_.runtime.workspaceId)).toEqual([])
  const { runs, lanes, ptys } = await in_.records()
  expect(runs.find(({ id }) => id === handle.runId)).toMatchObject({ outcome: 'interrupted', summary })
  for (const lane of lanes.filter(({ runId }) => runId === handle.runId))
    expect(lane, lane.name).toMatchObject({ snapshot: { state: 'closed' }, endedAt: expect.any(Number) })
  for (const pty of ptys.filter(({ runId }) => runId === handle.runId)) {
    expect(['stopped', 'errored'], `${pty.command}.${pty.attempt}`).toContain(pty.snapshot.state)
    expect(pty.endedAt, `${pty.command}.${pty.attempt}`).not.toBeNull()
    expect(pty.exit, `${pty.command}.${pty.attempt}`).not.toBeNull()
  }
  return summary
}

const forever = (name: string, graceMs = 10_000) => ({ name, run: lasting(name), restart: 'permanent', graceMs })

describe('stop', () => {
  it('ends lanes in the reverse order of start, commands in reverse order; lanes that wait do not begin [LN-6]', async () => {
    const handle = await world.runtime.start({
      parallel: 2,
      lanes: {
        first: { commands: [forever('a1'), forever('a2'), { name: 'a3', run: lasting('a3') }] },
        second: { commands: [forever('b1')] },
        waiting: { commands: ['touch "$NOTES/waiting-ran"'] },
        after: { after: ['first'], commands: ['touch "$NOTES/waiting-ran"'] },
      },
    })
    for (const name of ['a1', 'a2', 'a3', 'b1']) await noted(world, name)
    const recorded = () => handle.view().lanes.flatMap(({ commands }) => commands.filter(({ state }) => state === 'active'))
    await until('all of them are recorded as active', () => recorded().length === 4)
    handle.stop('Ctrl-C')
    const summary = await expectClosed(world, handle)
    expect(summary.lanes.map(({ outcome }) => outcome)).toEqual(['interrupted', 'interrupted', 'interrupted', 'interrupted'])
    expect(commandOf(summary, 'first', 'a1').outcome).toBe('stopped')
    expect(commandOf(summary, 'first', 'a3').outcome).toBe('interrupted')
    expect(laneOf(summary, 'first').reason).toBe('stopped: Ctrl-C')
    expect(laneOf(summary, 'waiting').reason).toBe('stopped before it began: Ctrl-C')
    expect(existsSync(join(world.notes, 'waiting-ran'))).toBe(false)
    const events = await eventsOf(handle)
    const exits = events.filter(({ type }) => type === 'pty.exited').map(({ payload }) => payload['command'])
    expect(exits.filter((name) => String(name).startsWith('a'))).toEqual(['a3', 'a2', 'a1'])
    const asked = events.filter(({ type, payload }) => type === 'lane.state-changed' && payload['event'] === 'cleanup')
    expect(asked.map(({ payload }) => payload['name'])).toEqual(['second', 'first'])
    expect(events.find(({ type }) => type === 'run.stopping')?.payload).toEqual({ by: 'Ctrl-C' })
  })

  it('twice is as once [LN-3]', async () => {
    const handle = await world.runtime.start({ lanes: { a: { commands: [forever('twice')] } } })
    await noted(world, 'twice')
    handle.stop('one')
    handle.stop('two')
    await expectClosed(world, handle)
    handle.stop('after the end')
    handle.kill('after the end')
    expect((await eventsOf(handle)).filter(({ type }) => type === 'run.stopping').map(({ payload }) => payload['by'])).toEqual(['one'])
  })

  it('at once, before anything was started, ends the run all the same [LN-5]', async () => {
    const handle = await world.runtime.start({ lanes: { a: { commands: ['sleep 30'] }, b: { commands: ['sleep 30'] } } })
    handle.stop()
    await expectClosed(world, handle)
  })

  it('while a worktree is being made removes what was made [LN-5]', async () => {
    const own = await makeWorld({
      prepare: async (repo) => {
        // Makes the check-out last: git runs the hook at its end, with the worktree there.
        await repo.write('.git/hooks/post-checkout', `#!/bin/sh\ntouch '${repo.base}/checking-out'\nsleep 2\n`)
        await chmod(join(repo.root, '.git/hooks/post-checkout'), 0o755)
      },
    })
    try {
      const start = await own.ground()
      const handle = await own.runtime.start({ lanes: { a: { commands: ['true'] }, b: { commands: ['true'] } } })
      await until('git checks out', () => existsSync(join(own.repo.base, 'checking-out')))
      handle.stop()
      const summary = await expectClosed(own, handle)
      expect(laneOf(summary, 'a')).toMatchObject({ outcome: 'interrupted', branch: null, worktree: null })
      expect(await own.ground()).toEqual(start)
    } finally {
      await own.end()
    }
  })

  it('ends a hook that git leaves behind when its check-out is given up [LN-5]', async () => {
    const own = await makeWorld({
      prepare: async (repo) => {
        await repo.write(
          '.git/hooks/post-checkout',
          `#!/bin/sh\ntrap '' TERM\ntouch '${repo.base}/checking-out'\nwhile :; do sleep 1; done\n`,
        )
        await chmod(join(repo.root, '.git/hooks/post-checkout'), 0o755)
      },
    })
    try {
      const start = await own.ground()
      const handle = await own.runtime.start({ lanes: { a: { commands: ['true'] } } })
      await until('the hook runs', () => existsSync(join(own.repo.base, 'checking-out')))
      handle.stop()
      expect(laneOf(await expectClosed(own, handle), 'a')).toMatchObject({ outcome: 'interrupted', branch: null, worktree: null })
      expect(await own.ground()).toEqual(start)
    } finally {
      await own.end()
    }
  })

  it('aborts a check-out that hangs [LN-5]', async () => {
    const asked = Promise.withResolvers<void>()
    const own = await makeWorld({
      decorators: {
        worktrees: (inner) => ({
          ...inner,
          workspace: inner.workspace,
          resolve: (base) => inner.resolve(base),
          add: (_spec, signal) => {
            asked.resolve()
            return new Promise((_, reject) => signal?.addEventListener('abort', () => reject(new Error('aborted'))))
          },
        }),
      },
    })
    try {
      const handle = await own.runtime.start({ lanes: { a: { commands: ['true'] } } })
      await asked.promise
      handle.stop()
      expect(laneOf(await expectClosed(own, handle), 'a')).toMatchObject({ outcome: 'interrupted', branch: null, worktree: null })
    } finally {
      await own.end()
    }
  })

  it('while a command waits for its restart ends it without another attempt [SUP-5]', async () => {
    const handle = await world.runtime.start({
      keep: 'never',
      lanes: {
        a: {
          commands: [
            {
              name: 'crash',
              run: 'exit 1',
              restart: 'transient',
              intensity: { restarts: 3, withinMs: 60_000 },
              backoff: { minMs: 600_000, maxMs: 600_000 },
            },
          ],
        },
      },
    })
    await until('it waits', () => handle.view().lanes[0]?.commands[0]?.state === 'backoff')
    handle.stop()
    const summary = await expectClosed(world, handle)
    expect(commandOf(summary, 'a', 'crash')).toMatchObject({ outcome: 'interrupted', attempts: 1, exitCode: 1 })
  })

  it('keeps uncommitted work and commits [LN-7]', async () => {
    const handle = await world.runtime.start({
      keep: 'never',
      lanes: { a: { commands: [{ name: 'edit', run: `git commit -q --allow-empty -m work; echo x > work.txt; ${lasting('edited')}` }] } },
    })
    await noted(world, 'edited')
    handle.stop()
    const lane = laneOf(await expectClosed(world, handle), 'a')
    expect(lane).toMatchObject({ commits: 1, uncommitted: ['work.txt'] })
    expect(existsSync(join(lane.worktree ?? '', 'work.txt'))).toBe(true)
    await world.repo.git('worktree', 'remove', '--force', lane.worktree ?? '')
    await world.repo.git('branch', '-D', lane.branch ?? '')
  })
})

describe('kill', () => {
  const stubborn = (name: string) => ({ name, restart: 'permanent', graceMs: 600_000, run: lasting(name, "trap '' TERM HUP INT;") })

  it('gives no grace [PTY-7]', async () => {
    const handle = await world.runtime.start({
      lanes: { a: { commands: [stubborn('k1'), stubborn('k2')] }, b: { commands: [stubborn('k3')] } },
    })
    for (const name of ['k1', 'k2', 'k3']) await noted(world, name)
    handle.kill('second Ctrl-C')
    const summary = await expectClosed(world, handle)
    expect(commandOf(summary, 'a', 'k1')).toMatchObject({ outcome: 'stopped', signal: 'SIGKILL' })
  })

  it('after a stop shortens the grace of what is still ending, and of what comes after it [PTY-7]', async () => {
    const handle = await world.runtime.start({ lanes: { a: { commands: [stubborn('s1'), stubborn('s2')] } } })
    for (const name of ['s1', 's2']) await noted(world, name)
    handle.stop('first')
    await until('it is stopping', async () =>
      (await world.records()).ptys.some(
        ({ runId, command, snapshot }) => runId === handle.runId && command === 's2' && snapshot.context.stopping,
      ),
    )
    handle.kill('second')
    await expectClosed(world, handle)
  })

  it('at any moment of the start leaves nothing [LN-5]', async () => {
    for (const type of ['run.started', 'lane.created', 'lane.state-changed', 'pty.state-changed', 'pty.spawned']) {
      const handle = await world.runtime.start({ lanes: { a: { commands: [stubborn(`at-${type}`)] }, b: { commands: ['sleep 30'] } } })
      for await (const event of handle.events()) if (event.type === type) break
      handle.kill(type)
      await expectClosed(world, handle)
      expect(await world.ground(), type).toEqual(before)
    }
  })
})

describe('close', () => {
  it('of the runtime ends what goes on, and the next calls say that it is closed [LN-6]', async () => {
    const own = await makeWorld()
    try {
      const start = await own.ground()
      const handle = await own.runtime.start({ lanes: { a: { commands: [forever('closing')] } } })
      const seen: string[] = []
      const all = (async () => {
        for await (const { type } of own.runtime.events()) seen.push(type)
      })()
      await noted(own, 'closing')
      await within(30_000, 'closing', own.runtime.close())
      await expectClosed(own, handle)
      await own.runtime.close()
      await within(5_000, 'the end of all events', all)
      expect(seen).toContain('run.ended')
      expect(await own.ground()).toEqual(start)
      await expect(own.runtime.start({ lanes: { a: { commands: ['true'] } } })).rejects.toMatchObject({ code: 'ERR_RUNTIME_CLOSED' })
      handle.stop()
      handle.kill()
    } finally {
      await own.end()
    }
  })

  it('while a run is being started ends that run as well [LN-5]', async () => {
    const own = await makeWorld()
    try {
      const start = await own.ground()
      const starting = own.runtime.start({ lanes: { a: { commands: [lasting('too-late')] } } })
      const [started] = await Promise.allSettled([starting, within(30_000, 'closing', own.runtime.close())])
      if (started.status === 'fulfilled') await expectClosed(own, started.value)
      else expect(started.reason).toMatchObject({ code: 'ERR_RUNTIME_CLOSED' })
      expect(await own.ground()).toEqual(start)
    } finally {
      await own.end()
    }
  })
})
