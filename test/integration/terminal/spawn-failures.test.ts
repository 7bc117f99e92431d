import { execFileSync, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createCgroups } from '../../../src/adapters/cgroups.ts'
import { ExecReports } from '../../../src/terminal-host/exec-report.ts'
import { lastLine, runScript } from './run-script.ts'
import { openKit, sh, specOf, text, until, untilOutput } from './terminal-kit.ts'

/** Root, Linux, and the right to make a mount namespace: absent in some containers. */
const canMount = process.platform === 'linux' && process.getuid?.() === 0 && spawnSync('unshare', ['-m', 'true']).status === 0

describe('a start that fails', () => {
  it('a cwd that is removed after the check is reported by the exec helper [PTY-3]', async () => {
    await using kit = openKit()
    const cwd = join(kit.directory, 'vanishes')
    mkdirSync(cwd)
    const starting = kit.host.spawn(specOf(['true'], { cwd }))
    rmSync(cwd, { recursive: true })
    await expect(starting).rejects.toMatchObject({ code: 'ERR_PTY_CWD_NOT_FOUND', context: { stage: 'chdir', errno: 'ENOENT' } })
  })

  it('a command that is removed after the check is reported by the exec helper [PTY-3]', async () => {
    await using kit = openKit()
    const command = join(kit.directory, 'vanishes')
    writeFileSync(command, '#!/bin/sh\n', { mode: 0o755 })
    const starting = kit.host.spawn(specOf([command]))
    rmSync(command)
    await expect(starting).rejects.toMatchObject({ code: 'ERR_PTY_COMMAND_NOT_FOUND', context: { stage: 'exec', errno: 'ENOENT' } })
  })

  it('a script whose interpreter does not exist is a command that is not found [PTY-3]', async () => {
    await using kit = openKit()
    writeFileSync(join(kit.directory, 'script'), '#!/no/such/interpreter\n', { mode: 0o755 })
    await expect(kit.host.spawn(specOf(['./script'], { cwd: kit.directory }))).rejects.toMatchObject({
      code: 'ERR_PTY_COMMAND_NOT_FOUND',
      message: expect.stringContaining('interpreter'),
    })
  })

  it('a binary that is none for this machine is not executable, rather than run by a shell [PTY-3]', async () => {
    await using kit = openKit()
    writeFileSync(join(kit.directory, 'binary'), Buffer.from('garbage\0garbage'), { mode: 0o755 })
    await expect(kit.host.spawn(specOf(['./binary'], { cwd: kit.directory }))).rejects.toMatchObject({
      code: 'ERR_PTY_COMMAND_NOT_EXECUTABLE',
      context: { errno: 'ENOEXEC' },
    })
  })

  it('a helper that is missing is said so before anything starts [PTY-3]', async () => {
    await using kit = openKit({ helperPath: '/no/such/helper' })
    await expect(kit.host.spawn(specOf(['true']))).rejects.toMatchObject({ code: 'ERR_EXEC_HELPER_MISSING' })
  })

  it('a helper that ends without a word fails the start, and leaves no process and no descriptor [PTY-4]', async () => {
    await using kit = openKit({ helperPath: '/bin/true' })
    await expect(kit.host.spawn(specOf(['true']))).rejects.toMatchObject({ code: 'ERR_PTY_SPAWN_FAILED' })
    const before = readdirSync('/dev/fd').length
    for (let run = 0; run < 5; run += 1) await kit.host.spawn(specOf(['true'])).catch(() => undefined)
    expect(readdirSync('/dev/fd').length).toBe(before)
  })

  it('a failed start leaves no log behind [PTY-3]', async () => {
    await using kit = openKit()
    const log = { path: join(kit.directory, 'log') }
    const cwd = join(kit.directory, 'vanishes')
    mkdirSync(cwd)
    const starting = kit.host.spawn(specOf(['true'], { cwd, log }))
    rmSync(cwd, { recursive: true })
    await expect(starting).rejects.toMatchObject({ code: 'ERR_PTY_CWD_NOT_FOUND' })
    expect(readdirSync(kit.directory)).toEqual([])
  })

  it('out of descriptors: EMFILE; what runs can still be ended, and then a start succeeds again [PTY-4]', async () => {
    const result = lastLine(await runScript('out-of-descriptors.ts', [], ['sh', '-c', 'ulimit -n 64; exec "$@"', 'sh']))
    const failure = { code: 'ERR_PTY_SPAWN_FAILED', context: { errno: 'EMFILE' } }
    const round = { failure, unended: 0, several: true, again: 0 }
    expect(result).toMatchObject({ first: failure, rounds: [round, round, round, round] })
  })

  it.skipIf(process.platform !== 'linux')(
    'out of descriptors, there is as much room for processes as before (asked of /proc: Linux only) [PTY-4]',
    async () => {
      const result = await runScript('room-without-descriptors.ts', [], ['sh', '-c', 'ulimit -n 64; exec "$@"', 'sh'])
      expect(lastLine(result), result.output).toEqual({ usual: true, scarce: true })
    },
  )

  it('a stranger at the socket of the exec helper is turned away, and a forged token does nothing [PTY-3]', async () => {
    const reports = new ExecReports()
    await reports.listen()
    const report = reports.expect()
    const address = report.entry.slice(report.entry.indexOf(':') + 1).replace(/^@/, '\0')
    const [silent, forger] = [connect(address), connect(address)]
    const closed = Promise.all([silent, forger].map((socket) => once(socket.on('error', () => {}).resume(), 'close')))
    forger.write('0'.repeat(32))
    await once(forger, 'close')
    const called = await Promise.race([report.ready.then(() => true), Promise.resolve(false)])
    expect(called).toBe(false)
    report.cancel() // nobody is expected any more
    await closed
    reports.close()
  })

  it.skipIf(!canMount)('out of terminals: ENOSPC (needs root and unshare -m to mount) [PTY-4]', async () => {
    const script = 'mount -t devpts -o newinstance,ptmxmode=0666,max=2 devpts /dev/pts && mount --bind /dev/pts/ptmx /dev/ptmx && exec "$@"'
    const results = lastLine(await runScript('out-of-terminals.ts', [], ['unshare', '-m', 'sh', '-c', script, 'sh']))
    expect(results).toEqual([
      'started',
      'started',
      expect.objectContaining({ code: 'ERR_PTY_SPAWN_FAILED', context: expect.objectContaining({ errno: 'ENOSPC' }) }),
    ])
  })

  const { processes } = createCgroups().support().limits
  // 16 and 17: room for the process and none for the thread that waits for it, and the other way round.
  it.skipIf(!processes.ok).each([13, 16, 17, 20])(
    `out of processes at %s: EAGAIN, this process and its terminals live on, and a start that is tried again finds room${processes.ok ? '' : ` (skipped: ${processes.why})`} [PTY-4]`,
    async (most) => {
      const group = createCgroups().create(`ws_few${process.pid}/pt_${most}/1`, { processes: most })
      const join = (group?.joins ?? []).map((path) => `echo 0 > '${path}'`).join('; ')
      try {
        const result = lastLine(await runScript('out-of-processes.ts', [], ['sh', '-c', `${join}; exec "$@"`, 'sh']))
        const failure = { code: 'ERR_PTY_SPAWN_FAILED', context: { errno: 'EAGAIN', tries: 6 } }
        expect(result).toMatchObject({ failure, exitCode: 0 })
        const { left, alive } = result as { left: number; alive: number }
        expect(alive).toBe(left)
        // Fewer hold this process, the two that were ended to make room, and no more.
        if (most >= 17) expect(left).toBeGreaterThan(0)
      } finally {
        await until('the group is empty', () => group?.remove() !== false)
      }
    },
  )

  it('a cwd that is removed while the command runs is missed by the next start, not by the one that runs [PTY-3]', async () => {
    await using kit = openKit()
    const cwd = join(kit.directory, 'goes')
    mkdirSync(cwd)
    const pty = await kit.host.spawn(sh('echo ready; read x; echo still here; exit 3', { cwd }))
    await untilOutput(pty, 'ready')
    rmSync(cwd, { recursive: true })
    await pty.write(Buffer.from('\n'))
    expect(await pty.exited).toMatchObject({ exitCode: 3 })
    expect(await text(pty)).toContain('still here')
    await expect(kit.host.spawn(sh('true', { cwd }))).rejects.toMatchObject({ code: 'ERR_PTY_CWD_NOT_FOUND' })
    mkdirSync(cwd)
    expect(await (await kit.host.spawn(sh('exit 4', { cwd }))).exited).toMatchObject({ exitCode: 4 })
  })

  it('text that is no Unicode reaches the command as replacement characters, never as broken bytes [PTY-3]', async () => {
    await using kit = openKit()
    const pty = await kit.host.spawn(
      specOf(['/bin/sh', '-c', 'printf "%s%s" "$0" "$V" | od -An -tx1', 'a\ud800b'], { extraEnv: { V: '\udfff' } }),
    )
    await pty.exited
    expect((await text(pty)).trim().split(/\s+/u)).toEqual(['61', 'ef', 'bf', 'bd', '62', 'ef', 'bf', 'bd'])
  })

  it('set-up: the helper is built, and not again while it is up to date [PTY-22]', () => {
    const build = (env: NodeJS.ProcessEnv = process.env): string =>
      execFileSync(process.execPath, ['native/build.mjs'], { encoding: 'utf8', env, stdio: ['ignore', 'pipe', 'pipe'] })
    build()
    expect(build()).toMatch(/^up to date: /)
    const { status, stderr } = spawnSync(process.execPath, ['native/build.mjs', '--force'], {
      encoding: 'utf8',
      env: { ...process.env, CC: 'no-such-compiler' },
    })
    expect(status).toBe(1)
    expect(stderr).toContain('no C compiler: "no-such-compiler" is not on the PATH')
  })
})
