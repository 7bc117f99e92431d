import { existsSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { startControlServer } from '../../../src/runtime/control/server.ts'
import { connect } from '../../../src/client/index.ts'
import { until } from '../run/run-kit.ts'
import { type ControlWorld, makeControlWorld } from './control-kit.ts'

const worlds: ControlWorld[] = []
const world = async (...args: Parameters<typeof makeControlWorld>): Promise<ControlWorld> => {
  const made = await makeControlWorld(...args)
  worlds.push(made)
  return made
}
afterEach(async () => {
  for (const each of worlds.splice(0)) await each.end()
})

describe('the control server', () => {
  it('says what runs, starts a run and stops it [SUP-9]', async () => {
    const { client: open, runtime } = await world()
    const client = await open()
    expect(client.server).toMatchObject({ protocol: 1, pid: process.pid, workspaceId: runtime.workspaceId })
    expect(await client.call('status', {})).toMatchObject({ state: 'running', counts: { lanes: 0, terminals: 0, runs: 0, clients: 1 } })
    const { runId } = await client.call('runs.start', { plan: 'lanes: { a: { commands: [sleep 100] } }' })
    await until('it runs', async () => (await client.call('status', {})).counts.terminals === 1)
    expect(JSON.stringify(await client.call('tree.get', {}))).toContain(runId)
    expect(await client.call('actor.info', { name: `run:${runId}` })).toMatchObject({ kind: 'run', state: 'running' })
    const { view } = await client.call('runs.get', { run: 'latest' })
    expect(view?.lanes[0]?.commands[0]).toMatchObject({ state: 'active' })
    expect(await client.call('runs.stop', { run: runId.slice(0, 14) })).toEqual({ runId })
    await until('it is over', async () => (await client.call('runs.list', {})).runs[0]?.outcome === 'interrupted')
    expect(await client.call('dead-letters.list', {})).toEqual({ letters: expect.any(Array) })
    expect((await client.call('doctor', {})).report).toMatchObject({ type: 'doctor' })
  })

  it('gives a terminal the limits that are asked for, and again when it is started again [PTY-7, PTY-21]', async () => {
    const { client: open, runtime } = await world()
    const client = await open()
    await client.call('lane.create', { name: 'docs' })
    const limits = { processes: 5_000, cpus: 1_000, ifMissing: 'run' } as const
    await client.call('terminal.spawn', { lane: 'docs', name: 'sh', command: ['/bin/sh'], limits })
    await client.call('terminal.kill', { terminal: 'sh', graceMs: 0 })
    expect((await client.call('terminal.respawn', { terminal: 'sh' })).terminal).toMatchObject({ state: 'active', attempts: 2 })
    await expect(client.call('terminal.respawn', { terminal: 'sh' })).rejects.toMatchObject({ code: 'ERR_TERMINAL_EXISTS' })
    const spawned = (await runtime.records.events({ limit: 1_000 })).filter(({ type }) => type === 'pty.spawned')
    // what they become differs from machine to machine
    expect(spawned.map(({ payload }) => Object.keys(payload['limits'] as object).sort())).toEqual([
      ['cpus', 'processes'],
      ['cpus', 'processes'],
    ])
    await expect(client.call('terminal.spawn', { lane: 'docs', limits: { memoryBytes: 5 } })).rejects.toMatchObject({
      code: 'ERR_CONTROL_PAYLOAD_INVALID',
    })
  })

  it('makes lanes and terminals, and finds them by name and by the beginning of an id [LN-3, PTY-2]', async () => {
    const { client: open } = await world()
    const client = await open()
    const { lane } = await client.call('lane.create', { name: 'docs' })
    const { terminal } = await client.call('terminal.spawn', { lane: 'docs', name: 'sh', command: ['/bin/sh'], cols: 100, rows: 40 })
    expect(terminal).toMatchObject({ lane: 'docs', cols: 100, rows: 40, state: 'active' })
    for (const word of ['sh', 'docs/sh', terminal.id, terminal.id.slice(0, 20).toLowerCase()]) {
      expect((await client.call('terminal.get', { terminal: word })).terminal.id).toBe(terminal.id)
    }
    expect(await client.call('terminal.send', { terminal: 'sh', text: 'echo $((40 + 2)); stty size\n' })).toEqual({ sent: 28 })
    const log = async (): Promise<string> =>
      Buffer.from((await client.call('terminal.logs', { terminal: 'sh' })).bytes, 'base64').toString()
    await until('it has answered', async () => /42\r\n.*40 100/su.test(await log()))
    expect(await client.call('terminal.resize', { terminal: 'sh', cols: 81, rows: 25 })).toEqual({ cols: 81, rows: 25 })
    expect((await client.call('lane.get', { lane: lane.id.slice(0, 12) })).terminals).toMatchObject([{ cols: 81, rows: 25 }])
    expect((await client.call('terminal.signal', { terminal: 'sh', signal: 'SIGWINCH' })).delivery).toMatchObject({ outcome: 'delivered' })
    await expect(client.call('terminal.signal', { terminal: 'sh', signal: 'SIGNONE' })).rejects.toMatchObject({
      code: 'ERR_CONTROL_PAYLOAD_INVALID',
    })
    await expect(client.call('terminal.get', { terminal: 'docs/zh' })).rejects.toThrow('did you mean "docs/sh"?')
    await expect(client.call('lane.get', { lane: 'doc' })).rejects.toThrow('did you mean "docs"?')
    expect((await client.call('terminal.kill', { terminal: 'sh', graceMs: 0 })).terminal).toMatchObject({ state: 'stopped', pid: null })
    await expect(client.call('terminal.send', { terminal: 'sh', text: 'x' })).rejects.toMatchObject({ code: 'ERR_PTY_ENDED' })
    expect((await client.call('lane.remove', { lane: 'docs' })).summary).toMatchObject({ worktree: null })
    expect((await client.call('lane.list', {})).lanes).toEqual([])
    expect((await client.call('lane.list', { all: true })).lanes).toMatchObject([{ state: 'closed' }])
    expect(existsSync(lane.worktree)).toBe(false)
  })

  it('tells of a terminal all that is known, by the id of its PTY too: pid, descriptors, size, start, command, names of its environment [PTY-2]', async () => {
    const { client: open } = await world()
    const client = await open()
    await client.call('lane.create', { name: 'docs' })
    const env = { SECRET_OF_TEST: 'hidden' }
    const { terminal } = await client.call('terminal.spawn', { lane: 'docs', name: 'sh', command: ['/bin/sh'], env, cols: 90, rows: 20 })
    const found = (await client.call('terminal.get', { terminal: (terminal.ptyId ?? '').toLowerCase() })).terminal
    expect(found).toMatchObject({ id: terminal.id, argv: ['/bin/sh'], cols: 90, rows: 20, pid: terminal.pid, state: 'active' })
    expect(found.startedAt).toBeLessThanOrEqual(Date.now())
    expect(found.envNames).toEqual(expect.arrayContaining(['PATH', 'SECRET_OF_TEST', 'SIGNALBOX_MARK']))
    expect(JSON.stringify(found)).not.toContain('hidden')
    if (process.platform === 'linux') expect(found.fds).toBeGreaterThanOrEqual(3)
    await client.call('terminal.kill', { terminal: 'sh', graceMs: 0 })
    expect((await client.call('terminal.get', { terminal: 'sh' })).terminal).toMatchObject({ pid: null, fds: null })
  })

  it('tells how terminals are: one, those of a lane, all; of what runs nothing too [PTY-18]', async () => {
    const { client: open } = await world()
    const client = await open()
    for (const name of ['one', 'two']) await client.call('lane.create', { name })
    await client.call('terminal.spawn', { lane: 'one', name: 'asks', command: 'echo name; read name' })
    await client.call('terminal.spawn', { lane: 'one', name: 'shell', command: ['sh', '-i'] })
    await client.call('terminal.spawn', { lane: 'two', name: 'over', command: 'true' })
    const names = async (params: { terminal?: string; lane?: string }): Promise<readonly string[]> =>
      (await client.call('terminal.health', params)).terminals.map(({ name }) => name)
    expect(await names({})).toEqual(['asks', 'shell', 'over'])
    expect(await names({ lane: 'two' })).toEqual(['over'])
    expect(await names({ terminal: 'one/shell' })).toEqual(['shell'])
    const conditions = async (): Promise<unknown> =>
      (await client.call('terminal.health', {})).terminals.map(({ health }) => health?.condition ?? null)
    await until('they are as they are', async () => JSON.stringify(await conditions()) === '["waiting-for-input","at-prompt",null]')
    const [asks] = (await client.call('terminal.health', { terminal: 'asks' })).terminals
    expect(asks?.health).toMatchObject({ alive: true, responsive: true, processes: 1 })
    expect(asks?.health?.memoryBytes).toBeGreaterThan(100_000)
    expect((await client.call('why', { subject: 'one/asks' })).summary).toContain('It waits for input: sh (')
    await client.call('terminal.signal', { terminal: 'asks', signal: 'SIGSTOP' })
    await until('it is stopped', async () => {
      const [stopped] = (await client.call('terminal.health', { terminal: 'asks' })).terminals
      return stopped?.health?.condition === 'stopped' && !stopped.health.responsive
    })
    await expect(client.call('terminal.health', { terminal: 'none' })).rejects.toMatchObject({ code: 'ERR_TERMINAL_NOT_FOUND' })
  })

  it('types once under a key, as a paste, and when the program reads [PTY-5, PTY-18]', async () => {
    const { client: open } = await world()
    const client = await open()
    await client.call('lane.create', { name: 'docs' })
    const script = 'stty raw -echo; sleep 0.3; printf "\\033[?2004h"; while c=$(head -c 1 | od -An -tx1); do printf %s "$c"; done'
    await client.call('terminal.spawn', { lane: 'docs', name: 'reads', command: script })
    const send = { terminal: 'reads', text: 'a\nb', key: 'k', paste: true, enter: true, waitForPromptMs: 20_000 }
    const receipt = { state: 'applied', appliedBytes: 16, offset: 16 }
    const [first, second] = await Promise.all([client.call('terminal.send', send), (await open()).call('terminal.send', send)])
    expect([first, second]).toEqual([
      { sent: 3, receipt },
      { sent: 3, receipt },
    ])
    expect(await client.call('terminal.receipt', { terminal: 'reads', key: 'k' })).toEqual({ receipt })
    expect((await client.call('terminal.receipt', { terminal: 'reads', key: 'other' })).receipt.state).toBe('unknown')
    const log = async (): Promise<string> =>
      Buffer.from((await client.call('terminal.logs', { terminal: 'reads' })).bytes, 'base64').toString()
    await until('it has read all', async () => (await log()).includes('0d'))
    expect((await log()).replace(/^[^h]*h/u, '').trim()).toBe('1b 5b 32 30 30 7e 61 0a 62 1b 5b 32 30 31 7e 0d')

    await client.call('terminal.spawn', { lane: 'docs', name: 'sleeps', command: ['sleep', '100'] })
    const refused = client.call('terminal.send', { terminal: 'sleeps', text: 'x', waitForPromptMs: 100 })
    await expect(refused).rejects.toMatchObject({ code: 'ERR_PTY_NOT_READING', context: { waiting: 'busy' } })
  })

  it('gives a repeated key the recorded answer, also to another client and after a restart [BUS-2]', async () => {
    const { client: open, runtime, server, socketPath } = await world()
    const client = await open()
    const [one, two] = await Promise.all([
      client.call('lane.create', { name: 'once' }, { key: 'k1' }),
      (await open()).call('lane.create', { name: 'once' }, { key: 'k1' }),
    ])
    expect(two).toEqual(one)
    expect(await client.call('lane.create', { name: 'once' }, { key: 'k1' })).toEqual(one)
    await expect(client.call('lane.create', { name: 'other' }, { key: 'k1' })).rejects.toMatchObject({ code: 'ERR_CONTROL_KEY_REUSED' })
    await expect(client.call('lane.create', { name: 'once' }, { key: 'k2' })).rejects.toMatchObject({ code: 'ERR_LANE_EXISTS' })
    const { runId } = await client.call('runs.start', { plan: { lanes: { a: { commands: ['true'] } } } }, { key: 'k3' })
    await server.close()
    const again = await startControlServer({ runtime, socketPath })
    try {
      const later = await open()
      expect(await later.call('lane.create', { name: 'once' }, { key: 'k1' })).toEqual(one)
      await expect(later.call('lane.create', { name: 'once' }, { key: 'k2' })).rejects.toMatchObject({ code: 'ERR_LANE_EXISTS' })
      expect(await later.call('runs.start', { plan: { lanes: { a: { commands: ['true'] } } } }, { key: 'k3' })).toEqual({ runId })
      expect((await later.call('runs.list', {})).runs).toHaveLength(1)
    } finally {
      await again.close()
    }
  })

  it('remembers the newest keys only', async () => {
    const { client: open, runtime } = await world({ server: { limits: { keys: 5 } } })
    const client = await open()
    for (let count = 0; count < 12; count += 1) await client.call('lane.remove', { lane: 'none' }, { key: `k${count}` }).catch(() => {})
    const kept = await runtime.records.all<{ id: string }>('control-request')
    expect(kept.map(({ id }) => id).sort()).toEqual(['k10', 'k11', 'k7', 'k8', 'k9'])
  })

  it('listens in a directory of its own user, at a path of any length, and takes the place of a dead one', async () => {
    const long = join('x'.repeat(90), 'y'.repeat(90), 'control.sock')
    const { client: open, socketPath, runtime, server } = await world({ socketName: long, name: 'täst repo' })
    expect(Buffer.byteLength(socketPath)).toBeGreaterThan(107)
    expect(statSync(dirname(socketPath)).mode & 0o077).toBe(0)
    expect(await (await open()).call('status', {})).toMatchObject({ state: 'running' })
    await expect(startControlServer({ runtime, socketPath })).rejects.toMatchObject({ code: 'ERR_CONTROL_IN_USE' })
    await server.close()
    expect(existsSync(socketPath)).toBe(false)
    await expect(connect(socketPath)).rejects.toMatchObject({ code: 'ERR_CONTROL_NOT_RUNNING' })
  })

  it('stops everything when asked, tells each phase, and then the socket is gone', async () => {
    const { client: open, socketPath, ground, repo } = await world()
    const client = await open()
    await client.call('lane.create', { name: 'stays' })
    await client.call('terminal.spawn', { lane: 'stays', command: 'sleep 100' })
    const told: unknown[] = []
    const { phases } = await client.call('orchestrator.stop', {}, { onProgress: (progress) => told.push(progress) })
    expect(phases.map(({ phase }) => phase)).toEqual(['accepting', 'runs', 'terminals', 'lanes', 'infrastructure'])
    expect(told.length).toBe(10)
    await until('the socket is gone', () => !existsSync(socketPath))
    expect((await ground()).processes).toEqual([])
    expect(await repo.git('worktree', 'list')).toContain('stays-')
  })
})
