import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { RunSummary } from '../../src/protocols/summary.ts'
import { type CliWorld, makeCliWorld, until } from '../helpers/cli.ts'

let world: CliWorld
let runtimeDirectory: string
beforeEach(async () => {
  world = await makeCliWorld({ name: 'a repo — mit Lücken' })
  runtimeDirectory = mkdtempSync(join(tmpdir(), 'signalbox-run-'))
  // Longer than a socket's path may be.
  world.env['XDG_RUNTIME_DIR'] = join(runtimeDirectory, 'x'.repeat(120))
})
afterEach(async () => {
  await world.run(['down'])
  await world.cleanup()
  rmSync(runtimeDirectory, { recursive: true, force: true })
})

type Json = Record<string, unknown>
const json = async (...args: string[]): Promise<Json & { code: number | null }> => {
  const { code, stdout } = await world.run([...args, '--json'])
  return { code, ...(JSON.parse(stdout) as Json) }
}
const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '')
const SLEEPS = 'lanes: { a: { commands: [{ name: sleeps, run: sleep 1000 }] } }\n'

describe('signalbox up', () => {
  it('starts one, shows it, and stops it; a socket path of any length', async () => {
    expect(await json('status')).toMatchObject({ code: 3, state: 'down', pid: null, died: null })
    const up = await json('up')
    expect(up).toMatchObject({ code: 0, isNew: true, state: 'ready' })
    expect(await json('up')).toMatchObject({ code: 0, isNew: false, pid: up['pid'] })
    expect(await json('status')).toMatchObject({
      code: 0,
      state: 'ready',
      pid: up['pid'],
      socket: expect.stringMatching(/x{120}/u),
      counts: { lanes: 0, terminals: 0, runs: 0, clients: 0 },
    })
    expect((await world.run(['status'])).stdout).toMatch(/^ready: orchestrator \d.*, pid \d+, for \d+s\n {2}0 lanes, 0 terminals/u)
    expect((await world.run(['logs'])).stdout).toMatch(/ready: /u)
    expect(await json('down')).toMatchObject({ code: 0, pid: up['pid'] })
    expect(await json('down')).toMatchObject({ code: 0, pid: null })
    expect((await world.run(['status'])).stdout).toBe('no orchestrator runs here\nnext: signalbox up\n')
    expect((await world.run(['logs', '--lines', '1'])).stdout).toMatch(/^\S+ stopped\n$/u)
  })

  it('runs plans for `run`: events, summary and exit code as without it', async () => {
    await world.run(['up'])
    writeFileSync(join(world.repo.root, 'signalbox.yaml'), 'command: { intensity: { restarts: 2 } }\n')
    const { pid } = await json('status')
    await until('the settings are taken over', async () => (await world.run(['logs'])).stdout.includes('intensity.restarts is 2 now'))
    const plan = world.plan(
      'lanes: { 2: { commands: ["echo one"] }, 1: { commands: [{ name: fails, run: exit 9, restart: transient, backoff: { minMs: 1 } }] } }\n',
    )
    const { code, stdout, stderr } = await world.run(['run', plan, '--json'])
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' })
    const events = lines(stdout).map((line) => JSON.parse(line) as Json)
    expect(events[0]).toMatchObject({ type: 'run.started', sequence: 1 })
    expect(events.at(-2)).toMatchObject({ type: 'run.ended' })
    const summary = events.at(-1) as unknown as RunSummary
    expect(summary.lanes.map(({ name, outcome }) => [name, outcome])).toEqual([
      ['2', 'succeeded'],
      ['1', 'failed'],
    ])
    expect(summary.lanes[1]?.commands[0]?.attempts).toBe(3)
    const { runs } = (await json('runs')) as unknown as { runs: { owner: { pid: number } }[] }
    expect(runs.map(({ owner }) => owner.pid)).toEqual([pid])
    const own = await world.run(['run', '--own', world.plan('lanes: { a: { commands: ["true"] } }'), '--json'])
    expect(own.code).toBe(0)
    expect(((await json('runs')) as unknown as { runs: { owner: { pid: number } }[] }).runs[1]?.owner.pid).not.toBe(pid)
  })

  it('an interrupted `run` ends its run alone', async () => {
    await world.run(['up'])
    const other = world.start(['run', world.plan(SLEEPS), '--json'])
    const started = world.start(['run', world.plan(SLEEPS), '--json'])
    await until('both run', () => [other, started].every(({ output }) => output().includes('"type":"pty.spawned"')))
    expect(await json('status')).toMatchObject({ counts: { lanes: 2, terminals: 2, runs: 2 } })
    started.child.kill('SIGINT')
    expect((await started.finished).code).toBe(130)
    expect(await json('status')).toMatchObject({ state: 'ready', counts: { runs: 1 } })
    const { code, stderr } = await world.run(['down'])
    expect(code).toBe(0)
    expect(stderr).toMatch(/stopping: runs …/u)
    const rest = await other.finished
    expect(JSON.parse(lines(rest.stdout).at(-1) ?? '')).toMatchObject({ type: 'summary', outcome: 'interrupted' })
    expect(rest.code).toBe(130)
    expect(world.marked()).toEqual([])
  })

  it('killed under a `run`: that says so and ends; the run goes on, and the next one has it [PTY-14]', async () => {
    await world.run(['up'])
    const started = world.start(['run', world.plan(SLEEPS), '--json'])
    await until('it runs', () => started.output().includes('"type":"pty.spawned"'))
    const { pid } = await json('status')
    process.kill(Number(pid), 'SIGKILL')
    const { code, stderr } = await started.finished
    expect(code).not.toBe(0)
    expect(stderr).toMatch(/^signalbox: .*orchestrator[\s\S]*\nnext: /u)
    expect(await json('status')).toMatchObject({ code: 3, state: 'down', died: pid })
    const running = world.marked()
    expect(running).not.toEqual([])
    expect((await world.run(['doctor'])).stdout).toMatch(/holds; signalbox up takes it over/u)
    expect(await json('up')).toMatchObject({ code: 0, isNew: true })
    expect(await json('status')).toMatchObject({ recovered: { interruptedRuns: 0, adoptedRuns: 1, adoptedTerminals: 1, lostTerminals: 0 } })
    expect((await world.run(['doctor', '--fix'])).code).toBe(0)
    expect(world.marked()).toEqual(running)
    await world.run(['down'])
    expect(world.marked()).toEqual([])
  })

  it('in the foreground logs to stderr and ends at Ctrl-C; a second one says where the first is: 2', async () => {
    const first = world.start(['up', '--foreground'])
    let status: Json = {}
    await until('it is ready', async () => (status = await json('status'))['state'] === 'ready')
    expect(status).toMatchObject({ pid: first.child.pid, log: null })
    const second = await world.run(['up', '--foreground'])
    expect(second).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(`process ${first.child.pid} is the orchestrator of ${world.repo.root}`),
    })
    expect(await world.run(['logs'])).toMatchObject({ code: 3, stderr: expect.stringContaining('logs to the terminal') })
    first.child.kill('SIGINT')
    const { code, stderr } = await first.finished
    expect(code).toBe(0)
    expect(stderr).toMatch(/ready: [\s\S]*stopping: SIGINT[\s\S]*stopped\n$/u)
  })

  it('that cannot start says why with the last lines of its log, and refuses wrong settings before it tries', async () => {
    writeFileSync(join(world.repo.root, 'signalbox.yaml'), 'run: { parallel: 0 }\n')
    expect(await world.run(['up'])).toMatchObject({ code: 2, stderr: expect.stringMatching(/signalbox\.yaml:1:18/u) })
    writeFileSync(join(world.repo.root, 'signalbox.yaml'), '')
    world.env['XDG_RUNTIME_DIR'] = '/dev/null'
    const { code, stderr } = await world.run(['up'])
    expect(code).toBe(1)
    expect(stderr).toMatch(/did not start: it ended with exit code \d+\n[\s\S]*\/dev\/null/u)
  })

  it('`logs --follow` goes on to the end', async () => {
    await world.run(['up'])
    const logs = world.start(['logs', '--follow'])
    await until('it shows the beginning', () => logs.output().includes('ready: '))
    await world.run(['run', world.plan('lanes: { a: { commands: ["true"] } }')])
    await until('it shows the run', () => logs.output().includes('run.ended'))
    await world.run(['down'])
    expect((await logs.finished).code).toBe(0)
    expect(logs.output()).toMatch(/stopped\n$/u)
    expect(readFileSync(join(world.repo.root, '.git/signalbox/workspace'), 'utf8')).toMatch(/^ws_/u)
  })
})
