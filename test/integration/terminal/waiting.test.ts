import { describe, expect, it } from 'vitest'
import type { Waiting } from '../../../src/ports/process-table.port.ts'
import type { PtySpec } from '../../../src/ports/terminal-host.port.ts'
import { type Kit, openKit, sh, specOf, until } from './terminal-kit.ts'

/** Waits until the foreground program of the terminal of a command is seen to do it. */
async function seen(kit: Kit, spec: PtySpec, wanted: Waiting): Promise<void> {
  const pty = await kit.host.spawn(spec)
  let last: Waiting | null | undefined
  await until(`it is ${wanted}`, () => (last = kit.processTable.waiting?.(pty.identity)) === wanted).catch((error: unknown) => {
    throw new Error(`it was ${last}`, { cause: error })
  })
  await pty.terminate({ graceMs: 0, askedBy: 'test' })
  expect(kit.processTable.waiting?.(pty.identity)).toBeNull()
}

describe.runIf(process.platform === 'linux')('what the foreground program of a real terminal does', () => {
  it('cat waits for input, and so does one below a shell, or one that opened /dev/tty [PTY-18]', async () => {
    await using kit = openKit()
    await seen(kit, specOf(['cat']), 'input')
    await seen(kit, sh('cat; true'), 'input')
    await seen(kit, sh('read x </dev/tty; true'), 'input')
    await seen(kit, sh('sleep 3600 | cat | (read x </dev/tty; true)'), 'input')
  })

  it('what sleeps, computes or reads from something else is busy [PTY-18]', async () => {
    await using kit = openKit()
    await seen(kit, specOf(['sleep', '3600']), 'busy')
    await seen(kit, sh('while :; do :; done'), 'busy')
    await seen(kit, sh('sleep 3600 | cat; true'), 'busy')
    await seen(kit, specOf([process.execPath, '-e', 'setInterval(() => {}, 100)']), 'busy')
  })

  it('an interactive shell is at its prompt, and busy while a command runs in the foreground [PTY-18]', async () => {
    await using kit = openKit()
    const pty = await kit.host.spawn(specOf(['bash', '--norc', '--noprofile', '-i']))
    const waiting = (): Waiting | null | undefined => kit.processTable.waiting?.(pty.identity)
    await until('it is at its prompt', () => waiting() === 'prompt')
    await pty.write(Buffer.from('sleep 3600\n'))
    const sleeps = async (): Promise<boolean> =>
      (await kit.processTable.findByMark(`ws_test${process.pid}/${pty.ptyId}/`)).some(({ command }) => command === 'sleep 3600')
    await until('the command runs', sleeps) // before, the shell itself is busy and would take Ctrl-C
    await until('it is busy', () => waiting() === 'busy')
    await pty.write(Buffer.from('\x03'))
    await until('it is at its prompt again', () => waiting() === 'prompt')
    await pty.write(Buffer.from('cat\n'))
    await until('cat waits for input', () => waiting() === 'input')
  })

  it('an event loop with the terminal in it is listening [PTY-18]', async () => {
    await using kit = openKit()
    await seen(kit, specOf([process.execPath, '-e', 'process.stdin.resume()']), 'listening')
  })

  it('a program whose output nobody reads is blocked on it [PTY-18]', async () => {
    await using kit = openKit()
    const pty = await kit.host.spawn(sh('exec cat /dev/zero'))
    const never = pty.read({ mode: 'lossless' })[Symbol.asyncIterator]()
    await never.next()
    await until('it is blocked', () => kit.processTable.waiting?.(pty.identity) === 'output')
    await never.return?.()
    await until('it goes on', () => kit.processTable.waiting?.(pty.identity) === 'busy')
  })

  it('a process without a terminal, or another one of the same pid, is not mistaken [PTY-18]', async () => {
    await using kit = openKit()
    const pty = await kit.host.spawn(specOf(['cat']))
    expect(kit.processTable.waiting?.({ ...pty.identity, startTime: '1' })).toBeNull()
    expect(kit.processTable.waiting?.({ ...pty.identity, bootId: 'other' })).toBeNull()
  })
})
