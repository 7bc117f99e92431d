import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { BIN, type CliWorld, makeCliWorld, until } from '../helpers/cli.ts'

const noTmux = spawnSync('tmux', ['-V']).status !== 0

const PLAN = `
lanes:
  talker:
    commands:
      - { name: talk, run: "for i in 1 2 3; do printf '\\\\033[31mline %s: longer than any eighty columns can ever hold, with wide letters 漢字漢字漢字 and more\\\\033[0m\\\\n' $i; done; until [ -e ../go ]; do sleep 0.1; done" }
  crasher:
    commands:
      - { name: crash, run: "exit 5", restart: transient, intensity: { restarts: 1, withinMs: 60000 }, backoff: { minMs: 1, maxMs: 2 } }
  follower: { after: [talker], commands: [ "true" ] }
keep: never
`

describe.skipIf(noTmux)('the live tree (needs tmux: script/setup --tools)', () => {
  let world: CliWorld
  let sockets: string
  beforeEach(async () => {
    world = await makeCliWorld()
    sockets = mkdtempSync(join(tmpdir(), 'signalbox-tmux-'))
  })
  afterEach(async () => {
    spawnSync('tmux', ['-S', join(sockets, 's'), 'kill-server'])
    rmSync(sockets, { recursive: true, force: true })
    await world.cleanup()
  })

  const tmux = (...args: string[]): string =>
    execFileSync('tmux', ['-S', join(sockets, 's'), ...args], { encoding: 'utf8', env: { ...world.env, TMUX: '' } })
  const screen = (): string[] => tmux('capture-pane', '-p').split('\n')
  const begin = (cols: number, rows: number, plan: string): void => {
    const command = `trap : INT; '${process.execPath}' '${BIN}' run '${world.plan(plan)}'; echo "exit code $?"; exec sleep 60`
    tmux('-f', '/dev/null', 'new-session', '-d', '-x', String(cols), '-y', String(rows), '-c', world.repo.root, command)
  }

  it.each([
    [80, 24],
    [200, 50],
  ])('shows each lane and command on one line of %d × %d, redrawn in place, and the summary at the end', async (cols, rows) => {
    begin(cols, rows, PLAN)
    await until('the crash has been given up and the talker talks', () => {
      const shown = screen().join('\n')
      return /crash .*failed/u.test(shown) && /talk .*line 3/u.test(shown)
    })
    const shown = screen().filter((line) => line !== '')
    expect(shown.filter((line) => /^\S talker /u.test(line))).toHaveLength(1)
    expect(shown.filter((line) => / crash /u.test(line))).toEqual([expect.stringMatching(/failed .*1\/1/u)])
    expect(shown.filter((line) => /follower/u.test(line))).toEqual([expect.stringMatching(/waiting .*after talker/u)])
    expect(shown.length).toBeLessThanOrEqual(8)
    execFileSync('touch', [join(`${world.repo.root}.lanes`, 'go')])
    await until('it ends', () => screen().join('\n').includes('exit code 1'))
    const all = tmux('capture-pane', '-p', '-S', '-200')
    expect(all).toMatch(/✘ crasher +failed/u)
    expect(all).toMatch(/✔ follower +succeeded/u)
    // The cursor is shown again.
    expect(tmux('display-message', '-p', '#{cursor_flag}').trim()).toBe('1')
    execFileSync('rm', ['-rf', `${world.repo.root}.lanes`])
  })

  it('stops at Ctrl-C and leaves the terminal as it was', async () => {
    begin(80, 24, 'lanes: { a: { commands: ["echo up; sleep 100"] } }')
    await until('it runs', () => /up/u.test(screen().join('\n')))
    tmux('send-keys', 'C-c')
    await until('it ends', () => screen().join('\n').includes('exit code 130'))
    expect(tmux('display-message', '-p', '#{cursor_flag}').trim()).toBe('1')
    expect(world.marked()).toEqual([])
  })
})
