import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/adapters/system/system-clock.adapter.ts'
import type { Clock } from '../../../src/ports/clock.port.ts'
import { sh, text, until, untilOutput } from '../terminal/terminal-kit.ts'
import { clientPid, noTmux, openTmux, processesOf, removePlaces, serverPid, tmuxPlace, usingTmux } from './tmux-kit.ts'

const directory = mkdtempSync(join(tmpdir(), 'sbx fake tmüx-'))

/** A tmux whose connections fail while a file says so, and how often one was asked for. */
const fakeTmux = (
  name: string,
): { readonly tmux: string; readonly fail: string; readonly failOnce: string; readonly calls: () => number } => {
  const tmux = join(directory, name)
  const script = `#!/bin/sh
case " $* " in *" -C "*)
  echo >> "$0.calls"
  if [ -e "$0.fail" ]; then exit 1; fi
  if rm "$0.once" 2> /dev/null; then exit 1; fi
esac
exec tmux "$@"
`
  writeFileSync(tmux, script, { mode: 0o755 })
  const calls = (): number => (existsSync(`${tmux}.calls`) ? readFileSync(`${tmux}.calls`).length : 0)
  return { tmux, fail: `${tmux}.fail`, failOnce: `${tmux}.once`, calls }
}

const times = (all: string, part: string): number => all.split(part).length - 1

describe.skipIf(noTmux !== '')(`the connection to tmux${noTmux}`, () => {
  afterAll(() => {
    removePlaces()
    rmSync(directory, { recursive: true, force: true })
  })

  it('one that is made only at the second try gives each byte once [PTY-11]', async () => {
    const fake = fakeTmux('at-first')
    writeFileSync(fake.failOnce, '')
    await using kit = await usingTmux(undefined, { tmux: fake.tmux })
    const pty = await kit.host.spawn(sh('echo one; read x; echo two'))
    await untilOutput(pty, 'one')
    await pty.write(Buffer.from('\n'))
    await pty.exited
    expect([times(await text(pty), 'one'), times(await text(pty), 'two')]).toEqual([1, 1])
    expect(processesOf(kit.directory).filter(({ command }) => / run .* -C /.test(command))).toHaveLength(1)
  })

  it('one that cannot be made again at once is tried with pauses, and its terminals wait meanwhile [PTY-14]', async () => {
    const pauses: number[] = []
    const clock: Clock = {
      ...systemClock,
      setTimer: (ms, fire) => {
        pauses.push(ms)
        return systemClock.setTimer(ms, fire)
      },
    }
    const fake = fakeTmux('again')
    await using kit = await usingTmux(undefined, { tmux: fake.tmux, clock })
    const pty = await kit.host.spawn(sh('echo one; read x; echo two; read y; echo three'))
    await untilOutput(pty, 'one')
    writeFileSync(fake.fail, '')
    const before = { calls: fake.calls(), pauses: pauses.length }
    process.kill(clientPid(kit.directory), 'SIGKILL')
    // Each time it is tried five times, as a server may be about to end, and then waits.
    await until('it was tried often', () => fake.calls() >= before.calls + 16)
    expect(pauses.slice(before.pauses).filter((ms) => ms >= 10).length).toBeGreaterThanOrEqual(3)
    rmSync(fake.fail)
    for (const word of ['two', 'three']) {
      await pty.write(Buffer.from('\n'))
      await untilOutput(pty, word)
    }
    expect(await pty.exited).toMatchObject({ exitCode: 0 })
    for (const word of ['one', 'two', 'three']) expect(times(await text(pty), word)).toBe(1)
  })

  it('a server that cannot be met by the next host is left as it was: nothing of the try stays [PTY-14]', async () => {
    const fake = fakeTmux('not-met')
    const place = tmuxPlace()
    const host = await openTmux(place)
    const { ptyId } = await host.spawn(sh('read x'))
    host.detach?.()
    const left = readdirSync(place)
    writeFileSync(fake.fail, '')
    await expect(openTmux(place, { tmux: fake.tmux })).rejects.toMatchObject({ code: 'ERR_TMUX_FAILED' })
    expect(readdirSync(place)).toEqual(left)
    const again = await openTmux(place)
    expect(again.list()).toMatchObject([{ ptyId }])
    await again.close(0)
  })

  it('a server killed by -9: what is started once its connection is over finds a new one [PTY-14]', async () => {
    const fake = fakeTmux('anew')
    await using kit = await usingTmux(undefined, { tmux: fake.tmux })
    const pty = await kit.host.spawn(sh('echo ready; read x'))
    await untilOutput(pty, 'ready')
    const lost = pty.exited.catch((error: unknown) => error)
    process.kill(serverPid(kit.directory), 'SIGKILL')
    expect(await lost).toMatchObject({ code: 'ERR_PTY_LOST' })
    await until('the connection is over', () => processesOf(kit.directory).length === 0)
    const all = await Promise.all(Array.from({ length: 5 }, () => kit.host.spawn(sh('echo again'))))
    for (const next of all) {
      await next.exited
      expect(times(await text(next), 'again')).toBe(1)
    }
  })
})
