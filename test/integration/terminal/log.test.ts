import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { lastLine, runScript } from './run-script.ts'
import { openKit, sh, specOf, until } from './terminal-kit.ts'

const canMount = process.platform === 'linux' && process.getuid?.() === 0 && spawnSync('unshare', ['-m', 'true']).status === 0

/** `lines` numbered lines of ten bytes. */
const numbered = (lines: number): string => Array.from({ length: lines }, (_, index) => `${String(index).padStart(9, '0')}\n`).join('')

describe('the log of a terminal', () => {
  it('is whole below its cap, private, in directories that are made [PTY-17]', async () => {
    await using kit = openKit()
    writeFileSync(join(kit.directory, 'source'), numbered(5_000))
    const path = join(kit.directory, 'a', 'b ü', 'log')
    const pty = await kit.host.spawn(sh('stty raw; exec cat source', { cwd: kit.directory, log: { path, capBytes: 50_000 } }))
    expect(await pty.exited).toMatchObject({ logGap: false, outputBytes: 50_000 })
    expect(readFileSync(path, 'latin1')).toBe(numbered(5_000))
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(statSync(join(kit.directory, 'a')).mode & 0o777).toBe(0o700)
    expect(readdirSync(join(kit.directory, 'a', 'b ü'))).toEqual(['log'])
  })

  it('over its cap keeps the first and the last half, with the gap marked between them [PTY-17]', async () => {
    await using kit = openKit()
    const source = numbered(50_000)
    writeFileSync(join(kit.directory, 'source'), source)
    const path = join(kit.directory, 'log')
    const pty = await kit.host.spawn(sh('stty raw; exec cat source', { cwd: kit.directory, log: { path, capBytes: 100_001 } }))
    expect(await pty.exited).toMatchObject({ logGap: true, outputBytes: 500_000 })
    const [, head, left, from, to, tail] =
      /^([^[]*)\n\[signalbox: (\d+) bytes are left out here \((\d+) to (\d+)\)[^\]]*\]\n([^]*)$/.exec(readFileSync(path, 'latin1')) ?? []
    expect(head).toBe(source.slice(0, 50_001))
    expect(tail).toBe(source.slice(-50_000))
    expect([left, from, to].map(Number)).toEqual([399_999, 50_001, 450_000])
    expect(readdirSync(kit.directory).sort()).toEqual(['log', 'source'])
  })

  it('exists, empty, when there was no output [PTY-17]', async () => {
    await using kit = openKit()
    const path = join(kit.directory, 'log')
    await (
      await kit.host.spawn(specOf(['true'], { log: { path } }))
    ).exited
    expect(readFileSync(path)).toHaveLength(0)
  })

  it('is added to, never cut, when it is there already [PTY-17]', async () => {
    await using kit = openKit()
    const path = join(kit.directory, 'log')
    writeFileSync(path, 'earlier\n')
    await (
      await kit.host.spawn(specOf(['echo', 'later'], { log: { path } }))
    ).exited
    expect(readFileSync(path, 'latin1')).toBe('earlier\nlater\r\n')
  })

  it('that cannot be opened fails the start with its path [PTY-4]', async () => {
    await using kit = openKit()
    mkdirSync(join(kit.directory, 'log'))
    await expect(kit.host.spawn(specOf(['true'], { log: { path: join(kit.directory, 'log') } }))).rejects.toMatchObject({
      code: 'ERR_LOG_FAILED',
      context: { path: join(kit.directory, 'log'), errno: 'EISDIR' },
    })
    expect(kit.host.list()).toEqual([])
  })

  it.skipIf(!canMount)(
    'on a full disk has a marked gap, goes on when there is room, and the child never waits (needs root and unshare -m to mount) [PTY-17]',
    async () => {
      await using kit = openKit()
      const script = 'mount -t tmpfs -o size=1m tmpfs "$1" && dir=$1 && shift && exec "$@" "$dir"'
      const result = lastLine(await runScript('full-disk.ts', [], ['unshare', '-m', 'sh', '-c', script, 'sh', kit.directory]))
      expect(result).toMatchObject({
        bavail: 0,
        exit: { exitCode: 0, logGap: true },
        begins: true,
        ends: true,
        mark: expect.stringMatching(/^\[signalbox: \d+ bytes are missing here: ENOSPC\]$/),
      })
    },
  )

  it('survives a kill -9 of its host: the file and its parts hold what was written [PTY-17]', async () => {
    await using kit = openKit()
    const path = join(kit.directory, 'log')
    const script = fileURLToPath(new URL('fixtures/killed-log.ts', import.meta.url))
    const child = spawn(process.execPath, [script, path], { stdio: 'ignore' })
    const closed = new Promise((resolve) => child.once('close', resolve))
    const lastPart = (): number => Number(/\d+$/.exec(readdirSync(kit.directory).sort().at(-1) ?? '')?.[0] ?? 0)
    await until('old parts were given up', () => lastPart() > 20).finally(() => child.kill('SIGKILL'))
    await closed
    const files = readdirSync(kit.directory).sort()
    expect(files[0]).toBe('log')
    expect(readFileSync(path, 'latin1')).toMatch(/^line 1 of an endless program\nline 2 of an endless program\n/)
    expect(statSync(path).size).toBe(20_000)
    const tail = files
      .slice(1)
      .map((name) => readFileSync(join(kit.directory, name), 'latin1'))
      .join('')
    expect(tail.length).toBeGreaterThanOrEqual(20_000 - 2_500)
    const numbers = [...tail.matchAll(/line (\d+) of an endless program\n/g)].map(([, number]) => Number(number))
    expect(numbers).toEqual(numbers.map((_, index) => (numbers[0] ?? 0) + index))
    await until('the hang-up has ended the program', async () => (await kit.processTable.findByMark(`ws_test${child.pid}/`)).length === 0)
  })
})
