import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createProcessTable } from '../../src/adapters/process-table.ts'
import { systemClock } from '../../src/adapters/system/system-clock.adapter.ts'
import type { ProcessIdentity } from '../../src/ports/process-table.port.ts'
import { hostPlace } from '../../src/runtime/host/host-place.ts'
import { type HostRecord, readHostRecord } from '../../src/runtime/host/host-record.ts'
import { RemoteTerminalHost } from '../../src/terminal-host/remote-host.ts'
import { until } from '../helpers/cli.ts'
import { type CliDesk, makeCliDesk } from '../helpers/cli-users.ts'

const table = createProcessTable()
const OTHER = { major: 77, minor: 0 } as const

let desk: CliDesk
let commonDir: string
beforeEach(async () => {
  desk = await makeCliDesk()
  commonDir = join(desk.repo.root, '.git')
  await desk.run(['down'])
})
afterEach(async () => {
  await desk.run(['down'])
  await desk.cleanup()
})

const host = (): HostRecord | null => readHostRecord(commonDir, table)

/** The terminal host that another version of signalbox left, with a terminal that ends when its file is there. */
const otherVersion = async (): Promise<{ readonly record: HostRecord; readonly log: string; readonly end: () => void }> => {
  const options = {
    commonDir,
    socket: join(desk.repo.base, 's', 'terminals.sock'),
    log: join(desk.repo.base, 'host.log'),
    version: '77.0.0',
    graceMs: 60_000,
    protocol: OTHER,
  }
  const place = hostPlace(options, { clock: systemClock, table, env: process.env })
  const identity = table.identify(process.pid) as ProcessIdentity
  const client = { protocol: OTHER, version: '77.0.0', identity }
  const theirs = await RemoteTerminalHost.open({ clock: systemClock, processTable: table, place, client })
  const go = join(desk.repo.base, 'go')
  const log = join(desk.repo.base, 'terminal.log')
  const mark = `ws_other${process.pid}/pt_other/1`
  await theirs.spawn({
    ptyId: 'pt_other',
    argv: ['/bin/sh', '-c', `while [ ! -e '${go}' ]; do sleep 0.02; done; echo last words`],
    cwd: desk.repo.base,
    env: { PATH: process.env['PATH'] ?? '', SIGNALBOX_MARK: mark },
    mark,
    log: { path: log },
  })
  theirs.detach()
  return { record: host() as HostRecord, log, end: () => writeFileSync(go, '') }
}

describe('a terminal host of another major version', () => {
  it('is said to be one, with what to do; drained, it ends with its last terminal, and another takes its place [PTY-14]', async () => {
    const { record, log, end } = await otherVersion()
    const refused = await desk.run(['up'])
    expect(refused.code).not.toBe(0)
    expect(refused.stderr).toMatch(/signalbox 77\.0\.0\) speaks version 77 of its protocol, this signalbox 1\.[\s\S]*signalbox up --drain/u)

    const impatient = desk.start(['up', '--drain'])
    await until('it waits', () => impatient.errors().includes('draining'))
    impatient.child.kill('SIGINT')
    expect((await impatient.finished).code).toBe(130)
    expect(table.isAlive(record)).toBe(true)

    const draining = desk.start(['up', '--drain', '--json'])
    await until('it waits', () => draining.errors().includes(`draining: the terminal host of signalbox 77.0.0 (pid ${record.pid})`))
    expect(draining.output()).toBe('')
    end()
    const { code, stdout } = await draining.finished
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ type: 'up', isNew: true })
    expect(table.isAlive(record)).toBe(false)
    expect(readFileSync(log, 'latin1')).toBe('last words\r\n')

    await desk.spawn('new', 'sleep 1000')
    expect(host()?.pid).not.toBe(record.pid)
    expect((await desk.run(['up', '--drain'])).stdout).toContain('runs already')
  })

  it('is ended with its terminals by `down`, though nothing else can be asked of it [PTY-7, PTY-14]', async () => {
    const { record } = await otherVersion()
    const { code, stdout } = await desk.run(['down'])
    expect(code).toBe(0)
    expect(stdout).toContain(`ended: the terminal host of another version (pid ${record.pid}), and its terminals`)
    expect(table.isAlive(record)).toBe(false)
    expect(await table.findByMark(`ws_other${process.pid}/`)).toEqual([])
    expect((await desk.run(['up'])).code).toBe(0)
  })

  it('keeps nobody away who does not need it [PTY-14]', async () => {
    const { record } = await otherVersion()
    desk.env['SIGNALBOX_TERMINALS_HOST'] = 'in-process'
    expect((await desk.run(['up'])).code).toBe(0)
    expect(table.isAlive(record)).toBe(true)
    expect((await table.findByMark(`ws_other${process.pid}/`)).length).toBeGreaterThan(0)
  })
})
