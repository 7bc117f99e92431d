import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createProcessTable } from '../../src/adapters/process-table.ts'
import { BIN, until } from '../helpers/cli.ts'
import { type CliDesk, makeCliDesk } from '../helpers/cli-users.ts'

let desk: CliDesk
beforeEach(async () => {
  desk = await makeCliDesk()
})
afterEach(() => desk.cleanup())

const CTRL_Q = '\u0011'

/** Shows each byte that it is given, as the program sees it. */
const BYTES = `stty raw -echo; echo ready; exec od -An -v -t x1 -w1`

describe('signalbox term attach', () => {
  it('is the terminal of the program: what is typed, its size, recent output; Ctrl-Q leaves it as it was, and the program goes on', async () => {
    await desk.spawn('shell', 'echo "said before"; exec sh -i')
    const seat = await desk.user('term attach shell', { cols: 91, rows: 23 })
    await seat.shows('said before')
    await seat.type('stty size; echo $((6 * 7))\r')
    await seat.shows(/23 91\r\n42/u)
    await seat.pty.resize(120, 40)
    await until('the new size has come', async () => {
      await seat.type('stty size\r')
      return seat.screen().includes('40 120')
    })
    await seat.type(CTRL_Q)
    await seat.isBack(0)
    const again = await desk.user('term attach desk/shell')
    await again.shows('said before')
    await again.shows(/23 91\r\n42/u)
    await again.type('exit 3\r')
    await again.shows('[desk/shell: exit 3]')
    await again.isBack(1)
  })

  it('types every other key; the detach key only when it is pressed twice, and by keyboard protocols too; another key can be chosen', async () => {
    await desk.spawn('bytes', BYTES)
    const seat = await desk.user('term attach bytes')
    await seat.shows('ready')
    await seat.type(`\u0003\u001a\u001c\r${CTRL_Q}${CTRL_Q}\u00c3\u00bc\u001b[A`)
    await seat.shows(/ 03\s+1a\s+1c\s+0d\s+11\s+c3\s+bc\s+1b\s+5b\s+41/u)
    await seat.type('\u001b[113;5u\u001b[113;5:3u')
    await seat.isBack(0)
    const other = await desk.user('term attach bytes --detach-key ctrl-]')
    await other.shows(/ 5b\r\n[\s\S]* 41/u)
    await other.type(`${CTRL_Q}Z`)
    await other.shows(/ 11\s+5a/u)
    await other.type('\u001d')
    await other.isBack(0)
  })

  it('shows each byte as it came: a line feed alone moves straight down', async () => {
    await desk.spawn('raw', `stty raw -echo; read x; printf 'one\\ntwo\\r\\nthree'; exec sleep 1000`)
    const seat = await desk.user('term attach raw')
    await seat.shows('[desk/raw')
    await seat.type('\n')
    await seat.shows('one\ntwo\r\nthree')
    await seat.type(CTRL_Q)
    await seat.isBack(0)
    const again = await desk.user('term attach raw')
    // drawn as it is on the screen
    await again.shows('\u001b[H\u001b[2Jone\r\n\u001b[3Ctwo\r\nthree')
    await again.type(CTRL_Q)
    await again.isBack(0)
  })

  it('refuses to show a terminal in itself', async () => {
    await desk.spawn('shell', `exec sh -i`)
    const seat = await desk.user('term attach shell')
    await seat.shows('[desk/shell')
    await seat.type(`cd '${desk.repo.root}'; '${process.execPath}' '${BIN}' term attach shell; echo "code $?"\r`)
    await seat.shows(/this is terminal desk\/shell itself[\s\S]*code 2\r/u)
    await seat.type(CTRL_Q)
    await seat.isBack(0)
  })

  it('gives the terminal back after all that programs switch on: alternate screen, mouse, paste, cursor, keyboard', async () => {
    await desk.spawn(
      'screen',
      `printf '\\033[?1049h\\033[?25l\\033[?1000;1006h\\033[?2004h\\033[>1u\\033[2;5rfull screen'; exec sleep 1000`,
    )
    const seat = await desk.user('term attach screen')
    await seat.shows('full screen')
    await seat.type(CTRL_Q)
    await seat.isBack(0)
    const after = seat.screen().slice(seat.screen().indexOf('full screen'))
    for (const sequence of ['\u001b[?1049l', '\u001b[?25h', '\u001b[?1000l', '\u001b[?1006l', '\u001b[?2004l', '\u001b[<1u', '\u001b[r'])
      expect(after).toContain(sequence)
  })

  it('lets several people sit at one terminal: all see all, and one who leaves disturbs nobody', async () => {
    await desk.spawn('shell', 'exec sh -i')
    const [one, two] = await Promise.all([desk.user('term attach shell'), desk.user('term attach shell')])
    await one.shows('[desk/shell')
    await two.shows('[desk/shell')
    await one.type('echo from-$((1 + 0))\r')
    await two.shows('from-1')
    await two.type('echo from-$((1 + 1))\r')
    await one.shows('from-2')
    await one.type(CTRL_Q)
    await one.isBack(0)
    await two.type('echo still-$((2 + 1))\r')
    await two.shows('still-3')
    await two.type(CTRL_Q)
    await two.isBack(0)
  })

  it('leaves the terminal sane when the orchestrator is killed, or the command itself is ended by a signal', async () => {
    await desk.spawn('shell', `printf '\\033[?1049h\\033[?25lhere'; exec sh -i`)
    const { pid } = JSON.parse((await desk.run(['status', '--json'])).stdout) as { pid: number }
    const [one, two] = await Promise.all([desk.user('term attach shell'), desk.user('term attach shell')])
    await one.shows('here')
    await two.shows('here')
    const [attached] = (await createProcessTable().findByMark(two.mark)).filter(({ ppid }) => ppid === two.pty.identity.pid)
    process.kill(attached?.pid ?? 0, 'SIGTERM')
    await two.isBack(130)
    process.kill(pid, 'SIGKILL')
    await one.shows(`signalbox: the orchestrator (pid ${pid}) that holds terminal desk/shell is gone`)
    await one.isBack(1)
    expect(one.screen()).toMatch(/\u001b\[\?25h[\s\S]*is gone/u)
  })

  it('shows much output whole and in order, and asks the terminal nothing again that was asked before', async () => {
    await desk.spawn('much', `printf 'asked \\033[6n\\033[c\\033]11;?\\007before\\n'; read go; seq 1 100000; exec cat`)
    const seat = await desk.user('term attach much')
    await seat.shows(/asked before/u)
    await seat.type('go\r')
    await seat.shows('\r\n100000\r\n')
    const numbers = seat
      .screen()
      .split('\r\n')
      .filter((line) => /^\d+$/u.test(line))
    expect(numbers).toEqual(Array.from({ length: 100_000 }, (_, index) => String(index + 1)))
    const late = await desk.user('term attach much')
    await late.shows('\r\n100000\r\n')
    // a thousand lines above the screen
    expect(late.screen()).toMatch(/\u001b\[2J98\d{3}\r\n98\d{3}\r\n/u)
  })

  it('begins with the screen of a program that fills it, and draws nothing on the clipboard unless that is allowed [PTY-20]', async () => {
    await desk.spawn(
      'full',
      `stty -echo; printf '\\033[?1049h\\033[2J\\033[4;7Hhere\\033[?1000h'; read x; printf '\\033]52;c;c2VjcmV0\\007\\033[5;7Htyped'; exec cat`,
    )
    const [plain, allowed] = await Promise.all([desk.user('term attach full'), desk.user('term attach full --clipboard')])
    for (const seat of [plain, allowed]) {
      await seat.shows(/\u001b\[\?1049h[\s\S]*here[\s\S]*\u001b\[\?1000h/u)
    }
    await plain.type('\r')
    for (const seat of [plain, allowed]) await seat.shows('typed')
    expect(plain.screen()).not.toContain(']52;')
    expect(allowed.screen()).toContain('\u001b]52;c;c2VjcmV0\u0007')
    for (const seat of [plain, allowed]) {
      await seat.type(CTRL_Q)
      await seat.isBack(0)
    }
  })

  it('refuses without a terminal, and what is not there', async () => {
    await desk.spawn('shell', 'exec sh')
    expect(await desk.run(['term', 'attach', 'shell'])).toMatchObject({ code: 2, stderr: expect.stringContaining('needs a terminal') })
    expect(await desk.run(['term', 'attach', 'shell', '--detach-key', 'q'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('ctrl-'),
    })
    await (await desk.user('term attach shlel')).isBack(3)
  })
})

describe('what is listed on a terminal', () => {
  it('takes one line each, in 80 columns too', async () => {
    await desk.spawn('shell', `: ${'a long command '.repeat(20)}; exec sleep 1000`)
    const seat = await desk.user('term ls', { cols: 80, rows: 24 })
    await seat.isBack(0)
    expect(seat.screen()).toMatch(/^TERMINAL +STATE +DOES +COMMAND\r\ndesk\/shell +active, pid \d+ +\S.* +sh -c .*…\r\ncode 0/u)
    for (const line of seat.screen().split('\r\n')) expect(line.length).toBeLessThanOrEqual(80)
    const lanes = await desk.user('lane ls', { cols: 80, rows: 24 })
    await lanes.isBack(0)
    expect(lanes.screen()).toMatch(/^LANE .*\r\ndesk .*\r\ncode 0/u)
  })

  it('logs: asks the terminal nothing, and leaves it as it was', async () => {
    await desk.spawn('asks', `printf 'asked \\033[6n\\033]11;?\\007\\033[?1000h\\033[31mred\\n'; exec sleep 1000`)
    const seat = await desk.user('term logs asks --follow')
    await seat.shows('\u001b[31mred')
    await seat.type('\u0003')
    await seat.isBack(130)
    expect(seat.screen()).toMatch(/asked \u001b\[\?1000h\u001b\[31mred[\s\S]*\u001b\[\?1000l/u)
  })

  it('logs: leaves the clipboard of the user alone, also where what sets it comes in two pieces', async () => {
    await desk.spawn('sets', `stty -echo; printf 'begin\\033]5'; read x; printf '2;c;aGk=\\007after\\n'; exec sleep 1000`)
    const seat = await desk.user('term logs sets --follow')
    await seat.shows('begin')
    await desk.run(['term', 'send', 'sets', '--', ''])
    await seat.shows('after')
    await seat.type('\u0003')
    await seat.isBack(130)
    expect(seat.screen()).not.toContain('c;aGk=')
  })
})
