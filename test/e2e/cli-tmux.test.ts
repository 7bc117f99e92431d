import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { until } from '../helpers/cli.ts'
import { type CliDesk, makeCliDesk } from '../helpers/cli-users.ts'
import { findTmux } from '../helpers/find-tmux.ts'

const { noTmux } = findTmux()

type Json = Record<string, unknown>

describe.skipIf(noTmux !== '')(`people at work on terminals that tmux holds${noTmux}`, () => {
  let desk: CliDesk
  beforeEach(async () => {
    desk = await makeCliDesk({ SIGNALBOX_TERMINALS_HOST: 'tmux' })
  })
  afterEach(() => desk.cleanup())
  const json = async (...args: readonly string[]): Promise<Json> => JSON.parse((await desk.run([...args, '--json'])).stdout) as Json

  it('go on after the orchestrator was killed: the same process, which has noticed nothing; `down` leaves nothing of tmux [PTY-14]', async () => {
    await desk.spawn('shell', 'stty -echo; n=0; echo ready; while read x; do n=$((n+1)); echo "$n: $x"; done')
    const attached = await desk.user('term attach shell')
    await attached.shows('ready')
    await attached.type('one\r')
    await attached.shows('1: one')
    const before = (await json('term', 'ls')) as { terminals: readonly { pid: number }[] }
    const { pid, socket } = (await json('status')) as { pid: number; socket: string }
    const server = join(socket, '..', 'tmux', 'tmux.sock')
    const panes = spawnSync('tmux', ['-S', server, 'list-panes', '-a', '-F', '#{window_name}'], { encoding: 'utf8' }).stdout
    expect(panes.split('\n').filter((name) => name.startsWith('pt_'))).toHaveLength(1)

    process.kill(pid, 'SIGKILL')
    await attached.isBack(1)
    expect((await desk.run(['up'])).code).toBe(0)
    expect(await json('status')).toMatchObject({ recovered: { keptLanes: 1, lostTerminals: 0, adoptedTerminals: 1 } })
    const after = (await json('term', 'ls')) as { terminals: readonly { pid: number; state: string }[] }
    expect(after.terminals).toMatchObject([{ pid: before.terminals[0]?.pid, state: 'active' }])
    const again = await desk.user('term attach shell')
    await again.shows('1: one')
    await again.type('two\r')
    await again.shows('2: two')

    expect((await desk.run(['down'])).code).toBe(0)
    await again.isBack(1)
    expect(desk.marked()).toEqual([])
    await until('nothing of tmux is left', () => !existsSync(join(server, '..')))
  })

  it('`down` ends what an orchestrator left in tmux that died, also where none runs any more [PTY-7]', async () => {
    await desk.spawn('shell', 'trap "" HUP TERM; while :; do sleep 0.1; done')
    const { pid, socket } = (await json('status')) as { pid: number; socket: string }
    process.kill(pid, 'SIGKILL')
    await until('it is gone', async () => (await json('status'))['state'] === 'down')
    expect(desk.marked()).not.toEqual([])
    const { code, stdout } = await desk.run(['down'])
    expect(code).toBe(0)
    expect(stdout).toBe('no orchestrator runs here\nended: 1 terminal that the last one had left in tmux\n')
    expect(desk.marked()).toEqual([])
    expect(existsSync(join(socket, '..', 'tmux'))).toBe(false)
  })
})
