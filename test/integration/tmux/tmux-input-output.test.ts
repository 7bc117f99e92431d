import { afterAll, describe, expect, it } from 'vitest'
import { collect, openKit, sh, specOf, text, until, untilOutput } from '../terminal/terminal-kit.ts'
import { noTmux, removePlaces, tmuxCommand, usingTmux } from './tmux-kit.ts'

const everyByte = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))

describe.skipIf(noTmux !== '')(`bytes through tmux${noTmux}`, () => {
  afterAll(removePlaces)

  it('output is exact: every byte, sequences that are no UTF-8, what looks like the protocol [PTY-11]', async () => {
    await using kit = await usingTmux()
    const nasty = Buffer.concat([
      everyByte,
      Buffer.from('\n%end 1 1 1\n%output %0 x\n%exit\n\\033\\134\n'),
      Buffer.from([0xff, 0xfe, 0xc3, 0x28]),
    ])
    const script = `stty raw -echo; printf '%b' "$DATA"`
    const DATA = [...nasty].map((byte) => `\\0${byte.toString(8).padStart(3, '0')}`).join('')
    const pty = await kit.host.spawn(sh(script, { extraEnv: { DATA } }))
    await pty.exited
    expect((await collect(pty)).bytes.equals(nasty)).toBe(true)
  })

  it('input is exact: every byte, NUL too, in small and large pieces, in order [PTY-5]', async () => {
    await using kit = await usingTmux()
    const bytes = Buffer.concat([everyByte, Buffer.alloc(100_000, everyByte), Buffer.alloc(60_000, 'abc')])
    const pty = await kit.host.spawn(sh(`stty raw -echo; echo ready; exec head -c ${bytes.length}`))
    await untilOutput(pty, 'ready')
    void pty.write(bytes.subarray(0, 1))
    void pty.write(bytes.subarray(1, 5_000))
    await pty.write(bytes.subarray(5_000))
    expect((await pty.exited).exitCode).toBe(0)
    expect(Buffer.from(await pty.tail(bytes.length)).equals(bytes)).toBe(true)
  })

  it('input reaches the program while somebody reads the history of its pane [PTY-5]', async () => {
    await using kit = await usingTmux()
    const pty = await kit.host.spawn(sh('read x; echo "got $x"'))
    tmuxCommand(kit.directory, 'copy-mode', '-t', `signalbox:${pty.ptyId}`)
    await pty.write(Buffer.from('typed\n'))
    await pty.exited
    expect(await text(pty)).toContain('got typed')
  })

  it('a program that does not read leaves next to nothing with tmux: input waits here [PTY-5]', async () => {
    await using kit = await usingTmux()
    const pty = await kit.host.spawn(sh('stty raw -echo; echo ready; exec sleep 1000'))
    await untilOutput(pty, 'ready')
    const written = pty.write(Buffer.alloc(900_000, 97)).catch((error: unknown) => error)
    await until('it is stuck', () => pty.stats().inputQueuedBytes < 900_000)
    let before = -1
    await until('nothing more is taken', () => {
      const now = pty.stats().inputQueuedBytes
      const still = now === before
      before = now
      return still
    })
    expect(pty.stats().inputQueuedBytes).toBeGreaterThan(800_000)
    await pty.terminate({ graceMs: 0, askedBy: 'test' })
    expect(await written).toMatchObject({ code: 'ERR_PTY_ENDED' })
  })

  it('no run of fifty that print 20 KB and exit loses any of it [PTY-17]', async () => {
    await using kit = await usingTmux()
    for (let run = 0; run < 50; run += 1) {
      const pty = await kit.host.spawn(sh('head -c 20000 /dev/zero | tr "\\0" x; printf END'))
      const { outputBytes } = await pty.exited
      expect(outputBytes).toBe(20_003)
      pty.release()
    }
  })

  it('what was held back for a lossless reader is there at the end, and a terminal stopped by Ctrl-S ends [PTY-17]', async () => {
    await using kit = await usingTmux()
    const pty = await kit.host.spawn(sh('echo one; read x; echo never'))
    await untilOutput(pty, 'one')
    await pty.write(Buffer.from([0x13])) // Ctrl-S
    await pty.terminate({ graceMs: 0, askedBy: 'test' })
    expect(await text(pty)).toContain('one')
  })

  it('the last words that end a terminal are no part of its output, nor on the screen of a person [PTY-11]', async () => {
    await using kit = await usingTmux()
    const pty = await kit.host.spawn(sh('printf "tail without a line end"'))
    await pty.exited
    expect(await text(pty)).toBe('tail without a line end')
    expect(tmuxCommand(kit.directory, 'capture-pane', '-p', '-t', `signalbox:${pty.ptyId}`).trimEnd()).toBe('tail without a line end')
  })

  it('the command leads its session and owns its terminal: Ctrl-C ends what runs in front, /dev/tty is there [PTY-3]', async () => {
    await using kit = await usingTmux()
    const script = 'ps -o sid=,pgid=,tpgid= -p $$; echo "pid $$"; echo via-tty > /dev/tty; trap "echo interrupted; exit 5" INT; read x'
    const pty = await kit.host.spawn(sh(script))
    await untilOutput(pty, 'via-tty')
    const [ids = '', pid = ''] = (await text(pty)).split('\r\n')
    expect(ids.trim().split(/\s+/)).toEqual(Array.from({ length: 3 }, () => pid.slice(4)))
    await pty.write(Buffer.from([3]))
    expect(await pty.exited).toMatchObject({ exitCode: 5 })
    expect(pty.identity.pid).toBe(Number(pid.slice(4)))
  })

  it('is never smaller nor larger than asked: 1 × 1 and 10,000 columns [PTY-3]', async () => {
    await using kit = await usingTmux()
    for (const [cols, rows] of [
      [1, 1],
      [10_000, 2],
    ] as const) {
      const pty = await kit.host.spawn(sh('stty size', { cols, rows }))
      await pty.exited
      expect((await text(pty)).trim()).toBe(`${rows} ${cols}`)
    }
  })

  it('shows a terminal to a person with tmux itself, who can type, and whose leaving it outlives [PTY-20]', async () => {
    await using kit = await usingTmux()
    await using person = openKit()
    const pty = await kit.host.spawn(sh('printf "for a person> "; read x; echo "typed: $x"; read y'))
    await untilOutput(pty, 'person> ')
    const command = kit.host.attachCommand?.(pty.ptyId)
    expect(command).toEqual(expect.arrayContaining(['-S']))
    const seat = await person.host.spawn(specOf(command ?? []))
    await untilOutput(seat, 'for a person> ')
    await seat.write(Buffer.from('hello\r'))
    await untilOutput(pty, 'typed: hello')
    await seat.terminate({ graceMs: 1_000, askedBy: 'test' })
    await pty.write(Buffer.from('\n'))
    expect(await pty.exited).toMatchObject({ exitCode: 0 })
    expect(kit.host.attachCommand?.('pt_none')).toBeNull()
  })
})
