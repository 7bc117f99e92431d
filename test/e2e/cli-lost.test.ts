import { readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { connect } from '../../src/client/index.ts'
import { createProcessTable } from '../../src/adapters/process-table.ts'
import { recordOf } from '../../src/actors/journal.ts'
import type { TerminalInfo } from '../../src/protocols/control/views.ts'
import type { PtyRecord } from '../../src/protocols/records.ts'
import { openEnvironment } from '../../src/runtime/environment.ts'
import { readHostRecord } from '../../src/runtime/host/host-record.ts'
import { until } from '../helpers/cli.ts'
import { type CliDesk, makeCliDesk } from '../helpers/cli-users.ts'

const table = createProcessTable()

let desk: CliDesk
beforeEach(async () => {
  desk = await makeCliDesk()
})
afterEach(async () => {
  await desk.run(['down'])
  await desk.cleanup()
})

type Json = Record<string, unknown>
const json = async (...args: readonly string[]): Promise<Json> => JSON.parse((await desk.run([...args, '--json'])).stdout) as Json
const terminals = async (): Promise<readonly TerminalInfo[]> => (await json('term', 'ls'))['terminals'] as readonly TerminalInfo[]
const terminal = async (name: string): Promise<TerminalInfo> => {
  const found = (await terminals()).find((one) => one.name === name)
  if (found === undefined) throw new Error(`no terminal ${name}`)
  return found
}
const host = () => readHostRecord(join(desk.repo.root, '.git'), table)
const must = async (...args: readonly string[]): Promise<string> => {
  const { code, stdout, stderr } = await desk.run(args)
  if (code !== 0) throw new Error(`signalbox ${args.join(' ')} ended with ${code}: ${stderr}`)
  return stdout
}

/** The orchestrator and the terminal host die at once, in the middle of whatever they do. */
const killBoth = async (): Promise<void> => {
  const { pid } = (await json('status')) as { pid: number }
  const held = host()
  for (const one of [pid, held?.pid ?? 0]) process.kill(one, 'SIGKILL')
  await until('both are gone', () => table.identify(pid) === null && host() === null)
}

/** As if what is recorded were of the boot before this one. */
const reboot = async (): Promise<void> => {
  const env = await openEnvironment({ workspace: desk.repo.root, stateHome: desk.env['XDG_STATE_HOME'] ?? '' })
  const store = await env.openStore()
  const records = (await store.records('pty')).map(({ value }) => value as PtyRecord)
  const before = records.map((pty) => ({ ...pty, process: pty.process === null ? null : { ...pty.process, bootId: 'the boot before' } }))
  await store.commit({ events: [], records: before.map((pty) => recordOf('pty', pty)) })
  await store.close()
}

const ended = (): Promise<void> => until('what ran has ended', () => desk.marked().length === 0)

describe('terminals that are lost', () => {
  it('with the machine: they are said to be lost, with all that they put out, and start again as they were [PTY-21]', async () => {
    await desk.spawn(
      'shell',
      'stty -echo; for i in 1 2 3; do echo "said $i"; done; echo "in $PWD as $SIGNALBOX_LANE"; while read x; do echo "got $x"; done',
    )
    const attached = await desk.user('term attach shell', { cols: 91, rows: 27 })
    await attached.shows('said 3')
    await attached.type('hello\r')
    await attached.shows('got hello')
    await until('its size is on record', async () => (await terminal('shell')).cols === 91)
    const before = await terminal('shell')
    // health looks each 5 s
    await until('its size is on record', async () => {
      const env = await openEnvironment({ workspace: desk.repo.root, stateHome: desk.env['XDG_STATE_HOME'] ?? '' })
      const store = await env.openStore()
      const record = (await store.record('pty', before.ptyId ?? ''))?.value as PtyRecord
      await store.close()
      return record.size?.cols === 91
    })
    await killBoth()
    await attached.isBack(1)
    await ended()
    await reboot()

    await must('up')
    expect(await json('status')).toMatchObject({ recovered: { keptLanes: 1, lostTerminals: 1, adoptedTerminals: 0 } })
    const lost = await terminal('shell')
    expect(lost).toMatchObject({ id: before.id, lost: true, pid: null, state: 'errored', cols: 91, cwd: before.cwd, argv: before.argv })
    expect(lost.envNames).toEqual(before.envNames)
    expect(lost.error).toContain('the machine was started anew')
    expect(await must('term', 'ls')).toMatch(/desk\/shell .* lost /u)
    expect(await must('term', 'logs', 'shell')).toMatch(/said 1\r\n[\s\S]*got hello/u)
    const { lines } = (await json('term', 'text', 'shell')) as { lines: readonly string[] }
    expect(lines.slice(0, 3)).toEqual(['said 1', 'said 2', 'said 3'])
    expect(lines.at(-1)).toBe('got hello')
    expect(await json('term', 'search', 'shell', 'said 2')).toMatchObject({ matches: [{ line: 'said 2' }] })
    const why = await must('why', 'desk/shell')
    expect(why).toContain('the machine was started anew')
    expect(why).toContain('signalbox term respawn desk/shell')
    expect(desk.marked()).toEqual([])

    expect(await must('term', 'respawn', 'shell')).toMatch(/^terminal desk\/shell: active, pid \d+/u)
    const again = await terminal('shell')
    expect(again).toMatchObject({ id: before.id, lost: false, attempts: 2, cwd: before.cwd, argv: before.argv, cols: 91 })
    expect(again.envNames).toEqual(before.envNames)
    await until('it runs as it did', async () => (await must('term', 'logs', 'shell')).includes(`in ${before.cwd} as desk`))
    expect(await must('term', 'logs', 'shell', '--attempt', '1')).toContain('got hello')
    const twice = await desk.run(['term', 'respawn', 'shell'])
    expect(twice.code).not.toBe(0)
    expect(twice.stderr).toContain('runs already')
  })

  it('while one is being closed: the orchestrator goes on, and the end is on record [PTY-7, PTY-9]', async () => {
    await desk.spawn('shell', 'trap "" HUP TERM; echo ready; while :; do sleep 0.1; done')
    const { pid, socket } = (await json('status')) as { pid: number; socket: string }
    await using client = await connect(socket)
    const closing = client.call('terminal.kill', { terminal: 'shell', graceMs: 60_000 })
    for await (const { event } of client.subscribe({ topics: ['terminal.ending'], since: 1 })) if (event !== undefined) break
    process.kill(host()?.pid ?? 0, 'SIGKILL')
    await closing
    expect(await json('status')).toMatchObject({ state: 'ready', pid })
    expect(await terminal('shell')).toMatchObject({ state: 'errored', pid: null, error: expect.stringContaining('was lost') })
    expect(desk.marked()).toEqual([])
  })

  it('with their log cut, garbled, or gone: nothing else is lost by it, and they start again [PTY-21]', async () => {
    for (const name of ['cut', 'garbled', 'gone', 'whole']) {
      await desk.spawn(name, `echo "first of ${name}"; echo "last of ${name}"; sleep 1000`)
      await until('it has said all', async () => (await must('term', 'logs', name)).includes('last of'))
    }
    const logs = new Map((await terminals()).map(({ name, log }) => [name, log ?? '']))
    await killBoth()
    await ended()
    truncateSync(logs.get('cut') ?? '', 8)
    writeFileSync(logs.get('garbled') ?? '', Buffer.from(Array.from({ length: 5_000 }, (_, index) => (index * 7_919) % 256)))
    rmSync(logs.get('gone') ?? '')

    await must('up')
    expect((await terminals()).map(({ lost }) => lost)).toEqual([true, true, true, true])
    expect(await json('term', 'text', 'cut')).toMatchObject({ lines: ['first of'] })
    expect((await desk.run(['term', 'text', 'garbled'])).code).toBe(0)
    const gone = await desk.run(['term', 'text', 'gone'])
    expect(gone.code).not.toBe(0)
    expect(gone.stderr).toContain('cannot be read')
    expect(await json('term', 'text', 'whole')).toMatchObject({ lines: ['first of whole', 'last of whole'] })
    for (const name of logs.keys()) expect(await must('term', 'respawn', name)).toContain('active')
  })

  it('before they could be asked, though they put out more than the half of their log: its newest part is found [PTY-21]', async () => {
    await must('down')
    desk.env['SIGNALBOX_LOGS_MAX_BYTES'] = '65536'
    await must('up')
    await desk.spawn('loud', 'seq 1 30000; echo the end; sleep 1000')
    await until('it has said all', async () => (await must('term', 'logs', 'loud')).includes('the end'))
    const { log } = await terminal('loud')
    await killBoth()
    await ended()
    expect(readdirSync(dirname(log ?? '')).filter((name) => name.includes('.part-')).length).toBeGreaterThan(1)
    expect(readFileSync(log ?? '', 'latin1')).not.toContain('the end')
    await must('up')
    expect(await must('term', 'logs', 'loud')).toMatch(/29999\r\n30000\r\nthe end\r\n$/u)
    const { lines } = (await json('term', 'text', 'loud')) as { lines: readonly string[] }
    expect(lines.slice(-2)).toEqual(['30000', 'the end'])
  })

  it('stay so at the next starts, whatever their restart type says, but where the policy wants them started [PTY-21]', async () => {
    const { socket } = (await json('status')) as { socket: string }
    const client = await connect(socket)
    await client.call('terminal.spawn', { lane: 'desk', name: 'plain', command: 'sleep 1000', restart: 'permanent' })
    client.close()
    await killBoth()
    await ended()
    await must('up')
    await must('down', '--keep')
    await must('up')
    expect(await terminal('plain')).toMatchObject({ lost: true, attempts: 1 })
    expect(desk.marked()).toEqual([])
    await must('term', 'respawn', 'plain')
    await killBoth()
    await ended()
    desk.env['SIGNALBOX_TERMINALS_RESPAWN_LOST'] = 'true'
    await must('up')
    await until('it is started again', async () => {
      const { attempts, state, lost } = await terminal('plain')
      return attempts === 3 && state === 'active' && !lost
    })
  })

  it('with the terminal host alone: by policy they are started again, but not again and again [PTY-21]', async () => {
    await must('down')
    desk.env['SIGNALBOX_TERMINALS_RESPAWN_LOST'] = 'true'
    await must('up')
    await desk.spawn('plain', 'echo plain; sleep 1000')
    const kill = (): void => void process.kill(host()?.pid ?? 0, 'SIGKILL')
    kill()
    await until('it is started again', async () => {
      const { attempts, state } = await terminal('plain')
      return attempts === 2 && state === 'active'
    })
    kill()
    await until('it is lost', async () => (await terminal('plain')).lost)
    expect(await terminal('plain')).toMatchObject({ attempts: 2, error: expect.stringContaining('terminal host') as unknown })
    expect(await must('why', 'desk/plain')).toMatch(/was lost[\s\S]*terminal host[\s\S]*term respawn/u)
  })

  it('leave daemons that outlived them: the next start ends these, and says so [PTY-15, PTY-21]', async () => {
    await desk.spawn('server', `setsid sh -c 'trap "" HUP; while :; do sleep 0.1; done' & echo ready; sleep 1000`)
    await until('it runs', async () => (await must('term', 'logs', 'server')).includes('ready'))
    await killBoth()
    await until('the daemon alone is left', () => {
      const pids = desk.marked()
      return pids.length > 0 && pids.length < 3 && pids.every((pid) => !readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes('1000'))
    })
    await must('up')
    await ended()
    expect(await must('logs')).toMatch(/process \d+ \(sh -c trap .*\) of desk\/server, which was lost: ended by SIG/u)
  })

  it('of a run, are said to be lost at once, and say why they are not started again alone [PTY-21]', async () => {
    const plan = desk.plan('lanes:\n  a:\n    commands:\n      - name: sleeps\n        run: echo slept; sleep 1000\n')
    const run = desk.start(['run', plan])
    await until('it runs', async () => (await terminals()).some(({ name, state }) => name === 'sleeps' && state === 'active'))
    await killBoth()
    await run.finished
    await ended()
    await must('up')
    expect(await terminal('sleeps')).toMatchObject({ lost: true, pid: null })
    expect(await must('term', 'logs', 'sleeps')).toContain('slept')
    const { code, stderr } = await desk.run(['term', 'respawn', 'sleeps'])
    expect(code).not.toBe(0)
    expect(stderr).toMatch(/belongs to run rn_/u)
    await must('doctor', '--fix')
  })
})
