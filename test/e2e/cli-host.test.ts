import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createProcessTable } from '../../src/adapters/process-table.ts'
import { readHostRecord } from '../../src/runtime/host/host-record.ts'
import { until } from '../helpers/cli.ts'
import { type CliDesk, makeCliDesk } from '../helpers/cli-users.ts'
import { findTmux } from '../helpers/find-tmux.ts'

type Json = Record<string, unknown>
/** A repository, and the directory of its orchestrator's socket. */
type Place = { readonly repository: string; readonly directory: string }

/** What terminals live on in. */
type Holder = {
  readonly name: string
  /** What is missing for it on this machine. */
  readonly missing: string
  readonly env: Readonly<Record<string, string>>
  /** How `down` names it. */
  readonly called: string
  /** Whether it holds the one terminal, as far as one sees from outside; null where it is not there at all. */
  readonly holds: (place: Place) => boolean | null
}

const tmuxDirectory = ({ directory }: Place): string => join(directory, 'tmux')
const HOLDERS: readonly Holder[] = [
  {
    name: 'the terminal host holds',
    missing: '',
    env: {},
    called: String.raw`the terminal host \(pid \d+\)`,
    holds: ({ repository }) => (readHostRecord(join(repository, '.git'), createProcessTable()) === null ? null : true),
  },
  {
    name: 'tmux holds',
    missing: findTmux().noTmux,
    env: { SIGNALBOX_TERMINALS_HOST: 'tmux' },
    called: 'tmux',
    holds: (place) => {
      if (!existsSync(tmuxDirectory(place))) return null
      const server = join(tmuxDirectory(place), 'tmux.sock')
      const { stdout } = spawnSync('tmux', ['-S', server, 'list-panes', '-a', '-F', '#{window_name}'], { encoding: 'utf8' })
      return stdout.split('\n').filter((name) => name.startsWith('pt_')).length === 1
    },
  },
]

describe.each(HOLDERS)('people at work on terminals that $name', ({ missing, env, called, holds }) => {
  let desk: CliDesk | undefined
  beforeEach(async ({ skip }) => {
    skip(missing !== '', missing)
    desk = await makeCliDesk(env)
  })
  afterEach(async () => {
    await desk?.cleanup()
    desk = undefined
  })
  const at = (): CliDesk => desk as CliDesk
  const json = async (...args: readonly string[]): Promise<Json> => JSON.parse((await at().run([...args, '--json'])).stdout) as Json
  const orchestrator = async (): Promise<{ pid: number; place: Place }> => {
    const { pid, socket } = (await json('status')) as { pid: number; socket: string }
    return { pid, place: { repository: at().repo.root, directory: join(socket, '..') } }
  }

  it('are told that the orchestrator was killed; after the next `up` they attach to the same program, which has noticed nothing; `down` leaves nothing [PTY-14]', async () => {
    await at().spawn('shell', 'stty -echo; n=0; echo ready; while read x; do n=$((n+1)); echo "$n: $x"; done')
    const attached = await at().user('term attach shell')
    await attached.shows('ready')
    await attached.type('one\r')
    await attached.shows('1: one')
    const before = (await json('term', 'ls')) as { terminals: readonly { pid: number }[] }
    const { pid, place } = await orchestrator()
    expect(holds(place)).toBe(true)
    const running = at().marked()

    process.kill(pid, 'SIGKILL')
    await attached.isBack(1)
    expect(attached.screen()).toMatch(new RegExp(`signalbox: .*orchestrator \\(pid ${pid}\\)[\\s\\S]*next: .*signalbox up`, 'u'))
    expect(at().marked()).toEqual(running)

    expect((await at().run(['up'])).code).toBe(0)
    expect(await json('status')).toMatchObject({ recovered: { keptLanes: 1, lostTerminals: 0, adoptedTerminals: 1 } })
    const after = (await json('term', 'ls')) as { terminals: readonly { pid: number; state: string }[] }
    expect(after.terminals).toMatchObject([{ pid: before.terminals[0]?.pid, state: 'active' }])
    const again = await at().user('term attach shell')
    await again.shows('1: one')
    await again.type('two\r')
    await again.shows('2: two')
    expect((await at().run(['why', 'desk/shell'])).stdout).toMatch(/outlived its orchestrator, and was taken over/u)

    expect((await at().run(['down'])).code).toBe(0)
    await again.isBack(1)
    expect(at().marked()).toEqual([])
    await until('what held them is gone too', () => holds(place) === null)
  })

  it('`down` ends what an orchestrator left that died, also where none runs any more [PTY-7]', async () => {
    await at().spawn('shell', 'trap "" HUP TERM; while :; do sleep 0.1; done')
    const { pid, place } = await orchestrator()
    process.kill(pid, 'SIGKILL')
    await until('it is gone', async () => (await json('status'))['state'] === 'down')
    expect(at().marked()).not.toEqual([])
    const { code, stdout } = await at().run(['down'])
    expect(code).toBe(0)
    expect(stdout).toMatch(new RegExp(`^no orchestrator runs here\nended: 1 terminal that the last one had left in ${called}\n$`, 'u'))
    expect(at().marked()).toEqual([])
    expect(holds(place)).toBe(null)
  })
})
