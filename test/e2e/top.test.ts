import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { connect, type ControlClient } from '../../src/client/index.ts'
import { BIN, type CliWorld, makeCliWorld, until } from '../helpers/cli.ts'

const noTmux = spawnSync('tmux', ['-V']).status !== 0

describe.skipIf(noTmux)('signalbox top (needs tmux: script/setup --tools)', () => {
  let world: CliWorld
  let sockets: string
  let client: ControlClient
  beforeEach(async () => {
    world = await makeCliWorld()
    sockets = mkdtempSync(join(tmpdir(), 'signalbox-tmux-'))
    await world.run(['up'])
    client = await connect(String(status()['socket']))
    await client.call('lane.create', { name: 'docs' })
    await client.call('terminal.spawn', { lane: 'docs', name: 'sh', command: 'sleep 1000' })
  })
  afterEach(async () => {
    client.close()
    spawnSync('tmux', ['-S', join(sockets, 's'), 'kill-server'])
    rmSync(sockets, { recursive: true, force: true })
    await world.run(['down'])
    await world.cleanup()
  })

  const status = (): Record<string, unknown> =>
    JSON.parse(
      execFileSync(process.execPath, [BIN, 'status', '--json'], { cwd: world.repo.root, env: world.env, encoding: 'utf8' }),
    ) as Record<string, unknown>
  const tmux = (...args: string[]): string =>
    execFileSync('tmux', ['-S', join(sockets, 's'), ...args], { encoding: 'utf8', env: { ...world.env, TMUX: '' } })
  const screen = (): string => tmux('capture-pane', '-p')
  const shows = (what: RegExp): Promise<void> => until(`the screen shows ${what}`, () => what.test(screen()))
  const begin = async (cols: number, rows: number, what = 'top', shown = /^\d+ actors, /u): Promise<void> => {
    const command = `'${process.execPath}' '${BIN}' ${what}; echo "exit code $?"; exec sleep 1000`
    tmux('-f', '/dev/null', 'new-session', '-d', '-x', String(cols), '-y', String(rows), '-c', world.repo.root, command)
    await shows(shown)
  }
  const isSane = (): void => {
    expect(tmux('display-message', '-p', '#{cursor_flag} #{alternate_on}').trim()).toBe('1 0')
  }

  it.each([
    [80, 24],
    [200, 50],
  ])('draws, sorts, filters, folds and pauses on %d × %d, a line each', async (cols, rows) => {
    await begin(cols, rows)
    const lines = screen().split('\n')
    expect(lines[1]).toMatch(/^sort: tree {3}1–11 of 11/u)
    expect(lines[2]).toMatch(/^actor .* state .* restarts/u)
    expect(lines.filter((line) => /^[ │├└]*(root|lane|pty|terminal|bus|journal|runs|infra)/u.test(line))).toHaveLength(11)
    expect(lines.at(-3)).toMatch(/^q quit/u)
    tmux('send-keys', 's')
    await shows(/sort: mailbox/u)
    tmux('send-keys', '/', 'p', 't', 'y', 'Enter')
    await shows(/filter: pty {3}1–1 of 1/u)
    tmux('send-keys', 'Escape')
    await shows(/1–11 of 11/u)
    tmux('send-keys', 't', 'Down', 'Left')
    await shows(/infrastructure\$1 .*\n├ lanes/u)
    tmux('send-keys', 'p')
    await shows(/^PAUSED/mu)
    tmux('resize-window', '-x', '60', '-y', '10')
    await until('it is drawn anew', () =>
      screen()
        .split('\n')
        .some((line, index) => index === 8 && line.startsWith('q quit')),
    )
    for (const line of screen().split('\n')) expect(line.length).toBeLessThanOrEqual(60)
    tmux('send-keys', 'q')
    await shows(/exit code 0/u)
    isSane()
  })

  it('shows one actor, and repairs after a question', async () => {
    await begin(80, 24)
    tmux('send-keys', '/', 'b', 'u', 's', 'Enter', 'i')
    await shows(/^ {2}supervisor +0 of 3 restarts within/mu)
    tmux('send-keys', 'i')
    await shows(/filter: bus/u)
    tmux('send-keys', 'k')
    await shows(/^kill bus and all below it\? \[y\/N\]/mu)
    tmux('send-keys', 'n')
    await shows(/nothing was done/u)
    tmux('send-keys', 'k')
    await shows(/\[y\/N\]/u)
    tmux('send-keys', 'y')
    await shows(/^killed: bus\$1/mu)
    await shows(/^bus\$2 +running/mu)
    tmux('send-keys', 'z')
    await shows(/^suspend bus/mu)
    tmux('send-keys', 'y')
    await shows(/^bus\$2 +suspended/mu)
    tmux('send-keys', 'z')
    await shows(/^resume bus/mu)
    tmux('send-keys', 'y')
    await shows(/^bus\$2 +running/mu)
    tmux('send-keys', 'C-c')
    await shows(/exit code 0/u)
    isSane()
  })

  it('leaves the terminal as it was when its orchestrator is killed, and says so', async () => {
    await begin(80, 24)
    process.kill(Number(status()['pid']), 'SIGKILL')
    await shows(/signalbox: .*\n[\s\S]*exit code [1-9]/u)
    isSane()
    await world.run(['up'])
  })

  it('tree --watch draws in place, and leaves what was seen last', async () => {
    await begin(80, 24, 'tree --watch', /^root\$1 /mu)
    await client.call('actor.restart', { name: 'bus' })
    await shows(/ bus\$2 /u)
    expect(screen().match(/^root\$1 /gmu)).toHaveLength(1)
    tmux('send-keys', 'C-c')
    await shows(/ bus\$2 [^]*exit code 0/u)
    expect(screen().match(/^root\$1 /gmu)).toHaveLength(1)
    isSane()
  })

  it('is refused where nothing can be drawn', async () => {
    expect(await world.run(['top'])).toMatchObject({ code: 2, stderr: expect.stringContaining('tree --watch --json') })
  })
})
