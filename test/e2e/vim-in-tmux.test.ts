import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { BIN, until } from '../helpers/cli.ts'
import { type CliDesk, makeCliDesk } from '../helpers/cli-users.ts'
import { findTmux } from '../helpers/find-tmux.ts'

const { noTmux } = findTmux()
const noVim = spawnSync('vim', ['--version']).status === 0 ? '' : ' (skipped: there is no vim on the PATH)'
const missing = `${noTmux}${noVim}`

/** The rows that a person sees. */
const ROWS = 24
const COLS = 80

/** A person at a terminal that tmux draws. */
class Person {
  readonly #server: string
  readonly #env: NodeJS.ProcessEnv

  constructor(server: string, env: NodeJS.ProcessEnv) {
    this.#server = server
    this.#env = env
  }

  #tmux(...args: readonly string[]): string {
    const { stdout, stderr, status } = spawnSync('tmux', ['-f', '/dev/null', '-L', this.#server, ...args], {
      encoding: 'utf8',
      env: this.#env,
    })
    if (status !== 0) throw new Error(`tmux ${args.join(' ')} ended with ${status}: ${stderr}`)
    return stdout
  }

  sitDown(cwd: string): void {
    this.#tmux('new-session', '-d', '-s', 'seat', '-x', String(COLS), '-y', String(ROWS), '-c', cwd, 'exec sh')
    this.#tmux('set', '-g', 'status', 'off')
    this.#tmux('resize-window', '-t', 'seat', '-x', String(COLS), '-y', String(ROWS))
  }

  type(...keys: readonly string[]): void {
    this.#tmux('send-keys', '-t', 'seat', ...keys)
  }

  /** Text, colours and attributes of each row. */
  painted(): string {
    return this.#tmux('capture-pane', '-p', '-e', '-t', 'seat')
  }

  screen(): string {
    return this.#tmux('capture-pane', '-p', '-t', 'seat')
  }

  /** Where the cursor is, and whether a program fills the screen. */
  place(): string {
    return this.#tmux('display', '-p', '-t', 'seat', '#{cursor_x},#{cursor_y} #{alternate_on}').trim()
  }

  async shows(text: string): Promise<void> {
    await until(`the screen shows ${text}`, () => this.screen().includes(text)).catch((error: unknown) => {
      throw new Error(`the screen is\n${this.screen()}`, { cause: error })
    })
  }

  leave(): void {
    spawnSync('tmux', ['-L', this.#server, 'kill-server'], { env: this.#env })
  }
}

describe.skipIf(missing !== '')(`vim in a terminal that a person is attached to${missing}`, () => {
  let desk: CliDesk
  let person: Person
  beforeEach(async () => {
    desk = await makeCliDesk()
    const { TMUX: _tmux, ...env } = desk.env
    person = new Person(`sbx-vim-${process.pid}`, { ...env, TERM: 'xterm-256color', HOME: desk.repo.base })
  })
  afterEach(async () => {
    person.leave()
    await desk.cleanup()
  })

  it('is the same after the orchestrator was killed and started again: the screen, the cursor, and what is typed goes on [PTY-14, PTY-20]', async () => {
    const lines = Array.from({ length: 60 }, (_, index) => `line ${index + 1}: ${'x'.repeat((index * 7) % 60)} wide 語語 and äöü`)
    const path = await desk.repo.write('text.txt', `${lines.join('\n')}\n`)
    await desk.spawn('editor', `exec vim -u NONE -N -n -i NONE --cmd 'set encoding=utf-8 number ruler hlsearch' '${path}'`)
    person.sitDown(desk.repo.root)
    const attach = `'${process.execPath}' '${BIN}' term attach editor`
    person.type(attach, 'Enter')
    await person.shows('line 1:')
    // A screen with colours, a mode, and a cursor somewhere: inserted text in the middle of what was scrolled to.
    person.type('40Gzt', '/wide', 'Enter', 'ofirst words', 'Escape', '0ll')
    await person.shows('first words')
    await until('the cursor rests', () => /^\d+,1 1$/u.test(person.place()))
    person.type('a')
    await person.shows('-- INSERT --')
    const [painted, place] = [person.painted(), person.place()]

    const { pid } = JSON.parse((await desk.run(['status', '--json'])).stdout) as { pid: number }
    process.kill(pid, 'SIGKILL')
    await person.shows('is gone')
    expect(person.place()).toMatch(/ 0$/u)
    expect((await desk.run(['up'])).code).toBe(0)
    person.type('clear', 'Enter')
    person.type(attach, 'Enter')
    await person.shows('-- INSERT --')
    await until('the screen is the same', () => person.painted() === painted && person.place() === place).catch(() => {
      expect(person.painted()).toBe(painted)
      expect(person.place()).toBe(place)
    })

    person.type(' and more', 'Escape')
    await person.shows('and more')
    person.type(':wq', 'Enter')
    await person.shows('[desk/editor: exit 0]')
    const written = readFileSync(path, 'utf8').split('\n')
    expect(written).toHaveLength(lines.length + 2)
    expect(written[40]).toBe('fir and morest words')
    expect(written.toSpliced(40, 1)).toEqual([...lines, ''])
  }, 120_000)
})
