import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Pty, TerminalHost } from '../../src/ports/terminal-host.port.ts'
import type { PtyPressure } from '../../src/protocols/pty-pressure.ts'
import { Screen } from '../../src/terminal-host/screen/screen.ts'
import { screenState } from '../helpers/screen-state.ts'
import { collect, sh, specOf, text, until, untilOutput } from '../integration/terminal/terminal-kit.ts'

/** What every TerminalHost does. `make` opens a fresh one; the suite closes it. */
export function terminalHostContract(name: string, make: () => TerminalHost | Promise<TerminalHost>): void {
  describe(`terminal host contract: ${name}`, () => {
    let host: TerminalHost
    let directory: string
    beforeAll(async () => {
      host = await make()
      directory = mkdtempSync(join(tmpdir(), 'sbx cöntract '))
    })
    afterAll(async () => {
      await host.close(0)
      rmSync(directory, { recursive: true, force: true })
    })

    describe('snapshot', () => {
      /** A terminal that was there from the start, and one that attaches now and reads on: both when the output has ended. */
      const bothAtTheEnd = async (pty: Pty, goOn: () => Promise<unknown>): Promise<{ first: object; late: object }> => {
        const early = pty.read({ from: 0, mode: 'lossless' })[Symbol.asyncIterator]()
        const { cols, rows } = pty.stats()
        const [first, late] = [new Screen(cols, rows, 1_000), new Screen(cols, rows, 1_000)]
        const seen = (async () => {
          for (let next = await early.next(); next.done !== true; next = await early.next()) {
            if ('gap' in next.value) throw new Error('a lossless reader met a gap')
            await first.write(next.value.bytes)
          }
        })()
        await untilOutput(pty, 'READY')
        const snapshot = await pty.snapshot()
        expect([snapshot.cols, snapshot.rows]).toEqual([cols, rows])
        await late.write(snapshot.bytes)
        await goOn()
        for await (const chunk of pty.read({ from: snapshot.offset, mode: 'lossless' })) {
          if ('gap' in chunk) throw new Error('a lossless reader met a gap')
          await late.write(chunk.bytes)
        }
        await seen
        return { first: screenState(first, { above: 1_000 }), late: screenState(late, { above: 1_000 }) }
      }

      it('and what is read from its offset on are the terminal that was there from the start [PTY-20]', async () => {
        const script = `printf '\\033[31mré\\033[4mun\\033[0m\\033[?2004h\\033[2;5r\\033[4;4H\\033]0;title\\007'; seq 1 40; printf READY; read x; printf '%s\\033[0mmore\\033[?2004l' "$x"`
        const pty = await host.spawn(sh(script, { cols: 40, rows: 10 }))
        const { first, late } = await bothAtTheEnd(pty, () => pty.write(Buffer.from('typed\n')))
        expect(late).toEqual(first)
      })

      it('is right for a program that fills the screen and put out more since than is held [PTY-20]', async () => {
        const flood = `i=0; while [ $i -lt 4000 ]; do printf '\\033[12;3H%d of many, many more things that are put out\\033[K' $i; i=$((i+1)); done`
        const script = `stty -echo; read go; seq 1 99; printf '\\033[?1049h\\033[?1000;1006h\\033[?25l\\033[H\\033[44mdrawn once\\033[0m'; ${flood}; printf READY; read x; printf '\\033[?1049lback'`
        const pty = await host.spawn(sh(script, { cols: 60, rows: 20, ringBytes: 65_536 }))
        const both = bothAtTheEnd(pty, () => pty.write(Buffer.from('\n')))
        await pty.write(Buffer.from('\n')) // it begins when it is read
        const { first, late } = await both
        expect(JSON.stringify(first)).toContain('back')
        // above the screen is what the ring holds
        expect({ ...late, normal: (late as { normal: { rows: string[] } }).normal.rows.slice(-20) }).toEqual({
          ...first,
          normal: (first as { normal: { rows: string[] } }).normal.rows.slice(-20),
        })
      })

      it('follows sizes, is there after the end until the release, and asks the terminal nothing [PTY-20]', async () => {
        const pty = await host.spawn(
          sh(`printf 'question \\033[6n\\033[c'; printf '%060d' 7; printf READY; read x; printf done`, { cols: 40, rows: 10 }),
        )
        await untilOutput(pty, 'READY')
        await pty.resize(80, 20)
        await pty.write(Buffer.from('x\n'))
        await pty.exited
        const snapshot = await pty.snapshot({ scrollback: 0 })
        expect(snapshot).toMatchObject({ cols: 80, rows: 20, altScreen: false, complete: true })
        const shown = Buffer.from(snapshot.bytes).toString()
        expect(shown).toContain('question')
        expect(shown).toContain('done')
        expect(shown).not.toMatch(/\u001b\[\d*[nc]/u)
        pty.release()
        await expect(pty.snapshot()).rejects.toMatchObject({ code: expect.stringMatching(/^ERR_(SCREEN_UNAVAILABLE|PTY_ENDED)$/u) })
      })

      it('of a screen that is too large is refused, and the terminal goes on [PTY-20]', async () => {
        const pty = await host.spawn(sh('read x; echo got $x', { cols: 9_000, rows: 9_000 }))
        await expect(pty.snapshot()).rejects.toMatchObject({ code: 'ERR_SCREEN_UNAVAILABLE' })
        await pty.write(Buffer.from('it\n'))
        await untilOutput(pty, 'got it')
      })

      it('is given to all who ask at once [PTY-20]', async () => {
        const ptys = await Promise.all(
          Array.from({ length: 5 }, (_, index) => host.spawn(sh(`printf 'terminal ${100 + index} READY'; exec sleep 100`))),
        )
        await Promise.all(ptys.map((pty) => untilOutput(pty, 'READY')))
        const drawn = await Promise.all([...ptys, ...ptys].map(async (pty) => Buffer.from((await pty.snapshot()).bytes).toString()))
        for (const [index, shown] of drawn.entries()) expect(shown).toContain(String(100 + (index % 5)))
        await Promise.all(ptys.map((pty) => pty.terminate({ graceMs: 0, askedBy: 'test' })))
      })
    })

    describe('text', () => {
      const done = async (script: string, more: Parameters<typeof sh>[1] = {}): Promise<Pty> => {
        const pty = await host.spawn(
          sh(`stty -echo; ${script}; printf READY; read x; printf 'and more\\n'; exec sleep 100`, { cols: 20, ...more }),
        )
        await untilOutput(pty, 'READY')
        return pty
      }

      it('is output without escapes, written over or wrapped as on a terminal, from an offset on without gap or repeat [PTY-20]', async () => {
        const pty = await done(
          `printf '\\033[31mred\\033[0m \\033]8;;http://x\\007link\\033]8;;\\007\\n10%%\\r50%%\\r100%% ok\\nlong line that is wrapped at its end\\n'`,
        )
        const first = await pty.text()
        expect(first).toMatchObject({ from: 0, gap: null, isCut: false, altScreen: false, command: null })
        expect(first.lines).toEqual(['red link', '100% ok', 'long line that is wrapped at its end', 'READY'])
        expect(first.offset).toBe((await pty.tail(1_000_000)).length)
        await pty.write(Buffer.from('\n'))
        await untilOutput(pty, 'and more')
        expect(await pty.text({ since: first.offset })).toMatchObject({ from: first.offset, lines: ['and more'] })
        expect(await pty.text({ lines: 2 })).toMatchObject({
          lines: ['long line that is wrapped at its end', 'READYand more'],
          isCut: true,
        })
        await pty.terminate({ graceMs: 0, askedBy: 'test' })
      })

      it('leaves a sequence or character that has begun to the next who asks [PTY-20]', async () => {
        const pty = await host.spawn(
          sh(
            `stty -echo; printf 'one\\n\\033[3'; printf 'READY' >/dev/null; read x; printf '1mtwo\\303'; read x; printf '\\251'; exec sleep 100`,
          ),
        )
        await until('it has put that out', async () => (await text(pty)).endsWith('\u001b[3'))
        const one = await pty.text()
        expect(one.lines).toEqual(['one'])
        await pty.write(Buffer.from('\n'))
        await untilOutput(pty, 'two')
        const two = await pty.text({ since: one.offset })
        expect(two.lines).toEqual(['two'])
        await pty.write(Buffer.from('\n'))
        await until('the rest has come', async () => (await text(pty)).endsWith('\xa9'))
        expect((await pty.text({ since: two.offset })).lines).toEqual(['é'])
        await pty.terminate({ graceMs: 0, askedBy: 'test' })
      })

      it('of a program that fills the screen is its screen [PTY-20]', async () => {
        const pty = await done(`seq 1 99; printf '\\033[?1049h\\033[2;3Hin the middle\\033[4;1H'`, { rows: 6 })
        expect(await pty.text()).toMatchObject({ altScreen: true, lines: ['', '  in the middle', '', 'READY'] })
        await pty.terminate({ graceMs: 0, askedBy: 'test' })
      })

      it('of the last command, its words and its exit code are told where the shell marks them [PTY-20]', async () => {
        const mark = (what: string): string => `printf '\\033]133;${what}\\007'`
        const pty = await host.spawn(
          sh(
            `stty -echo; ${mark('A')}; printf '$ '; ${mark('B')}; printf 'make test\\r\\n'; ${mark('C')}; printf 'one\\ntwo\\n'; ${mark('D;2')}; ${mark('A')}; printf '$ READY'; read x; ${mark('B')}; printf 'sleep 9\\r\\n'; ${mark('C;x=1')}; printf 'RUNS'; exec sleep 100`,
          ),
        )
        await untilOutput(pty, 'READY')
        expect(await pty.text({ lastCommand: true })).toMatchObject({
          lines: ['one', 'two'],
          isCut: false,
          command: { text: 'make test', isRunning: false, exitCode: 2 },
        })
        await pty.write(Buffer.from('\n'))
        await untilOutput(pty, 'RUNS')
        expect(await pty.text({ lastCommand: true })).toMatchObject({
          lines: ['RUNS'],
          command: { text: 'sleep 9', isRunning: true, exitCode: null },
        })
        await pty.terminate({ graceMs: 0, askedBy: 'test' })
        const unmarked = await done('printf x')
        await expect(unmarked.text({ lastCommand: true })).rejects.toMatchObject({ code: 'ERR_TERMINAL_UNMARKED' })
        await unmarked.terminate({ graceMs: 0, askedBy: 'test' })
      })

      it('that is held no longer is told as a gap; an offset that is yet to come is refused [PTY-20]', async () => {
        const pty = await done('seq 1 60000', { ringBytes: 65_536 })
        const { gap, from, lines, isCut } = await pty.text({ since: 10, lines: 3 })
        expect(gap).toEqual({ from: 10, to: from })
        expect(from).toBeGreaterThan(200_000)
        expect(lines).toEqual(['59999', '60000', 'READY'])
        expect(isCut).toBe(true)
        for (const since of [1_000_000, -1, 0.5, Number.NaN])
          await expect(pty.text({ since })).rejects.toMatchObject({ code: 'ERR_PTY_INVALID_ARGUMENT' })
        await pty.terminate({ graceMs: 0, askedBy: 'test' })
      })
    })

    describe('search', () => {
      it('finds lines as text, with their offsets, the newest of them; expressions only where asked [PTY-20]', async () => {
        const pty = await host.spawn(
          sh(`stty -echo; seq 1 5000; printf 'a.b \\033[31mEr\\033[0mror\\r\\naxb error\\n'; printf READY; exec sleep 100`),
        )
        await untilOutput(pty, 'READY')
        const whole = Buffer.from(await text(pty), 'latin1')
        const { matches, hasMore, from, offset } = await pty.search({ pattern: '499', limit: 3 })
        expect({ from, offset, hasMore }).toEqual({ from: 0, offset: whole.length, hasMore: true })
        expect(matches.map(({ line }) => line)).toEqual(['4997', '4998', '4999'])
        for (const { offset: at, line } of matches) expect(whole.toString('latin1', at, at + line.length)).toBe(line)
        const lines = async (options: Parameters<Pty['search']>[0]): Promise<readonly string[]> =>
          (await pty.search(options)).matches.map(({ line }) => line)
        expect(await lines({ pattern: 'a.b' })).toEqual(['a.b Error'])
        expect(await lines({ pattern: 'a.b', regex: true })).toEqual(['a.b Error', 'axb error'])
        expect(await lines({ pattern: 'ERROR', ignoreCase: true })).toEqual(['a.b Error', 'axb error'])
        expect(await lines({ pattern: '[' })).toEqual([])
        await expect(pty.search({ pattern: '[', regex: true })).rejects.toMatchObject({ code: 'ERR_PTY_INVALID_ARGUMENT' })
        await expect(pty.search({ pattern: '' })).rejects.toMatchObject({ code: 'ERR_PTY_INVALID_ARGUMENT' })
        await pty.terminate({ graceMs: 0, askedBy: 'test' })
      })

      it('gives up an expression that takes for ever, while screens and text go on [PTY-20]', async () => {
        const pty = await host.spawn(
          sh(`stty -echo; printf '%s!' aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa; printf READY; exec sleep 100`),
        )
        await untilOutput(pty, 'READY')
        const forEver = pty.search({ pattern: '^(a+)+$', regex: true }).catch((error: unknown) => error)
        expect((await pty.snapshot()).complete).toBe(true)
        expect(await forEver).toMatchObject({ code: 'ERR_SCREEN_UNAVAILABLE' })
        expect((await pty.search({ pattern: 'READY' })).matches).toHaveLength(1)
        await pty.terminate({ graceMs: 0, askedBy: 'test' })
      })
    })

    describe('spawn', () => {
      it('runs argv with exactly the environment, directory and size given [PTY-3]', async () => {
        const cwd = join(directory, 'dir with ü')
        mkdirSync(cwd)
        const script = 'printf "%s|" "$0" "$@"; env | sort | grep -v -e ^PWD= -e ^_= -e ^SHLVL= | tr "\\n" "|"; pwd; stty size'
        const spec = specOf(['/bin/sh', '-c', script, 'zero', 'a b', '', 'ü'], { cwd, cols: 101, rows: 33, extraEnv: { FOO: 'b ar=1' } })
        const pty = await host.spawn(spec)
        const exit = await pty.exited
        const [line = '', size] = (await text(pty)).split('\r\n')
        const expected = Object.entries(spec.env).map(([key, value]) => `${key}=${value}`)
        expect(Buffer.from(line, 'latin1').toString().split('|')).toEqual(['zero', 'a b', '', 'ü', ...expected.sort(), cwd])
        expect(size).toBe('33 101')
        expect(exit).toEqual({ exitCode: 0, signal: null, outputBytes: exit.outputBytes, survivors: [], logGap: false })
        expect(exit.outputBytes).toBe((await pty.tail(1_000_000)).length)
      })

      it('reports the exit code [PTY-13]', async () => {
        expect(await (await host.spawn(sh('exit 42'))).exited).toMatchObject({ exitCode: 42, signal: null })
      })

      it('reports death by a signal by its name, without an exit code [PTY-13]', async () => {
        expect(await (await host.spawn(sh('kill -SEGV $$'))).exited).toMatchObject({ exitCode: null, signal: 'SIGSEGV' })
      })

      it('holds a PTY by id from spawn until it has ended and is released [PTY-2]', async () => {
        const spec = sh('read x')
        const pty = await host.spawn(spec)
        expect(host.get(spec.ptyId)).toBe(pty)
        expect(host.list()).toContain(pty)
        pty.release() // too early: it lives
        expect(host.get(spec.ptyId)).toBe(pty)
        await pty.write(Buffer.from('\n'))
        await pty.exited
        expect(host.list()).not.toContain(pty)
        expect(host.get(spec.ptyId)).toBe(pty)
        pty.release()
        await until('the host has let go of it', () => host.get(spec.ptyId) === undefined)
      })

      it('looks commands up on the PATH of env, relative entries in the cwd [PTY-3]', async () => {
        mkdirSync(join(directory, 'tools'), { recursive: true })
        writeFileSync(join(directory, 'tools', 'my tool'), '#!/bin/sh\necho from $0', { mode: 0o755 })
        const pty = await host.spawn(specOf(['my tool'], { cwd: directory, extraEnv: { PATH: '/nowhere:tools' } }))
        await pty.exited
        expect(await text(pty)).toBe('from tools/my tool\r\n')
      })

      it('runs a text without an interpreter line by /bin/sh, as execvp does [PTY-3]', async () => {
        writeFileSync(join(directory, 'plain'), 'echo "$0:$1:$#"', { mode: 0o755 })
        const pty = await host.spawn(specOf(['./plain', 'one', 'two'], { cwd: directory }))
        await pty.exited
        expect(await text(pty)).toBe('./plain:one:2\r\n')
      })
    })

    describe('spawn that is refused before anything starts', () => {
      const cases: [string, () => Parameters<TerminalHost['spawn']>[0], string][] = [
        ['an empty argv', () => specOf([]), 'ERR_PTY_INVALID_ARGUMENT'],
        ['an empty command', () => specOf(['']), 'ERR_PTY_INVALID_ARGUMENT'],
        ['a NUL in an argument', () => specOf(['echo', 'a\0b']), 'ERR_PTY_INVALID_ARGUMENT'],
        ['a NUL in the environment', () => specOf(['true'], { extraEnv: { A: 'x\0y' } }), 'ERR_PTY_INVALID_ARGUMENT'],
        ['an = in the name of a variable', () => specOf(['true'], { extraEnv: { 'A=B': 'x' } }), 'ERR_PTY_INVALID_ARGUMENT'],
        ['no columns', () => specOf(['true'], { cols: 0 }), 'ERR_PTY_INVALID_ARGUMENT'],
        ['too many rows', () => specOf(['true'], { rows: 10_001 }), 'ERR_PTY_INVALID_ARGUMENT'],
        ['half a column', () => specOf(['true'], { cols: 80.5 }), 'ERR_PTY_INVALID_ARGUMENT'],
        ['a relative cwd', () => specOf(['true'], { cwd: 'tmp' }), 'ERR_PTY_INVALID_ARGUMENT'],
        ['a cwd that does not exist', () => specOf(['true'], { cwd: join(directory, 'gone') }), 'ERR_PTY_CWD_NOT_FOUND'],
        ['a cwd that is a file', () => specOf(['true'], { cwd: '/etc/passwd' }), 'ERR_PTY_CWD_NOT_FOUND'],
        ['a command that is not on the PATH', () => specOf(['no-such-command']), 'ERR_PTY_COMMAND_NOT_FOUND'],
        ['a path that does not exist', () => specOf(['./nothing'], { cwd: directory }), 'ERR_PTY_COMMAND_NOT_FOUND'],
        ['an empty PATH', () => specOf(['true'], { cwd: directory, extraEnv: { PATH: '' } }), 'ERR_PTY_COMMAND_NOT_FOUND'],
        ['a file that is not executable', () => specOf(['/etc/passwd']), 'ERR_PTY_COMMAND_NOT_EXECUTABLE'],
        ['a directory', () => specOf(['/etc']), 'ERR_PTY_COMMAND_NOT_EXECUTABLE'],
        [
          '2 MB of environment in one variable',
          () => specOf(['true'], { extraEnv: { BIG: 'x'.repeat(2_000_000) } }),
          'ERR_PTY_INVALID_ARGUMENT',
        ],
        ['2 MB of environment in many', () => specOf(['true'], { extraEnv: manyVariables(2_100_000) }), 'ERR_PTY_INVALID_ARGUMENT'],
      ]
      for (const [what, spec, code] of cases) {
        it(`${what}: ${code} [PTY-3]`, async () => {
          await expect(host.spawn(spec())).rejects.toMatchObject({ name: 'SignalboxError', code })
          expect(host.list()).toEqual([])
        })
      }

      it('an id or a mark that a living PTY has [PTY-2]', async () => {
        const spec = sh('read x')
        const pty = await host.spawn(spec)
        await expect(host.spawn(spec)).rejects.toMatchObject({ code: 'ERR_PTY_INVALID_ARGUMENT' })
        await expect(host.spawn(sh('true', { mark: spec.mark }))).rejects.toMatchObject({ code: 'ERR_PTY_INVALID_ARGUMENT' })
        await pty.terminate({ graceMs: 0, askedBy: 'test' })
        expect(await (await host.spawn(spec)).terminate({ graceMs: 0, askedBy: 'test' })).toMatchObject({ signal: 'SIGKILL' })
      })
    })

    describe('input and size', () => {
      it('delivers arbitrary bytes in order, whole, once [PTY-5]', async () => {
        const bytes = Buffer.from(Array.from({ length: 40_000 }, (_, index) => (index * 7 + (index >> 8)) & 0xff))
        const pty = await host.spawn(sh(`stty raw -echo; echo ready; exec head -c ${bytes.length}`))
        await untilOutput(pty, 'ready')
        const from = (await pty.tail(1_000_000)).length
        for (let at = 0; at < bytes.length; at += 777) void pty.write(bytes.subarray(at, at + 777))
        expect((await pty.exited).exitCode).toBe(0)
        // `stty` lets the kernel end the line of "ready" one way or the other: what counts is what came back.
        expect(Buffer.from(await pty.tail(bytes.length)).equals(bytes)).toBe(true)
        expect((await pty.tail(1_000_000)).length).toBe(from + bytes.length)
      })

      it('refuses input over 1 MB as a whole, and takes more once the program reads [PTY-5]', async () => {
        const go = join(directory, 'go')
        const script = 'stty raw -echo; echo ready; while [ ! -e "$GO" ]; do sleep 0.05; done; exec cat > /dev/null'
        const pty = await host.spawn(sh(script, { extraEnv: { GO: go } }))
        await untilOutput(pty, 'ready')
        const first = pty.write(Buffer.alloc(1_000_000, 97))
        await expect(pty.write(Buffer.alloc(200_000, 98))).rejects.toMatchObject({ code: 'ERR_PTY_INPUT_FULL', retryable: true })
        writeFileSync(go, '')
        await first
        await pty.write(Buffer.alloc(200_000, 98))
        await pty.terminate({ graceMs: 0, askedBy: 'test' })
      })

      it('tells how much input it was given, and how much waits because nobody reads [PTY-5, PTY-18]', async () => {
        const pty = await host.spawn(sh('stty raw -echo; echo ready; read x'))
        await untilOutput(pty, 'ready')
        expect(pty.stats()).toMatchObject({ inputBytes: 0, inputQueuedBytes: 0 })
        const writing = pty.write(Buffer.alloc(200_000, 'a')).catch(() => undefined)
        await until('what the kernel takes is taken', () => pty.stats().inputQueuedBytes > 100_000)
        expect(pty.stats().inputBytes).toBe(200_000)
        await pty.terminate({ graceMs: 0, askedBy: 'test' })
        await writing
      })

      it('resizes with SIGWINCH and keeps the new size [PTY-6]', async () => {
        const pty = await host.spawn(sh('trap "stty size; exit" WINCH; echo ready; while :; do sleep 0.05; done'))
        await untilOutput(pty, 'ready')
        await pty.resize(77, 22)
        await pty.exited
        expect(await text(pty)).toContain('22 77')
        expect(pty.stats()).toMatchObject({ cols: 77, rows: 22 })
      })

      it('refuses a bad size [PTY-6]', async () => {
        const pty = await host.spawn(sh('read x'))
        await expect(pty.resize(0, 10)).rejects.toMatchObject({ code: 'ERR_PTY_INVALID_ARGUMENT' })
        await expect(pty.resize(10, Number.NaN)).rejects.toMatchObject({ code: 'ERR_PTY_INVALID_ARGUMENT' })
        await pty.terminate({ graceMs: 0, askedBy: 'test' })
      })

      it('applies input with a key once, and says what became of it [PTY-5]', async () => {
        const pty = await host.spawn(sh('stty raw -echo; printf R; head -c 12 | od -An -c; sleep 3600'))
        await untilOutput(pty, 'R')
        const write = (input: string, key: string): Promise<void> => pty.write(Buffer.from(input), { key })
        await Promise.all([write('one.', 'a'), write('one.', 'a'), write('two.', 'b')])
        await write('one.', 'a')
        expect(await pty.receipt('a')).toEqual({ state: 'applied', appliedBytes: 4, offset: 4 })
        expect(await pty.receipt('b')).toEqual({ state: 'applied', appliedBytes: 4, offset: 8 })
        expect(await pty.receipt('c')).toEqual({ state: 'unknown', appliedBytes: 0, offset: null })
        await expect(write('other', 'a')).rejects.toMatchObject({ code: 'ERR_PTY_INVALID_ARGUMENT' })
        await write('end.', 'c')
        await untilOutput(pty, 'e   n   d')
        expect((await text(pty)).replace(/\s+/g, '')).toBe('Rone.two.end.')
      })

      it('says of input that waits when the process ends how much of it was applied [PTY-5]', async () => {
        const pty = await host.spawn(sh('stty raw -echo; printf R; sleep 3600'))
        await untilOutput(pty, 'R')
        const waits = pty.write(Buffer.alloc(500_000, 97), { key: 'large' })
        const behind = pty.write(Buffer.from('x'), { key: 'behind' })
        const ended = Promise.allSettled([waits, behind])
        await until('some of it is applied', async () => (await pty.receipt('large')).appliedBytes > 0)
        expect(await pty.receipt('large')).toMatchObject({ state: 'queued' })
        await pty.terminate({ graceMs: 0, askedBy: 'test' })
        const { appliedBytes, state, offset } = await pty.receipt('large')
        expect({ state, offset }).toEqual({ state: 'dropped', offset: appliedBytes })
        expect(appliedBytes).toBeLessThan(500_000)
        expect(await ended).toMatchObject([
          { status: 'rejected', reason: { code: 'ERR_PTY_ENDED', context: { appliedBytes } } },
          { status: 'rejected', reason: { code: 'ERR_PTY_ENDED', context: { appliedBytes: 0 } } },
        ])
        expect(await pty.receipt('behind')).toEqual({ state: 'dropped', appliedBytes: 0, offset: null })
      })

      it('keeps the writes of several whole and in the order in which they came [PTY-5]', async () => {
        const pty = await host.spawn(sh('stty raw -echo; printf R; exec cat'))
        await untilOutput(pty, 'R')
        const letters = ['a', 'b', 'c', 'd']
        const wanted: string[] = []
        const writes: Promise<void>[] = []
        for (let round = 0; round < 10; round += 1) {
          for (const letter of letters) {
            const line = letter.repeat(1 + ((round * 977) % 9_000))
            wanted.push(line)
            writes.push(pty.write(Buffer.from(line)))
          }
        }
        await Promise.all(writes)
        const all = wanted.join('')
        await until('all has come back', () => pty.stats().outputBytes === all.length + 1)
        expect(await text(pty)).toBe(`R${all}`)
      })

      it('puts a paste in brackets only where the program has asked for them, Enter after it [PTY-5]', async () => {
        const script =
          'stty raw -echo; printf R; head -c 6 >/dev/null; printf "\\033[?2004h"; printf S; dd bs=1 count=19 2>/dev/null | od -An -c; sleep 3600'
        const pty = await host.spawn(sh(script))
        await untilOutput(pty, 'R')
        const paste = (input: string): Promise<void> => pty.write(Buffer.from(input), { paste: true, enter: true })
        await paste('plain')
        await untilOutput(pty, 'S')
        await paste('te\u001B[201~xt!!')
        await until('it has read all', async () => (await text(pty)).includes('1   ~  \\r'))
        expect((await text(pty)).split('S')[1]?.replace(/\s+/g, '')).toBe('033[200~text!!033[201~\\r')
      })

      it('tells whether its program reads, where that can be seen [PTY-18]', async ({ skip }) => {
        skip(process.platform !== 'linux', 'only Linux tells what a program waits for')
        const pty = await host.spawn(sh('sleep 0.2; read x; exec sleep 3600'))
        await until('it reads', async () => (await pty.waiting()) === 'input')
        await pty.write(Buffer.from('\n'))
        await until('it is busy', async () => (await pty.waiting()) === 'busy')
        await pty.terminate({ graceMs: 0, askedBy: 'test' })
        expect(await pty.waiting()).toBe('unknown')
      })

      it('refuses input, resize and signals after the end [PTY-6]', async () => {
        const pty = await host.spawn(sh('exit 0'))
        await pty.exited
        await expect(pty.write(Buffer.from('x'))).rejects.toMatchObject({ code: 'ERR_PTY_ENDED' })
        await expect(pty.resize(80, 24)).rejects.toMatchObject({ code: 'ERR_PTY_ENDED' })
        await expect(pty.signal('SIGTERM', 'test')).rejects.toMatchObject({ code: 'ERR_PTY_ENDED' })
        expect(await pty.terminate({ graceMs: 0, askedBy: 'test' })).toEqual(await pty.exited)
      })
    })

    describe('output', () => {
      it('is read whole by a late reader, at the right offsets [PTY-11]', async () => {
        const pty = await host.spawn(sh('printf 0123456789'))
        await pty.exited
        const chunks = []
        for await (const chunk of pty.read({ from: 4 })) chunks.push(chunk)
        expect(chunks).toEqual([{ offset: 4, bytes: new Uint8Array(Buffer.from('456789')) }])
        for await (const chunk of pty.read({ tail: 3 })) expect(chunk).toMatchObject({ offset: 7 })
        expect(await text(pty, 2)).toBe('89')
      })

      it('is told of after it came, what came at the exit too, to the one who asked last [PTY-13]', async () => {
        const pty = await host.spawn(sh('stty -echo; printf 1; read x; printf 23; read x; printf 4567; read x; printf 89'))
        await untilOutput(pty, '1')
        const seen: number[] = []
        const { promise: first, resolve } = Promise.withResolvers<void>()
        pty.onOutput(() => resolve())
        await pty.write(Buffer.from('\n'))
        await first
        pty.onOutput(() => void seen.push(pty.stats().outputBytes))
        await pty.write(Buffer.from('\n'))
        await until('it is told', () => seen.at(-1) === 7)
        await pty.write(Buffer.from('\n'))
        const { outputBytes } = await pty.exited
        expect(seen.at(-1)).toBe(outputBytes)
        expect(outputBytes).toBe(9)
      })

      it('is told of to nobody after null [PTY-13]', async () => {
        const pty = await host.spawn(sh('read x; printf 123'))
        let calls = 0
        pty.onOutput(() => (calls += 1))
        pty.onOutput(null)
        await pty.write(Buffer.from('\n'))
        await pty.exited
        expect(calls).toBe(0)
      })

      it('is told of when nobody takes it, and when the ring gives some up, all in the end [PTY-11]', async () => {
        const pty = await host.spawn(sh('read x; stty raw; head -c 1000000 /dev/zero; stty -raw; read x', { ringBytes: 131_072 }))
        const told: PtyPressure[] = []
        pty.onPressure((pressure) => void told.push(pressure))
        await pty.write(Buffer.from('\n'))
        const lost = (): readonly Extract<PtyPressure, { kind: 'overflow' }>[] => told.filter((one) => one.kind === 'overflow')
        await until('all that was given up is told', () => (lost().at(-1)?.totalBytes ?? 0) >= 1_000_000 - 131_072)
        expect(told.find(({ kind }) => kind === 'backpressure')).toMatchObject({ reader: 'nobody', at: expect.any(Number) })
        expect(lost().reduce((sum, { droppedBytes }) => sum + droppedBytes, 0)).toBe(lost().at(-1)?.totalBytes)
        await pty.terminate({ graceMs: 0, askedBy: 'test' })
        const first = await pty.read({ from: 0 })[Symbol.asyncIterator]().next()
        expect(first.value).toMatchObject({ gap: { from: 0, to: lost().at(-1)?.totalBytes } })
      })

      it('gives a defined gap to a reader that comes too late [PTY-11]', async () => {
        const pty = await host.spawn(sh('stty raw; head -c 300000 /dev/zero', { ringBytes: 65_536 }))
        const { outputBytes } = await pty.exited
        const { bytes, gaps } = await collect(pty)
        expect(gaps).toBe(1)
        expect(outputBytes).toBe(300_000)
        expect(bytes.length).toBeLessThanOrEqual(65_536)
        const first = await pty.read({ from: 0 })[Symbol.asyncIterator]().next()
        expect(first.value).toEqual({ gap: { from: 0, to: 300_000 - bytes.length } })
      })

      it('what a reader was given never changes, unless he borrows it: then until he asks for the next [PTY-11, PTY-12]', async () => {
        const total = 1_500_000
        const script = `stty raw; seq -f '%09.0f' 1 ${total / 10}`
        const pty = await host.spawn(sh(script, { ringBytes: 131_072 }))
        const wanted = (offset: number, length: number): string => {
          let out = ''
          for (let line = Math.floor(offset / 10); out.length < length + 10; line += 1) out += `${String(line + 1).padStart(9, '0')}\n`
          return out.slice(offset % 10, (offset % 10) + length)
        }
        const kept: { offset: number; bytes: Uint8Array }[] = []
        const keeping = (async () => {
          for await (const chunk of pty.read({ from: 0, mode: 'lossless' })) if ('bytes' in chunk) kept.push(chunk)
        })()
        let borrowed = 0
        for await (const chunk of pty.read({ from: 0, mode: 'lossless', borrow: true })) {
          if ('gap' in chunk) throw new Error('a gap')
          await new Promise((resolve) => setImmediate(resolve))
          expect(Buffer.from(chunk.bytes).toString('latin1')).toBe(wanted(chunk.offset, chunk.bytes.length))
          borrowed += chunk.bytes.length
        }
        await keeping
        expect(borrowed).toBe(total)
        expect(kept.reduce((sum, { bytes }) => sum + bytes.length, 0)).toBe(total)
        for (const { offset, bytes } of kept) expect(Buffer.from(bytes).toString('latin1')).toBe(wanted(offset, bytes.length))
      })

      it('a lossless reader slows the child, while a lossy one goes on [PTY-12]', async () => {
        const total = 3_000_000
        // It begins when it is read: one in another process might be done before.
        const pty = await host.spawn(sh(`stty raw -echo; printf x; read x; head -c ${total} /dev/zero`))
        const lossless = pty.read({ from: 0, mode: 'lossless' })[Symbol.asyncIterator]()
        let read = 0
        const begun = await lossless.next()
        if (begun.done !== true && 'bytes' in begun.value) read += begun.value.bytes.length
        await pty.write(Buffer.from('\n'))
        const first = await lossless.next()
        if (first.done !== true && 'bytes' in first.value) read += first.value.bytes.length
        let lossy = 0
        const lossyEnd = (async () => {
          for await (const chunk of pty.read({ from: 0 })) if ('bytes' in chunk) lossy += chunk.bytes.length
        })()
        let before = -1
        await until('the child is blocked', () => {
          const now = pty.stats().outputBytes
          const still = now === before && now > 200_000
          before = now
          return still
        })
        expect(before).toBeLessThan(1_000_000)
        await until('the lossy reader has all that there is', () => lossy === pty.stats().outputBytes)
        for (let next = await lossless.next(); next.done !== true; next = await lossless.next()) {
          if ('bytes' in next.value) read += next.value.bytes.length
        }
        await lossyEnd
        expect({ read, lossy, ...(await pty.exited) }).toMatchObject({ read: total + 1, lossy: total + 1, exitCode: 0 })
      })

      it('a lossless reader that is aborted or returns gives its credit back [PTY-12]', async () => {
        const pty = await host.spawn(sh('stty raw; head -c 2000000 /dev/zero'))
        const controller = new AbortController()
        const aborted = pty.read({ mode: 'lossless', signal: controller.signal })[Symbol.asyncIterator]()
        await aborted.next()
        for await (const chunk of pty.read({ mode: 'lossless' })) {
          expect(chunk).toHaveProperty('bytes')
          break
        }
        controller.abort()
        expect(await pty.exited).toMatchObject({ exitCode: 0, outputBytes: 2_000_000 })
        expect((await aborted.next()).done).toBe(true)
      })

      it('refuses offsets that are none [PTY-11]', async () => {
        const pty = await host.spawn(sh('exit 0'))
        for (const options of [{ from: -1 }, { from: 1.5 }, { tail: Number.NaN }]) {
          expect(() => pty.read(options)).toThrow(expect.objectContaining({ code: 'ERR_PTY_INVALID_ARGUMENT' }))
        }
        await pty.exited
      })
    })

    describe('signals and the end', () => {
      it('delivers a signal to the group by name and records it [PTY-8]', async () => {
        const pty = await host.spawn(sh('trap "echo got; exit 7" USR1; echo ready; while :; do sleep 0.05; done'))
        await untilOutput(pty, 'ready')
        const record = await pty.signal('SIGUSR1', 'operator')
        expect(record).toEqual({
          at: expect.any(Number),
          signal: 'SIGUSR1',
          target: { pid: pty.identity.pid, scope: 'group' },
          askedBy: 'operator',
          outcome: 'delivered',
        })
        expect(await pty.exited).toMatchObject({ exitCode: 7 })
        expect(await text(pty)).toContain('got')
        expect(await pty.signals()).toEqual([record])
      })

      it('terminate lets a program end in its own way within the grace [PTY-7]', async () => {
        const pty = await host.spawn(sh('trap "echo bye; exit 3" TERM; echo ready; while :; do sleep 0.05; done'))
        await untilOutput(pty, 'ready')
        expect(await pty.terminate({ graceMs: 30_000, askedBy: 'test' })).toMatchObject({ exitCode: 3, signal: null, survivors: [] })
        expect(await text(pty)).toContain('bye')
      })

      it('terminate ends an interactive shell, which ignores SIGTERM, without waiting for the grace [PTY-7]', async () => {
        const pty = await host.spawn(specOf(['/bin/sh', '-i'], { extraEnv: { PS1: 'prompt$ ', ENV: '' } }))
        await untilOutput(pty, 'prompt$ ')
        // On Linux it is known to ignore SIGTERM; elsewhere SIGHUP comes after half of the grace.
        const exit = await pty.terminate({ graceMs: process.platform === 'linux' ? 3_600_000 : 4_000, askedBy: 'test' })
        expect(exit.signal).not.toBe('SIGKILL')
      })

      it('terminate kills what ignores SIGTERM and SIGHUP after the grace [PTY-7]', async () => {
        const pty = await host.spawn(sh('trap "" TERM HUP; echo ready; while :; do sleep 0.05; done'))
        await untilOutput(pty, 'ready')
        expect(await pty.terminate({ graceMs: 50, askedBy: 'test' })).toMatchObject({ exitCode: null, signal: 'SIGKILL' })
        const group = (await pty.signals()).filter(({ target }) => target.scope === 'group')
        expect(group.map(({ signal }) => signal)).toEqual(['SIGTERM', 'SIGHUP', 'SIGCONT', 'SIGKILL'])
      })

      it('a second terminate with a shorter grace shortens it [PTY-7]', async () => {
        const pty = await host.spawn(sh('trap "" TERM HUP; echo ready; while :; do sleep 0.05; done'))
        await untilOutput(pty, 'ready')
        const first = pty.terminate({ graceMs: 3_600_000, askedBy: 'test' })
        void pty.terminate({ graceMs: 7_200_000, askedBy: 'test' })
        expect(await pty.terminate({ graceMs: 0, askedBy: 'impatient' })).toMatchObject({ signal: 'SIGKILL' })
        expect(await first).toMatchObject({ signal: 'SIGKILL' })
        expect((await pty.signals()).at(-1)).toMatchObject({ signal: 'SIGKILL', askedBy: 'impatient' })
      })

      it('terminate ends a stopped program [PTY-7]', async () => {
        const pty = await host.spawn(sh('echo ready; kill -STOP $$; exit 1'))
        await untilOutput(pty, 'ready')
        expect((await pty.terminate({ graceMs: 30_000, askedBy: 'test' })).signal).toMatch(/SIGHUP|SIGTERM/)
      })

      it('close ends every PTY, and starts no more [PTY-7]', async () => {
        const other = await make()
        const ptys = await Promise.all([other.spawn(sh('read x')), other.spawn(sh('trap "" TERM HUP; read x'))])
        const late = other.spawn(sh('read x'))
        await other.close(50)
        expect((await Promise.all(ptys.map((pty) => pty.exited))).every(({ signal }) => signal !== null)).toBe(true)
        expect(await (await late).exited).toHaveProperty('signal')
        expect(other.list()).toEqual([])
        await expect(other.spawn(sh('true'))).rejects.toMatchObject({ code: 'ERR_RUNTIME_CLOSED' })
      })
    })
  })
}

function manyVariables(bytes: number): Record<string, string> {
  return Object.fromEntries(Array.from({ length: bytes / 1_000 }, (_, index) => [`VARIABLE_${index}`, 'x'.repeat(1_000)]))
}
