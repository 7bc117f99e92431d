import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { connect, type ControlClient } from '../../../src/client/index.ts'
import { makeRepo, type TestRepo } from '../../helpers/git-repo.ts'
import { groundOf, until, within } from '../run/run-kit.ts'
import { bytesOf } from './control-kit.ts'

const repos: TestRepo[] = []
const children: ChildProcess[] = []
const clients: ControlClient[] = []
afterEach(async () => {
  for (const client of clients.splice(0)) client.close()
  for (const child of children.splice(0)) if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
  for (const repo of repos.splice(0)) await repo.cleanup()
})

type Place = {
  readonly repo: TestRepo
  readonly socketPath: string
  start(): Promise<ChildProcess>
  open(...args: [Parameters<typeof connect>[1]?]): Promise<ControlClient>
}

const makePlace = async (): Promise<Place> => {
  const repo = await makeRepo({ name: 'a repo' })
  repos.push(repo)
  const socketPath = join(repo.base, 'run', 'control.sock')
  const start = async (): Promise<ChildProcess> => {
    const script = join(import.meta.dirname, 'fixtures', 'orchestrator.ts')
    const child = spawn(process.execPath, [script, repo.root, join(repo.base, 'state'), socketPath], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    children.push(child)
    await within(30_000, 'the start', new Promise((resolve) => child.stdout?.once('data', resolve)))
    return child
  }
  const open: Place['open'] = async (options) => {
    const client = await connect(socketPath, options)
    clients.push(client)
    return client
  }
  return { repo, socketPath, start, open }
}

const killed = async (child: ChildProcess): Promise<void> => {
  child.kill('SIGKILL')
  await new Promise((resolve) => child.once('exit', resolve))
}

describe('kill -9 of the orchestrator', () => {
  it('is told to every call, subscription and attachment that was under way, with its pid', async () => {
    const { start, open, socketPath } = await makePlace()
    const child = await start()
    const client = await open()
    await client.call('lane.create', { name: 'a' })
    await client.call('terminal.spawn', { lane: 'a', name: 'deaf', command: 'stty raw -echo; printf ready; sleep 100' })
    const attachment = await client.attach('deaf')
    // Waits for ever: the program does not read.
    const write = attachment.write(new Uint8Array(2_000_000))
    const send = client.call('terminal.send', { terminal: 'deaf', text: 'x'.repeat(600_000) })
    const happenings = client.subscribe()[Symbol.asyncIterator]()
    const next = happenings.next()
    await until('it has subscribed', async () => (await client.call('status', {})).counts.clients === 3)
    const settled = Promise.allSettled([write, attachment.ended, send, next, client.call('orchestrator.stop', {}).finally(() => {})])
    await killed(child)
    const results = await within(20_000, 'the failures', settled)
    for (const result of results)
      expect(result).toMatchObject({ status: 'rejected', reason: { code: 'ERR_CONTROL_LOST', retryable: true } })
    const [, attached, sent] = results.map((result) => String((result as PromiseRejectedResult).reason))
    for (const text of [attached, sent]) expect(text).toContain(`pid ${child.pid}`)
    await expect(client.call('status', {})).rejects.toMatchObject({ code: 'ERR_CONTROL_LOST' })
    await expect(client.attach('deaf')).rejects.toMatchObject({ code: 'ERR_CONTROL_NOT_RUNNING' })
    expect(existsSync(socketPath)).toBe(true)
    await expect(connect(socketPath)).rejects.toMatchObject({ code: 'ERR_CONTROL_NOT_RUNNING' })
  })

  it('leaves lanes that the next one has again, its terminals said to be lost, and calls that can be repeated [PTY-14, LN-2]', async () => {
    const { start, open, repo } = await makePlace()
    const first = await start()
    const client = await open({ reconnect: { limitMs: 30_000 } })
    const { lane } = await client.call('lane.create', { name: 'a' }, { key: 'make' })
    const { terminal } = await client.call('terminal.spawn', { lane: 'a', name: 't', command: 'sleep 1000' }, { key: 'open' })
    const send = client.call('terminal.send', { terminal: 't', text: 'x'.repeat(100_000) }, { key: 'send' })
    send.catch(() => {})
    await client.call('status', {})
    await killed(first)
    const status = client.call('status', {})
    const second = await start()
    expect(await within(30_000, 'the status', status)).toMatchObject({ pid: second.pid, counts: { lanes: 1 } })
    await until(
      'the terminal is said to be lost',
      async () => (await client.call('terminal.get', { terminal: terminal.id })).terminal.state === 'errored',
    )
    expect((await client.call('terminal.get', { terminal: 't' })).terminal).toMatchObject({
      pid: null,
      error: expect.stringContaining('the orchestrator that held it died') as unknown,
    })
    expect((await client.call('lane.get', { lane: 'a' })).lane).toMatchObject({ id: lane.id, state: 'ready' })
    expect(await client.call('lane.create', { name: 'a' }, { key: 'make' })).toMatchObject({ lane: { id: lane.id } })
    expect(await client.call('terminal.spawn', { lane: 'a', name: 't', command: 'sleep 1000' }, { key: 'open' })).toMatchObject({
      terminal: { id: terminal.id },
    })
    await expect(within(20_000, 'the input', send)).rejects.toMatchObject({
      code: expect.stringMatching(/ERR_CONTROL_INTERRUPTED|ERR_PTY_ENDED/u) as unknown,
    })
    const again = await client.call('terminal.spawn', { lane: 'a', name: 't', command: 'cat' })
    expect(again.terminal).toMatchObject({ id: terminal.id, attempts: 2, state: 'active' })
    const attachment = await client.attach('t')
    await attachment.write(bytesOf('hello\n'))
    expect((await client.call('lane.remove', { lane: 'a' })).summary).toMatchObject({ worktree: null })
    await client.call('orchestrator.stop', {})
    second.kill('SIGKILL')
    const ground = await groundOf(repo, client.server.workspaceId)
    expect(ground.worktrees).toEqual([repo.root])
  })

  it('in the middle of making a lane: the repeated call makes it, or says what is there, and never makes two [LN-5]', async () => {
    const { start, open, repo } = await makePlace()
    const first = await start()
    const client = await open({ reconnect: { limitMs: 30_000 } })
    const calls = Array.from({ length: 6 }, (_, index) => client.call('lane.create', { name: `l${index}` }, { key: `k${index}` }))
    const settled = Promise.allSettled(calls)
    await until('some have begun', async () => (await client.call('lane.list', {})).lanes.length >= 2)
    await killed(first)
    await start()
    for (const result of await within(60_000, 'the lanes', settled)) {
      if (result.status === 'fulfilled') continue
      expect(result.reason).toMatchObject({ code: expect.stringMatching(/^ERR_CONTROL_INTERRUPTED$/u) as unknown })
    }
    await until('all are ready or gone', async () => (await client.call('lane.list', {})).lanes.every(({ state }) => state === 'ready'))
    const { lanes } = await client.call('lane.list', {})
    expect(new Set(lanes.map(({ name }) => name)).size).toBe(lanes.length)
    expect((await groundOf(repo, client.server.workspaceId)).worktrees.length).toBe(lanes.length + 1)
  })
})
