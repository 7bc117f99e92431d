import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { WhyAnswer } from '../../src/protocols/why.ts'
import { type CliWorld, makeCliWorld, until } from '../helpers/cli.ts'
import { expectOnPage, type Places } from '../integration/why/page.ts'

let world: CliWorld
let runtimeDirectory: string
beforeEach(async () => {
  world = await makeCliWorld({ name: 'shop' })
  runtimeDirectory = mkdtempSync(join(tmpdir(), 'signalbox-run-'))
  world.env['XDG_RUNTIME_DIR'] = runtimeDirectory
})
afterEach(async () => {
  await world.run(['down'])
  await world.run(['doctor', '--fix'])
  await world.cleanup()
  rmSync(runtimeDirectory, { recursive: true, force: true })
})

const why = async (...args: string[]): Promise<WhyAnswer> => JSON.parse((await world.run(['why', ...args, '--json'])).stdout) as WhyAnswer
const placesOf = (): Places => {
  const states = join(world.env['XDG_STATE_HOME'] ?? '', 'signalbox')
  return { root: world.repo.root, stateDirectory: join(states, readdirSync(states)[0] ?? '') }
}
const SLEEPS = 'lanes: { parser: { commands: [{ name: server, run: sleep 1000 }] } }\n'

const IN_PROCESS = { SIGNALBOX_TERMINALS_HOST: 'in-process' }

/** Starts an orchestrator that runs a plan. @returns its pid */
const up = async (): Promise<number> => {
  await world.run(['up'])
  const run = world.start(['run', world.plan(SLEEPS), '--json'])
  await until('it runs', () => run.output().includes('"to":"active"'))
  const { pid } = JSON.parse((await world.run(['status', '--json'])).stdout) as { pid: number }
  return pid
}

describe('signalbox why', () => {
  it('is answered by the orchestrator that runs, which also knows its actors, and else from the records [SUP-9]', async () => {
    await up()
    const answer = await why('parser/server')
    expect(answer).toMatchObject({
      state: 'running',
      subject: { kind: 'command' },
      causes: [{ by: expect.stringMatching(/^signalbox run \(pid \d+\)$/u) as string }, {}, {}, {}],
    })
    const text = (await world.run(['why', 'parser'])).stdout
    expect(text).toMatch(/^parser ● runs since \d\d:\d\d:\d\d \(for \d+s\)\n {2}server: It runs as process \d+\./u)
    expect(await why('journal')).toMatchObject({ state: 'running', subject: { kind: 'actor', name: 'journal' } })
    expect(await why(answer.subject.terminalId?.slice(0, 20) ?? '')).toMatchObject({ subject: { name: 'parser/server' } })
    expect((await world.run(['why', 'parsr'])).stderr).toContain('did you mean "parser"?')
    await world.run(['down'])
    const over = await why('parser/server')
    expect(over).toMatchObject({ state: 'stopped', next: null })
    expect(over.summary).toMatch(/^Stopped by /u)
    expect((await world.run(['why', 'journal'])).code).toBe(3)
  })

  it('of what a killed orchestrator ran: that it was killed, before the next one runs and afterwards [SUP-9, ORP-3]', async () => {
    Object.assign(world.env, IN_PROCESS)
    const pid = await up()
    process.kill(pid, 'SIGKILL')
    await until('it is gone', () => !/^State:\s+[^Z]/mu.test(statusOf(pid)))
    const dead = await why('parser/server')
    expect(dead).toMatchObject({
      state: 'lost',
      next: null,
      summary: expect.stringContaining(`(pid ${pid}) died without a word`) as string,
    })
    expectOnPage('killed-orchestrator', 'parser/server', dead, placesOf())
    await world.run(['up'])
    expect(await why('parser')).toMatchObject({ state: 'lost' })
    await world.run(['doctor', '--fix'])
    const after = await why('latest')
    expect(after).toMatchObject({
      state: 'lost',
      outcome: 'interrupted',
      summary: expect.stringContaining(`(pid ${pid}) died without a word`) as string,
    })
    expectOnPage('recovered-orchestrator', 'latest', after, placesOf())
  })

  it('of what lives on in the terminal host: that its orchestrator was killed, and that the next one takes it over [SUP-9, PTY-14]', async () => {
    const pid = await up()
    process.kill(pid, 'SIGKILL')
    await until('it is gone', () => !/^State:\s+[^Z]/mu.test(statusOf(pid)))
    for (const word of ['parser/server', 'parser', 'latest']) {
      const left = await why(word)
      expect(left).toMatchObject({ state: 'running', next: { what: 'the next orchestrator takes it over' } })
      expect(left.summary).toBe(
        `The signalbox that ran it (pid ${pid}) died without a word: killed (kill -9, or by the system for lack of memory). What it ran lives on in the terminal host.`,
      )
    }
    await world.run(['up'])
    const taken = await why('parser/server')
    expect(taken).toMatchObject({ state: 'running', next: { what: expect.stringMatching(/until it ends by itself/u) as string } })
    expect(taken.causes.map(({ what }) => what)).toContainEqual(expect.stringMatching(/outlived its orchestrator, and was taken over/u))
  })
})

const statusOf = (pid: number): string => {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8')
  } catch {
    return ''
  }
}
