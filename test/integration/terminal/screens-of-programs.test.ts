import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import type { Pty, PtySpec } from '../../../src/ports/terminal-host.port.ts'
import { Screen } from '../../../src/terminal-host/screen/screen.ts'
import { screenState } from '../../helpers/screen-state.ts'
import { openKit, specOf, until } from './terminal-kit.ts'

const directory = mkdtempSync(join(tmpdir(), 'sbx screens-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))
const TEXT = join(directory, 'text.txt')
writeFileSync(
  TEXT,
  Array.from(
    { length: 300 },
    (_, line) => `${line} ${'ünïcödé 日本語 👍 e\u0301 '.repeat(1 + (line % 9))}${line % 7 === 0 ? '\tend' : ''}`,
  ).join('\n'),
)

type Step = {
  readonly type?: string
  readonly resize?: readonly [number, number]
  /** Text on the screen that says it is done; none: it is quiet. */ readonly shows: string
}
type Program = { readonly name: string; readonly argv: readonly string[]; readonly needs: string; readonly steps: readonly Step[] }
const PROGRAMS: readonly Program[] = [
  {
    name: 'vim, with a split, insertion, wrapped lines and a selection',
    argv: ['vim', '-u', 'NONE', '-N', '-c', 'set mouse=a wrap nu showmode t_RV= laststatus=2', TEXT],
    needs: 'vim',
    steps: [
      { type: ':vsplit\r:echo "spl"."it"\r', shows: 'split' },
      { type: '50Gotyped ünï 日本\u001b:echo "in"."serted"\r', shows: 'inserted' },
      { resize: [61, 17], type: ':echo "resi"."zed"\r', shows: 'resized' },
      { type: 'ggVjj', shows: 'VISUAL' },
      { type: '\u001b:only\r:echo "en"."d"\r', shows: 'end' },
    ],
  },
  {
    name: 'less, forward, back and searching',
    argv: ['less', '-R', TEXT],
    needs: 'less',
    steps: [
      { type: 'f', shows: '' },
      { resize: [70, 12], type: '/^123 \r', shows: '123 ' },
      { type: 'b', shows: '' },
      { type: 'G', shows: '299 ' },
    ],
  },
  {
    name: 'tmux, with panes and a status line',
    argv: ['tmux', '-L', `sbx-screens-${process.pid}`, '-f', '/dev/null', 'new-session', 'sh', ';', 'split-window', '-h', 'sh'],
    needs: 'tmux',
    steps: [
      { type: 'echo le$((1+1))ft\r', shows: 'le2ft' },
      { type: `cat '${TEXT}'; echo al$((2+1))l\r`, shows: 'al3l' },
      { resize: [72, 20], type: 'clear; echo cle$((3+1))ar\r', shows: 'cle4ar' },
      { type: `tmux -L sbx-screens-${process.pid} kill-server\r`, shows: '[server exited]' },
    ],
  },
  {
    name: 'top, which draws on the screen that is there',
    argv: ['top', '-d', '0.2'],
    needs: 'top',
    steps: [{ shows: 'PID' }, { resize: [90, 15], type: 'c', shows: 'PID' }, { type: 'q', shows: 'PID' }],
  },
]

const COLS = 80
const ROWS = 24

/** One that was there from the start, with each size at its place: sizes come between outputs, as the program is asked for nothing then. */
class Watcher {
  readonly screen: Screen
  readonly done: Promise<void>
  private work: Promise<void> = Promise.resolve()

  constructor(pty: Pty, screen: Screen, from: number) {
    this.screen = screen
    this.done = this.follow(pty, from)
  }

  private async follow(pty: Pty, from: number): Promise<void> {
    for await (const chunk of pty.read({ from, mode: 'lossless' })) {
      if ('gap' in chunk) throw new Error('a gap')
      this.work = this.work.then(() => this.screen.write(chunk.bytes))
      await this.work
    }
  }

  resize(cols: number, rows: number): Promise<void> {
    this.work = this.work.then(() => this.screen.resize(cols, rows))
    return this.work
  }

  shows(text: string): boolean {
    return JSON.stringify(screenState(this.screen)).includes(JSON.stringify(text).slice(1, -1))
  }
}

const isMissing = (command: string): boolean => spawnSync('sh', ['-c', `command -v ${command}`]).status !== 0

/** Waits until it puts nothing out for a while. */
const isQuiet = async (pty: Pty): Promise<void> => {
  let last = -1
  await until('the program is quiet', async () => {
    const { outputBytes } = pty.stats()
    if (outputBytes === last) return true
    last = outputBytes
    await new Promise((resolve) => setTimeout(resolve, 150))
    return pty.stats().outputBytes === last
  })
}

describe('who attaches late', () => {
  for (const { name, argv, needs, steps } of PROGRAMS) {
    it.skipIf(isMissing(needs))(`sees ${name} as who was there from the start (needs ${needs}) [PTY-20]`, async () => {
      await using kit = openKit()
      const spec: PtySpec = specOf(argv, {
        cols: COLS,
        rows: ROWS,
        cwd: directory,
        ringBytes: 65_536,
        extraEnv: { LC_ALL: 'C.UTF-8', TERM: 'xterm-256color', TMUX: '' },
      })
      const pty = await kit.host.spawn(spec)
      const first = new Watcher(pty, new Screen(COLS, ROWS, 1_000), 0)
      const late: Watcher[] = []
      for (const { type, resize, shows } of steps) {
        if (resize !== undefined) {
          await isQuiet(pty)
          await pty.resize(...resize)
          for (const one of [first, ...late]) await one.resize(...resize)
          await isQuiet(pty)
        }
        if (type !== undefined) await pty.write(Buffer.from(type))
        if (shows === '') await isQuiet(pty)
        else await until(`${needs} shows ${shows}`, () => first.shows(shows))
        const { offset, bytes, cols, rows } = await pty.snapshot()
        const screen = new Screen(cols, rows, 1_000)
        await screen.write(bytes)
        late.push(new Watcher(pty, screen, offset))
      }
      await pty.terminate({ graceMs: 500, askedBy: 'test' })
      await Promise.all([first, ...late].map(({ done }) => done))
      for (const one of late) expect(screenState(one.screen)).toEqual(screenState(first.screen))
    })
  }
})
