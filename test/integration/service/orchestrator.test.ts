import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createConnection } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createCgroups } from '../../../src/adapters/cgroups.ts'
import { writeRecord } from '../../../src/runtime/service/orchestrator-record.ts'
import type { ErrorCode } from '../../../src/protocols/errors.ts'
import type { RunRecord } from '../../../src/protocols/records.ts'
import { openInspection } from '../../../src/runtime/inspection.ts'
import { until } from '../../helpers/cli.ts'
import { readHostRecord } from '../../../src/runtime/host/host-record.ts'
import { bystander, makeServiceWorld, type ServiceWorld } from './service-kit.ts'

const IN_PROCESS = { SIGNALBOX_TERMINALS_HOST: 'in-process' }

let world: ServiceWorld
beforeEach(async () => void (world = await makeServiceWorld()))
afterEach(() => world.cleanup())

const recordOf = (pid: number, startTime: string, bootId: string) =>
  ({
    pid,
    startTime,
    bootId,
    startedAt: 1,
    state: 'ready',
    phase: null,
    socket: '/s',
    log: null,
    version: '0',
    recovered: null,
    pending: [],
  }) as const

const commandOf = (pid: string): string => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return ''
  }
}

/** Processes of the world's terminals. */
const marked = async (): Promise<readonly number[]> => {
  const pids = (await world.table.findByMark('ws_')).map(({ pid }) => pid)
  return pids.filter((pid) => {
    try {
      return readlinkSync(`/proc/${pid}/cwd`).startsWith(world.repo.base)
    } catch {
      // One of another test, which has ended.
      return false
    }
  })
}

describe('the orchestrator in the background', () => {
  it('is ready with a session, log and working directory of its own, and leaves nothing when it is stopped', async () => {
    const { record, isNew } = await world.up()
    expect(isNew).toBe(true)
    const { pid } = record
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /su, '')
      .split(' ')
    expect(Number(stat[3])).toBe(pid) // session
    expect(readlinkSync(`/proc/${pid}/cwd`)).toBe(world.repo.root)
    expect(statSync(record.socket).isSocket()).toBe(true)
    expect(world.logText()).toMatch(/ready: /u)
    await world.down()
    expect(world.table.identify(pid)).toBe(null)
    expect(existsSync(record.socket)).toBe(false)
    expect(world.record()).toEqual({ living: null, dead: null })
    expect(readdirSync(join(world.commonDir, 'signalbox', 'owners'))).toEqual([])
    expect(world.logText()).toMatch(/stopping: SIGINT[\s\S]*stopped\n$/u)
  })

  it('holds no descriptor of who started it, so that a pipeline around `up` ends', async () => {
    const { record } = await world.up()
    const targets = ['0', '1', '2'].map((fd) => readlinkSync(`/proc/${record.pid}/fd/${fd}`))
    expect(targets).toEqual(['/dev/null', world.log, world.log])
    await world.down()
    // A descriptor beyond those that node itself marks.
    const program = `
      import { startInBackground } from ${JSON.stringify(join(import.meta.dirname, '../../../src/runtime/service/background.ts'))}
      import { systemClock } from ${JSON.stringify(join(import.meta.dirname, '../../../src/adapters/system/system-clock.adapter.ts'))}
      import { createProcessTable } from ${JSON.stringify(join(import.meta.dirname, '../../../src/adapters/process-table.ts'))}
      const [root, log, entry] = process.argv.slice(1)
      await startInBackground({ root, commonDir: root + '/.git' }, [process.execPath, entry, log], process.env, log,
        { clock: systemClock, table: createProcessTable() })`
    const args = [
      process.execPath,
      '--input-type=module',
      '-e',
      program,
      world.repo.root,
      world.log,
      join(import.meta.dirname, 'fixtures/orchestrator-process.ts'),
    ]
    const { stdout, status } = spawnSync('bash', ['--norc', '-c', 'exec 77>&1; "$@"; echo done', 'bash', ...args], {
      env: world.env,
      cwd: world.repo.root,
      encoding: 'utf8',
      timeout: 50_000,
    })
    expect({ stdout, status }).toEqual({ stdout: 'done\n', status: 0 })
    expect(world.record().living).not.toBe(null)
  })

  it('is one for a repository: of ten started at once one wins and all others report it', async () => {
    const started = await Promise.all(Array.from({ length: 10 }, () => world.up()))
    const pids = new Set(started.map(({ record }) => record.pid))
    expect(pids.size).toBe(1)
    expect(started.filter(({ isNew }) => isNew)).toHaveLength(1)
    expect(world.table.isAlive(started[0]!.record)).toBe(true)
    expect((await world.up()).isNew).toBe(false)
    // None of those that came too late is left to take its place.
    const programs = readdirSync('/proc').filter((pid) => /^\d+$/u.test(pid) && commandOf(pid).includes(world.log))
    expect(programs.map(Number)).toEqual([...pids])
  })

  it.each([
    ['a pid that is dead', () => recordOf(2 ** 22 - 1, '1', 'boot')],
    ['a living process that is none of ours', (pid: number) => recordOf(pid, '1', 'boot')],
    [
      'a pid that is used again',
      (pid: number, world: ServiceWorld) => ({ ...recordOf(pid, '1', 'b'), ...world.table.identify(pid), startTime: '17' }),
    ],
    [
      'a boot before this one',
      (pid: number, world: ServiceWorld) => ({ ...recordOf(pid, '1', 'b'), ...world.table.identify(pid), bootId: 'before' }),
    ],
  ] as const)('a record of %s is that of a dead one, and its socket and process are left alone', async (_title, make) => {
    const other = bystander()
    try {
      mkdirSync(join(world.commonDir, 'signalbox'), { recursive: true })
      writeRecord(world.commonDir, make(other.pid, world))
      expect(world.record().living).toBe(null)
      expect(world.record().dead).not.toBe(null)
      expect((await world.up()).isNew).toBe(true)
      expect(world.logText()).toMatch(/died without a word/u)
      expect(world.table.identify(other.pid)).not.toBe(null)
    } finally {
      other.kill()
    }
  })

  it('a record that is no record counts as none', async () => {
    mkdirSync(join(world.commonDir, 'signalbox'), { recursive: true })
    for (const text of ['', '{', 'null', '[]', '{"pid":1}', '{"pid":"1"}']) {
      writeFileSync(join(world.commonDir, 'signalbox/orchestrator.json'), text)
      expect(world.record()).toEqual({ living: null, dead: null })
    }
  })

  it('killed with a run under way: the next one goes on with it, on the terminals that outlived the first [PTY-14]', async () => {
    const { record } = await world.up({ TEST_FAULT: 'plan' })
    await until('its command runs', async () => (await marked()).length > 0)
    const before = await marked()
    process.kill(record.pid, 'SIGKILL')
    await until('it is gone', () => !world.table.isAlive(record))
    expect(await marked()).toEqual(before)
    const again = await world.up()
    expect(again.record.recovered).toEqual({
      interruptedRuns: 0,
      openLanes: 0,
      keptLanes: 0,
      lostTerminals: 0,
      adoptedRuns: 1,
      adoptedTerminals: 1,
    })
    expect(world.logText()).toMatch(/1 terminal taken over: .*\n.*1 run of a process that died: gone on with/u)
    const inspection = await openInspection({ workspace: world.repo.root, stateHome: world.env['XDG_STATE_HOME'] ?? '' })
    const [run]: readonly RunRecord[] = await inspection.runs()
    expect(run).toMatchObject({ owner: { pid: again.record.pid }, endedAt: null })
    expect(await marked()).toEqual(before)
    expect(await world.down()).toContain('runs')
    const [ended]: readonly RunRecord[] = await inspection.runs()
    expect(ended).toMatchObject({ outcome: 'interrupted', summary: { lanes: [{ outcome: 'interrupted', worktree: null }] } })
    await inspection.close()
    expect(await marked()).toEqual([])
    expect(readHostRecord(world.commonDir, world.table)).toBe(null)
  })

  it('killed with a lane of its own: the next one brings the lane back, with its terminal [PTY-14]', async () => {
    const { record } = await world.up({ TEST_FAULT: 'lane' })
    const before = await marked()
    process.kill(record.pid, 'SIGKILL')
    await until('it is gone', () => !world.table.isAlive(record))
    const again = await world.up()
    expect(again.record.recovered).toMatchObject({ keptLanes: 1, lostTerminals: 0, adoptedTerminals: 1 })
    expect(await marked()).toEqual(before)
    await world.down()
    expect(await marked()).toEqual([])
    expect((await world.up()).record.recovered).toMatchObject({ keptLanes: 1, lostTerminals: 0, adoptedTerminals: 0 })
  })

  it('killed together with the terminal host: the next one says what was lost, and what was left running is ended [PTY-9, PTY-14]', async () => {
    const { record } = await world.up({ TEST_FAULT: 'stubborn' })
    const host = readHostRecord(world.commonDir, world.table)
    for (const pid of [record.pid, host?.pid ?? 0]) process.kill(pid, 'SIGKILL')
    await until('they are gone', () => !world.table.isAlive(record) && readHostRecord(world.commonDir, world.table) === null)
    const left = await world.table.findByMark('ws_')
    const again = await world.up()
    expect(again.record.recovered).toMatchObject({ keptLanes: 1, lostTerminals: 1, adoptedTerminals: 0 })
    expect(await marked()).toEqual([])
    expect(world.logText()).toMatch(/process \d+ \(.*\) of docs\/.*, which was lost: ended by SIGKILL/u)
    for (const { mark } of left)
      if (mark !== null && (await world.table.findByMark(mark)).length === 0) expect(await createCgroups().find(mark)).toEqual([])
    // Nor is anything left of what the first one said of itself.
    expect(readdirSync(join(world.commonDir, 'signalbox', 'owners'))).toHaveLength(1)
  })

  it('hands over at SIGTERM: what runs goes on, and the next one has it [PTY-14]', async () => {
    await world.up({ TEST_FAULT: 'plan' })
    await until('its command runs', async () => (await marked()).length > 0)
    const before = await marked()
    await world.down(true)
    expect(world.logText()).toMatch(/stopping: SIGTERM/u)
    expect(world.record()).toEqual({ living: null, dead: null })
    expect(await marked()).toEqual(before)
    expect((await world.up()).record.recovered).toMatchObject({ interruptedRuns: 0, adoptedRuns: 1, adoptedTerminals: 1, lostTerminals: 0 })
    expect(await marked()).toEqual(before)
    await world.down()
    expect(await marked()).toEqual([])
  })

  it('with terminals in its own process, killed with a run under way: the next one says what was interrupted and lost [PTY-14]', async () => {
    const { record } = await world.up({ TEST_FAULT: 'plan', ...IN_PROCESS })
    process.kill(record.pid, 'SIGKILL')
    await until('it is gone', () => !world.table.isAlive(record))
    expect(world.record().dead?.pid).toBe(record.pid)
    const again = await world.up(IN_PROCESS)
    expect(again.record.recovered).toMatchObject({ interruptedRuns: 1, openLanes: 1, keptLanes: 0, lostTerminals: 1 })
    expect(world.logText()).toMatch(/1 run of a process that died: interrupted\n.*1 terminal lost: .*\n.*doctor --fix/u)
    const inspection = await openInspection({ workspace: world.repo.root, stateHome: world.env['XDG_STATE_HOME'] ?? '' })
    const [run]: readonly RunRecord[] = await inspection.runs()
    expect(run?.owner.pid).toBe(record.pid)
    await inspection.close()
    for (const pid of await marked()) process.kill(pid, 'SIGKILL')
  })

  it('with terminals in its own process, killed with a lane of its own: the next one brings the lane back, and says that its terminal is lost', async () => {
    const { record } = await world.up({ TEST_FAULT: 'lane', ...IN_PROCESS })
    process.kill(record.pid, 'SIGKILL')
    await until('it is gone', () => !world.table.isAlive(record))
    const again = await world.up(IN_PROCESS)
    expect(again.record.recovered).toMatchObject({ interruptedRuns: 0, openLanes: 0, keptLanes: 1, lostTerminals: 1 })
    expect(world.logText()).toMatch(/1 terminal lost: .*\n.*1 lane brought back/u)
    await world.down()
    expect(await world.repo.git('worktree', 'list')).toContain('docs-')
    expect((await world.up(IN_PROCESS)).record.recovered).toMatchObject({
      interruptedRuns: 0,
      openLanes: 0,
      keptLanes: 1,
      lostTerminals: 0,
    })
  })

  it('ends on a signal also where its repository and records were removed beneath it', async () => {
    const { record } = await world.up({ TEST_FAULT: 'lane' })
    const terminals = await marked()
    expect(terminals).not.toEqual([])
    rmSync(world.repo.root, { recursive: true })
    rmSync(join(world.base, 'state'), { recursive: true })
    process.kill(record.pid, 'SIGINT')
    await until('it is gone', () => !world.table.isAlive(record))
    expect(terminals.map((pid) => world.table.identify(pid))).toEqual(terminals.map(() => null))
    expect(world.logText()).toMatch(/stopping: SIGINT/u)
  })

  it('ends what runs when it is asked to stop, by signal or by a client', async () => {
    const first = await world.up({ TEST_FAULT: 'plan' })
    expect(await world.down()).toContain('runs')
    expect(world.logText()).toMatch(/stopping: SIGINT[\s\S]*run\.ended/u)
    const second = await world.up({ TEST_FAULT: 'plan' })
    expect(second.record.pid).not.toBe(first.record.pid)
    await new Promise<void>((resolve) =>
      createConnection(second.record.socket, function (this: NodeJS.WritableStream) {
        this.write('stop')
      }).once('close', () => resolve()),
    )
    await until('it is gone', () => !world.table.isAlive(second.record))
    expect(world.record()).toEqual({ living: null, dead: null })
    expect(world.logText()).toMatch(/stopping: a client/u)
  })

  it.each([
    ['the control server fails', { TEST_FAULT: 'control' }, 'the control server was told to fail'],
    ['a setting is wrong', { SIGNALBOX_RUN_PARALLEL: '0' }, 'SIGNALBOX_RUN_PARALLEL: run.parallel is 0'],
    ['git is missing', { PATH: '/nowhere' }, 'no git is on the PATH'],
  ] as const)('that dies at its start because %s is told with its last lines', async (_title, env, text) => {
    await expect(world.up(env)).rejects.toMatchObject({
      code: 'ERR_ORCHESTRATOR_FAILED' satisfies ErrorCode,
      message: expect.stringContaining(text),
    })
    expect(world.record()).toEqual({ living: null, dead: null })
    expect((await world.up()).isNew).toBe(true)
  })

  it('that cannot be started at all is told', async () => {
    await expect(world.up({ XDG_STATE_HOME: '/dev/null' })).rejects.toThrow(/\/dev\/null/u)
  })

  it('takes settings over while it runs, says which need a new start, and keeps the old ones when a file is wrong', async () => {
    const { record } = await world.up()
    writeFileSync(join(world.repo.root, 'signalbox.yaml'), 'run: { parallel: 7 }\nhistory: { days: 3 }\n')
    await until(
      'both are told',
      () =>
        /run\.parallel is 7 now, before 4/u.test(world.logText()) && /history\.days was changed to 3; it stays 14/u.test(world.logText()),
    )
    await until('it is on record', () => world.record().living?.pending.join() === 'history.days')
    writeFileSync(join(world.repo.root, 'signalbox.yaml'), 'run: { parallel: x }\n')
    process.kill(record.pid, 'SIGHUP')
    await until('it is refused', () => /not taken over: .*signalbox\.yaml:1:18/u.test(world.logText()))
    mkdirSync(join(world.base, 'config/signalbox'), { recursive: true })
    writeFileSync(join(world.repo.root, 'signalbox.yaml'), '')
    writeFileSync(join(world.base, 'config/signalbox/config.yaml'), 'run: { parallel: 8 }\n')
    await until('the file of the user is found', () => /run\.parallel is 8 now/u.test(world.logText()))
  })
})
