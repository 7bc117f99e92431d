import { existsSync, readdirSync, readlinkSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { lastLine, runScript } from '../terminal/run-script.ts'
import { openKit, sh, specOf, text, until, untilOutput } from '../terminal/terminal-kit.ts'
import {
  clientPid,
  holderPid,
  noTmux,
  openTmux,
  processesOf,
  processTable,
  removePlaces,
  serverPid,
  tmuxPlace,
  usingTmux,
} from './tmux-kit.ts'

describe.skipIf(noTmux !== '')(`tmux that fails${noTmux}`, () => {
  afterAll(removePlaces)

  it('a server killed by -9: its terminals are lost, what they left is ended by mark, and the next one starts anew [PTY-14]', async () => {
    await using kit = await usingTmux()
    const spec = sh('setsid sh -c "trap : HUP TERM; while :; do sleep 0.05; done" & echo ready; wait')
    const pty = await kit.host.spawn(spec)
    await untilOutput(pty, 'ready')
    const exited = pty.exited.catch((error: unknown) => error)
    process.kill(serverPid(kit.directory), 'SIGKILL')
    expect(await exited).toMatchObject({ code: 'ERR_PTY_LOST' })
    expect(await processTable.findByMark(spec.mark)).toEqual([])
    expect(kit.host.list()).toEqual([])
    await expect(pty.write(Buffer.from('x'))).rejects.toMatchObject({ code: 'ERR_PTY_ENDED' })
    const next = await kit.host.spawn(sh('echo again'))
    await next.exited
    expect(await text(next)).toContain('again')
  })

  it('a control client killed by -9 is replaced: terminals go on, and can be read and written [PTY-14]', async () => {
    await using kit = await usingTmux()
    const pty = await kit.host.spawn(sh('echo one; read x; echo "two $x"; read y; echo "three $y"'))
    await untilOutput(pty, 'one')
    for (const word of ['two', 'three']) {
      const pid = clientPid(kit.directory)
      process.kill(pid, 'SIGKILL')
      await until('the old one is gone', () => processTable.identify(pid) === null)
      await until('there is another', () => ![0, pid].includes(clientPid(kit.directory)))
      await pty.write(Buffer.from(`${word}!\n`))
      await untilOutput(pty, `${word} ${word}!`)
    }
    expect(await pty.exited).toMatchObject({ exitCode: 0 })
  })

  it('the holder of a pane killed by -9: that terminal is lost and its command ended, others go on [PTY-14]', async () => {
    await using kit = await usingTmux()
    const other = await kit.host.spawn(sh('read x'))
    const pty = await kit.host.spawn(sh('trap "" HUP; echo ready; while :; do sleep 0.05; done'))
    await untilOutput(pty, 'ready')
    const exited = pty.exited.catch((error: unknown) => error)
    process.kill(holderPid(kit.directory, pty.ptyId), 'SIGKILL')
    expect(await exited).toMatchObject({ code: 'ERR_PTY_LOST' })
    expect(processTable.isAlive(pty.identity)).toBe(false)
    await other.write(Buffer.from('\n'))
    expect(await other.exited).toMatchObject({ exitCode: 0 })
  })

  it('fifty at once each have their own output, and nothing of tmux is left after close [PTY-16]', async () => {
    const directory = tmuxPlace()
    const host = await openTmux(directory)
    const ptys = await Promise.all(Array.from({ length: 50 }, (_, index) => host.spawn(sh(`echo "I am ${index}."; read x`))))
    await Promise.all(ptys.map((pty, index) => untilOutput(pty, `I am ${index}.`)))
    await Promise.all(ptys.slice(0, 25).map((pty) => pty.write(Buffer.from('\n'))))
    await Promise.all(ptys.slice(0, 25).map((pty) => pty.exited))
    expect(statSync(directory).mode & 0o777).toBe(0o700)
    await host.close(1_000)
    expect(processesOf(directory)).toEqual([])
    expect(existsSync(directory)).toBe(false)
  })

  it('neither the server nor a command holds a descriptor of ours [PTY-22]', async () => {
    await using own = openKit()
    await own.host.spawn(sh('read x')) // a master that node-pty leaves open for every child
    await using kit = await usingTmux()
    const pty = await kit.host.spawn(specOf(['/bin/sh', '-c', 'ls -l /proc/self/fd; read x']))
    await untilOutput(pty, '2 ->')
    expect(readdirSync(`/proc/${pty.identity.pid}/fd`)).toEqual(['0', '1', '2'])
    const server = serverPid(kit.directory)
    const masters = readdirSync(`/proc/${server}/fd`).filter((fd) => readlinkSync(`/proc/${server}/fd/${fd}`) === '/dev/ptmx')
    expect(masters.length).toBeLessThanOrEqual(2) // of this terminal, and of what keeps the server
  })

  it('a directory is used by one process at a time; a path too long for a socket and a missing tmux are said [PTY-3]', async () => {
    await using kit = await usingTmux()
    await expect(openTmux(kit.directory)).rejects.toMatchObject({ code: 'ERR_TMUX_IN_USE' })
    await expect(openTmux(join(tmuxPlace(), 'x'.repeat(100)))).rejects.toMatchObject({ code: 'ERR_TMUX_FAILED' })
    const place = tmuxPlace()
    const without = await openTmux(place, { tmux: 'no-such-tmux' })
    await expect(without.spawn(sh('true'))).rejects.toMatchObject({ code: 'ERR_TMUX_MISSING' })
    await without.close(0)
    expect(existsSync(place)).toBe(false)
  })

  it('node ends by itself after the last terminal, and a close that is waited for is done [PTY-16]', async () => {
    for (const how of ['close', 'detach']) {
      const place = tmuxPlace()
      const result = await runScript('../../tmux/fixtures/ends-by-itself.ts', [place, how])
      expect(lastLine(result), result.output).toEqual({ exitCode: 0, how })
      expect(result.code).toBe(0)
      if (how === 'close') expect(processesOf(place)).toEqual([])
      else await (await openTmux(place)).close(0)
    }
  })

  it('the directory of a process that died is taken over, with what lies about in it [PTY-14]', async () => {
    const place = tmuxPlace()
    const host = await openTmux(place)
    await (
      await host.spawn(sh('exit 0'))
    ).exited
    await host.close(0)
    const again = await openTmux(place)
    host.detach?.()
    writeFileSync(join(place, '4194305.p'), '')
    await (
      await again.spawn(sh('exit 0'))
    ).exited
    await again.close(0)
    expect(existsSync(place)).toBe(false)
  })
})
