import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readHostRecord } from '../../src/runtime/host/host-record.ts'
import { createProcessTable } from '../../src/adapters/process-table.ts'
import { join } from 'node:path'
import { until } from '../helpers/cli.ts'
import { type CliDesk, makeCliDesk } from '../helpers/cli-users.ts'

let desk: CliDesk
beforeEach(async () => {
  desk = await makeCliDesk()
})
afterEach(() => desk.cleanup())

type Json = Record<string, unknown>
const json = async (...args: readonly string[]): Promise<Json> => JSON.parse((await desk.run([...args, '--json'])).stdout) as Json
const host = () => readHostRecord(join(desk.repo.root, '.git'), createProcessTable())

describe('people at work when the orchestrator is killed and the terminals live on', () => {
  it('are told so; after the next `up` they attach to the same program, which has noticed nothing [PTY-14]', async () => {
    await desk.spawn('shell', 'stty -echo; n=0; echo ready; while read x; do n=$((n+1)); echo "$n: $x"; done')
    const attached = await desk.user('term attach shell')
    await attached.shows('ready')
    await attached.type('one\r')
    await attached.shows('1: one')
    const before = (await json('term', 'ls')) as { terminals: readonly { pid: number }[] }
    const { pid } = (await json('status')) as { pid: number }
    const running = desk.marked()

    process.kill(pid, 'SIGKILL')
    await attached.isBack(1)
    expect(attached.screen()).toMatch(new RegExp(`signalbox: .*orchestrator \\(pid ${pid}\\)[\\s\\S]*next: .*signalbox up`, 'u'))
    expect(desk.marked()).toEqual(running)

    expect((await desk.run(['up'])).code).toBe(0)
    expect(await json('status')).toMatchObject({ recovered: { keptLanes: 1, lostTerminals: 0, adoptedTerminals: 1 } })
    const after = (await json('term', 'ls')) as { terminals: readonly { pid: number; state: string }[] }
    expect(after.terminals).toMatchObject([{ pid: before.terminals[0]?.pid, state: 'active' }])
    const again = await desk.user('term attach shell')
    await again.shows('1: one')
    await again.type('two\r')
    await again.shows('2: two')
    expect((await desk.run(['why', 'desk/shell'])).stdout).toMatch(/outlived its orchestrator, and was taken over/u)

    expect((await desk.run(['down'])).code).toBe(0)
    await again.isBack(1)
    expect(desk.marked()).toEqual([])
    await until('the terminal host is gone too', () => host() === null)
  })

  it('`down` ends what an orchestrator left that died, also where none runs any more [PTY-7]', async () => {
    await desk.spawn('shell', 'trap "" HUP TERM; while :; do sleep 0.1; done')
    const { pid } = (await json('status')) as { pid: number }
    process.kill(pid, 'SIGKILL')
    await until('it is gone', async () => (await json('status'))['state'] === 'down')
    expect(desk.marked()).not.toEqual([])
    const { code, stdout } = await desk.run(['down'])
    expect(code).toBe(0)
    expect(stdout).toMatch(/no orchestrator runs here\nended: 1 terminal that the last one had left in the terminal host \(pid \d+\)/u)
    expect(desk.marked()).toEqual([])
    expect(host()).toBe(null)
  })
})
