import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { openKit, sh, specOf, text, until, untilOutput } from './terminal-kit.ts'

const linux = process.platform === 'linux'
const fdsOf = (pid: number): string[] => readdirSync(`/proc/${pid}/fd`).map((fd) => `${fd} ${readlinkSync(`/proc/${pid}/fd/${fd}`)}`)
const openFds = (): number => readdirSync('/proc/self/fd').length

describe.skipIf(!linux)('descriptors (looked at through /proc: Linux only)', () => {
  for (const [way, extraEnv] of [
    ['close_range', {}],
    ['the fallback without close_range', { SIGNALBOX_EXEC_NO_CLOSE_RANGE: '1' }],
  ] as const) {
    it(`no child holds a descriptor of another terminal, by ${way} [PTY-22]`, async () => {
      await using kit = openKit()
      const ptys = []
      for (let index = 0; index < 20; index += 1) ptys.push(await kit.host.spawn(specOf(['sleep', '3600'], { extraEnv })))
      const terminals = new Set<string>()
      for (const { identity } of ptys) {
        const fds = fdsOf(identity.pid)
        const own = fds[0]?.slice(2) ?? ''
        expect(own).toMatch(/^\/dev\/pts\/\d+$/)
        expect(fds).toEqual([`0 ${own}`, `1 ${own}`, `2 ${own}`])
        terminals.add(own)
      }
      expect(terminals.size).toBe(20)
    })
  }

  it('the child sees nothing of the exec helper: not in its environment, its output, its signals [PTY-22]', async () => {
    await using kit = openKit()
    const pty = await kit.host.spawn(sh('cat /proc/self/environ | tr "\\0" "\\n"; grep -E "^Sig(Blk|Ign)" /proc/self/status'))
    await pty.exited
    expect(await text(pty)).not.toContain('SIGNALBOX_EXEC')
    expect(await text(pty)).toMatch(/SigBlk:\s0{16}\r\nSigIgn:\s0{16}\r\n/)
    const silent = await kit.host.spawn(specOf(['true']))
    expect((await silent.exited).outputBytes).toBe(0)
  })

  it('the host holds no more descriptors after many starts and failures than before [PTY-22]', async () => {
    await using kit = openKit()
    await (
      await kit.host.spawn(specOf(['true']))
    ).exited // opens the socket of the exec helper
    const before = openFds()
    const log = { path: `${kit.directory}/log` }
    const starts = Array.from({ length: 30 }, async (_, index) => {
      if (index % 3 === 0) return kit.host.spawn(specOf(['no-such-command'], { log })).catch(() => undefined)
      return (await kit.host.spawn(specOf(['echo', 'x'], { log: { path: `${log.path}-${index}` } }))).exited
    })
    await Promise.all(starts)
    await until('all descriptors are closed', () => openFds() <= before)
  })

  it('input that waits for a program which ended never reaches the terminal that gets its descriptor [PTY-5]', async () => {
    await using kit = openKit()
    for (let run = 0; run < 10; run += 1) {
      const first = await kit.host.spawn(sh('stty raw -echo; echo ready; exec sleep 3600'))
      await untilOutput(first, 'ready')
      const waiting = first.write(Buffer.alloc(500_000, 'A')).catch((error: unknown) => error)
      void first.terminate({ graceMs: 0, askedBy: 'test' })
      const seconds = await Promise.all([1, 2, 3].map(() => kit.host.spawn(sh('stty raw -echo; echo ready; exec cat'))))
      await first.exited
      seconds.push(await kit.host.spawn(sh('stty raw -echo; echo ready; exec cat')))
      expect(await waiting).toMatchObject({ code: 'ERR_PTY_ENDED' })
      await expect(first.write(Buffer.alloc(10, 'A'))).rejects.toMatchObject({ code: 'ERR_PTY_ENDED' })
      for (const second of seconds) {
        await untilOutput(second, 'ready')
        await second.write(Buffer.from('end'))
        await untilOutput(second, 'end')
        expect(await text(second)).not.toContain('A')
        await second.terminate({ graceMs: 0, askedBy: 'test' })
      }
    }
  })

  it('a resize after the end touches no other terminal [PTY-6]', async () => {
    await using kit = openKit()
    const first = await kit.host.spawn(specOf(['true']))
    await first.exited
    const second = await kit.host.spawn(sh('trap "echo changed" WINCH; echo ready; read x; stty size', { cols: 80, rows: 24 }))
    await untilOutput(second, 'ready')
    await expect(first.resize(200, 50)).rejects.toMatchObject({ code: 'ERR_PTY_ENDED' })
    await second.write(Buffer.from('\n'))
    await second.exited
    expect(await text(second)).toContain('24 80')
    expect(await text(second)).not.toContain('changed')
  })

  it('a command is never run when the host died while it started [PTY-3]', async () => {
    // What the helper does when nobody answers: run by hand, with a socket that does not exist.
    await using kit = openKit()
    const { spawnSync } = await import('node:child_process')
    const { execHelperPath } = await import('../../../src/terminal-host/exec-helper.ts')
    const marker = `${kit.directory}/ran`
    const { status } = spawnSync(execHelperPath(), ['/', '/bin/sh', 'sh', '-c', `touch '${marker}'`], {
      env: { SIGNALBOX_EXEC: `${'0'.repeat(32)}:@nobody-listens-${process.pid}` },
    })
    expect(status).toBe(125)
    expect(() => readFileSync(marker)).toThrow(/ENOENT/)
  })
})
