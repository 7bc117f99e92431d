import { existsSync, mkdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { lasting, noted, until } from '../run/run-kit.ts'
import { makeWhyWorld, type WhyWorld } from './why-kit.ts'

let world: WhyWorld
beforeEach(async () => void (world = await makeWhyWorld()))
afterEach(() => world.end())

/** One lane with one command, without a grace so that a test ends soon. */
const one = (command: object, more: object = {}): object => ({
  keep: 'never',
  ...more,
  lanes: { parser: { commands: [{ name: 'test', graceMs: 0, ...command }] } },
})
const run = async (plan: object): Promise<void> => void (await (await world.start(plan)).finished)
const retries = { restart: 'transient', intensity: { restarts: 2, withinMs: 60_000 }, backoff: { minMs: 10, maxMs: 20, jitter: 0 } }
/** What a command wrote into a note, whole. */
const textIn = async (note: string): Promise<string> => {
  await noted(world, note)
  const read = (): string => readFileSync(join(world.notes, note), 'utf8')
  await until(`the note ${note} is whole`, () => read().endsWith('\n'))
  return read().trim()
}

/** A control group with so much memory; null where that cannot be had. */
const memoryGroup = (bytes: number): { readonly tasks: string; remove(): void } | null => {
  const path = `/sys/fs/cgroup/memory/signalbox-why-${process.pid}`
  try {
    mkdirSync(path)
    writeFileSync(`${path}/memory.limit_in_bytes`, String(bytes))
    return { tasks: `${path}/cgroup.procs`, remove: () => rmdirSync(path) }
  } catch {
    if (existsSync(path)) rmdirSync(path)
    return null
  }
}

describe('why, of a command', () => {
  it('that is given up: what it failed with, how often, and what it said last [SUP-4, SUP-9]', async () => {
    await run(one({ run: "echo 'cannot open the database'; exit 3", ...retries }))
    const summary = await world.said('crash-loop', 'parser/test')
    expect(summary).toContain('exit code 3')
    expect(summary).toContain('failure 3 within 60 s, and only 2 restarts are allowed')
  })

  it('in backoff: until when [SUP-5, SUP-9]', async () => {
    const { stop } = await world.start(one({ run: 'echo "connection refused"; exit 3', ...retries, backoff: { minMs: 30_000, jitter: 0 } }))
    const answer = await world.askUntil('parser/test', 'backoff')
    expect((answer.next?.at ?? 0) - (answer.since ?? 0)).toBe(30_000)
    expect(await world.said('backoff', 'parser/test', answer)).toContain('That was failure 1 within 60 s; 2 restarts are allowed')
    stop('the test')
  })

  it('killed by somebody else: that it was not signalbox [SUP-9]', async () => {
    const { finished } = await world.start(one({ run: 'echo $$ > "$NOTES/pid"; exec sleep 1000' }))
    const pid = Number(await textIn('pid'))
    await world.askUntil('parser/test', 'running')
    process.kill(pid, 'SIGTERM')
    await finished
    expect(await world.said('killed-from-outside', 'parser/test')).toContain('SIGTERM, which signalbox did not send')
  })

  it('that crashes: that the fault is its own [SUP-9]', async () => {
    await run(one({ run: 'kill -SEGV $$' }))
    expect(await world.said('segfault', 'parser/test')).toContain('SIGSEGV, for a fault of the program itself')
  })

  it('out of memory: what says so [SUP-9]', async () => {
    const wants = `python3 -c 'import resource; resource.setrlimit(resource.RLIMIT_AS, (1 << 28, 1 << 28)); bytearray(1 << 30)' 2>&1 | tail -n 1; exit 1`
    await run(one({ run: wants }))
    expect(await world.said('out-of-memory', 'parser/test')).toContain('It ran out of memory: its output says "MemoryError"')
  })

  it('killed for memory: that the system did it [SUP-9]', async (ctx) => {
    const group = memoryGroup(20_000_000)
    if (group === null) return ctx.skip('no control group of memory (v1) can be made here')
    try {
      await run(one({ run: `echo $$ > ${group.tasks}; exec tail /dev/zero` }))
      expect(await world.said('killed-for-memory', 'parser/test')).toMatch(/killed for lack of memory.*SIGKILL.*the system killed/u)
    } finally {
      group.remove()
    }
  })

  it('that does not exist: its name [PTY-3, SUP-9]', async () => {
    await run(one({ run: ['pytset', '-q'], ...retries }))
    expect(await world.said('not-found', 'parser/test')).toContain('there is no command "pytset" on its PATH')
  })

  it('that cannot be executed: its file [PTY-3, SUP-9]', async () => {
    await world.repo.commit('deploy.sh', '#!/bin/sh\n')
    await run(one({ run: ['./deploy.sh'] }))
    expect(await world.said('not-executable', 'parser/test')).toContain('deploy.sh is not executable')
  })

  it('that is not logged in: what it said, and that it is not tried again [SUP-9]', async () => {
    await run(one({ run: "echo 'Invalid API key · Please run /login'; exit 1", ...retries }))
    const summary = await world.said('authentication', 'parser/test')
    expect(summary).toContain('It failed to log in: its output says "Invalid API key · Please run /login"')
    expect(summary).toContain('not tried again')
  })

  it('that is rate-limited: until when it waits [SUP-9]', async () => {
    const { stop } = await world.start(one({ run: 'echo "429 Too Many Requests, retry after 600 s"; exit 1', ...retries }))
    const answer = await world.askUntil('parser/test', 'waiting').then(async () => {
      await until('it waits for its time', async () => (await world.ask('parser/test')).next?.at != null)
      return world.ask('parser/test')
    })
    expect((answer.next?.at ?? 0) - (answer.since ?? 0)).toBe(600_000)
    expect(await world.said('rate-limit', 'parser/test', answer)).toContain('It was rate-limited: its output says "429 Too Many Requests')
    stop('the test')
  })

  it('that was rate-limited too often: how often [SUP-4, SUP-9]', async () => {
    await run(one({ run: 'echo "usage limit reached"; exit 1', restart: 'transient', classify: { wait: { minMs: 10, times: 3 } } }))
    expect(await world.said('rate-limit-over', 'parser/test')).toContain('It was given up: it had waited 3 times in a row already')
  })

  it('that waits for the one before it: for which [SUP-9]', async () => {
    const commands = [
      { name: 'install', graceMs: 0, run: lasting('up') },
      { name: 'test', run: 'true' },
    ]
    const { stop } = await world.start({ keep: 'never', lanes: { parser: { commands } } })
    await noted(world, 'up')
    await world.askUntil('parser/install', 'running')
    expect(await world.said('command-waits', 'parser/test')).toContain('It waits for command install to succeed')
    stop('the test')
  })

  it('whose worktree was removed: that somebody did [PTY-3, SUP-9]', async () => {
    const commands = [
      { name: 'install', run: 'pwd > "$NOTES/cwd"; while [ ! -e "$NOTES/go" ]; do sleep 0.05; done' },
      { name: 'test', run: 'true' },
    ]
    const { finished } = await world.start({ keep: 'never', lanes: { parser: { commands } } })
    rmSync(await textIn('cwd'), { recursive: true })
    writeFileSync(join(world.notes, 'go'), '')
    await finished
    expect(await world.said('worktree-removed', 'parser/test')).toContain('is gone; somebody removed it while the lane was running')
  })

  it('that ignores SIGTERM: that it was killed, and whose command began it [PTY-7, SUP-9]', async () => {
    const { stop, finished } = await world.start(one({ graceMs: 300, run: lasting('up', "trap '' TERM HUP;") }))
    await noted(world, 'up')
    await world.askUntil('parser/test', 'running')
    stop('ada (Ctrl-C)')
    await finished
    const summary = await world.said('ignores-sigterm', 'parser/test')
    expect(summary).toMatch(
      /^Stopped by ada \(Ctrl-C\)\. It was asked to end \(SIGTERM\), did not within 0\.\d s, and was killed \(SIGKILL\)/u,
    )
  })

  it('that is being stopped: when it will be killed [PTY-7, SUP-9]', async () => {
    const { stop, kill } = await world.start(one({ graceMs: 30_000, run: lasting('up', "trap '' TERM HUP;") }))
    await noted(world, 'up')
    await world.askUntil('parser/test', 'running')
    stop('ada (Ctrl-C)')
    const answer = await world.askUntil('parser/test', 'stopping')
    expect((answer.next?.at ?? 0) - (answer.since ?? 0)).toBe(30_000)
    expect(await world.said('stopping-now', 'parser/test', answer)).toContain('Stopped by ada (Ctrl-C).')
    kill('the test')
  })

  it('that somebody ended: who [SUP-9]', async () => {
    const client = await world.client({ name: 'ada' })
    await client.call('lane.create', { name: 'docs' })
    await client.call('terminal.spawn', {
      lane: 'docs',
      name: 'server',
      command: `exec 2>/dev/null; trap 'echo bye; exit 0' TERM; ${lasting('up')}`,
    })
    await noted(world, 'up')
    await client.call('terminal.kill', { terminal: 'docs/server' })
    expect(await world.said('stopped-by-user', 'docs/server')).toMatch(/^Stopped by ada\. It was asked to end and did/u)
  })
})
