import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { createProcessTable } from '../../../src/adapters/process-table.ts'
import { systemClock } from '../../../src/adapters/system/system-clock.adapter.ts'
import { createInProcessTerminalHost } from '../../../src/terminal-host/in-process-host.ts'
import { terminalHostContract } from '../../contracts/terminal-host.contract.ts'
import { openKit, specOf, text, until, untilOutput } from './terminal-kit.ts'

const onLinux = process.platform === 'linux' ? describe : describe.skip

/** Pids of exec helpers that wait on lines opened ahead by a process. */
const waitingOf = (parent: number): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/u.test(name))
    .filter((pid) => {
      try {
        const isChild = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1)?.split(' ')[1] === String(parent)
        return isChild && readFileSync(`/proc/${pid}/cmdline`, 'latin1').endsWith('exec-helper\0\0\0')
      } catch {
        return false
      }
    })
    .map(Number)
const untilWaiting = (count: number): Promise<void> => until(`${count} helpers wait`, () => waitingOf(process.pid).length === count)

onLinux('terminals opened ahead', () => {
  terminalHostContract('in-process, opened ahead', () =>
    createInProcessTerminalHost({ clock: systemClock, processTable: createProcessTable(), prewarmed: 3 }),
  )

  it('are taken for a start, which has exactly what it asked for, and made anew [PTY-19, PTY-3, PTY-22]', async () => {
    await using kit = openKit({ prewarmed: 1 })
    // One that has just been started may not have called in yet.
    await until('a line that waited is taken', async () => {
      await untilWaiting(1)
      const waiting = waitingOf(process.pid)
      const { identity, exited } = await kit.host.spawn(specOf(['/bin/true']))
      await exited
      return waiting.includes(identity.pid)
    })
    await untilWaiting(1)
    const script =
      'printf "%s|" "$0" "$@"; pwd; stty size; tty; ls /proc/$$/fd | tr "\\n" " "; echo; cat /proc/$$/environ | tr "\\0" "\\n" | sort; exec sleep 3600'
    const spec = specOf(['/bin/sh', '-c', script, 'zero', '', 'a b', 'ü\n'], {
      cwd: kit.directory,
      cols: 97,
      rows: 13,
      extraEnv: { EMPTY: '', LONG: 'é'.repeat(60_000) },
    })
    const pty = await kit.host.spawn(spec)
    await untilOutput(pty, `SIGNALBOX_MARK=${spec.mark}`)
    await until('it sleeps', () => kit.processTable.waiting?.(pty.identity) === 'busy')
    const lines = Buffer.from(await text(pty), 'latin1')
      .toString('utf8')
      .split('\r\n')
    expect(lines.slice(0, 5)).toEqual(['zero||a b|ü', `|${kit.directory}`, '13 97', expect.stringMatching(/^\/dev\/pts\/\d+$/u), '0 1 2 '])
    expect(lines.slice(5).filter((line) => line !== '')).toEqual(
      Object.entries(spec.env)
        .map(([name, value]) => `${name}=${value}`)
        .sort(),
    )
    expect((await kit.processTable.findByMark(spec.mark)).map(({ pid }) => pid)).toEqual([pty.identity.pid])
    await untilWaiting(1)
    await kit.host.close(0)
    expect(waitingOf(process.pid)).toEqual([])
  })

  it('fail as others do: with the stage and the errno, and leave nothing [PTY-19, PTY-4]', async () => {
    await using kit = openKit({ prewarmed: 2 })
    await untilWaiting(2)
    const script = join(kit.directory, 'script')
    writeFileSync(script, '#!/there/is/no/such/interpreter\n', { mode: 0o755 })
    await expect(kit.host.spawn(specOf([script]))).rejects.toMatchObject({
      code: expect.stringMatching(/^ERR_PTY_/u),
      context: { errno: 'ENOENT' },
    })
    await untilWaiting(2)
    expect(kit.host.list()).toEqual([])
  })

  it('that somebody killed are not handed out; more starts than there are lines open their own [PTY-19]', async () => {
    await using kit = openKit({ prewarmed: 2 })
    await untilWaiting(2)
    const killed = waitingOf(process.pid)
    for (const pid of killed) process.kill(pid, 'SIGKILL')
    const ptys = await Promise.all(Array.from({ length: 5 }, () => kit.host.spawn(specOf(['/bin/sh', '-c', 'echo it runs; read x']))))
    for (const pty of ptys) {
      await untilOutput(pty, 'it runs')
      expect(killed).not.toContain(pty.identity.pid)
    }
    await untilWaiting(2)
  })

  it('end with the process that opened them, however it ends [PTY-19, PTY-9]', async () => {
    const program = `
      import { createInProcessTerminalHost } from ${JSON.stringify(fileURLToPath(new URL('../../../src/terminal-host/in-process-host.ts', import.meta.url)))}
      import { createProcessTable } from ${JSON.stringify(fileURLToPath(new URL('../../../src/adapters/process-table.ts', import.meta.url)))}
      import { systemClock } from ${JSON.stringify(fileURLToPath(new URL('../../../src/adapters/system/system-clock.adapter.ts', import.meta.url)))}
      createInProcessTerminalHost({ clock: systemClock, processTable: createProcessTable(), prewarmed: 2 })
      setInterval(() => {}, 1000)`
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: 'ignore' })
    await until('its helpers wait', () => waitingOf(child.pid ?? 0).length === 2)
    const pids = waitingOf(child.pid ?? 0)
    child.kill('SIGKILL')
    await once(child, 'exit')
    const table = createProcessTable()
    await until('they have ended', () => pids.every((pid) => table.identify(pid) === null))
  })
})
