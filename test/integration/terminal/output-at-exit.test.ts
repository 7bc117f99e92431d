import { createHash, randomBytes } from 'node:crypto'
import { createReadStream, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { collect, openKit, sh, specOf, text } from './terminal-kit.ts'

const sha = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

async function shaOfFile(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer)
  return hash.digest('hex')
}

describe('output at exit', () => {
  it('a program that prints 50 MB and exits at once leaves a log complete byte for byte [PTY-17]', async () => {
    await using kit = openKit()
    const source = join(kit.directory, 'source')
    writeFileSync(source, randomBytes(50_000_000))
    const wanted = await shaOfFile(source)
    for (let run = 0; run < 3; run += 1) {
      const path = join(kit.directory, `run-${run}.log`)
      const pty = await kit.host.spawn(sh('stty raw; exec cat source', { cwd: kit.directory, log: { path } }))
      expect(await pty.exited).toEqual({ exitCode: 0, signal: null, outputBytes: 50_000_000, survivors: [], logGap: false })
      expect(await shaOfFile(path)).toBe(wanted)
    }
  })

  it('no run of a hundred that print 20 KB and exit loses any [PTY-17]', async () => {
    await using kit = openKit()
    const runs = Array.from({ length: 100 }, async () => {
      const pty = await kit.host.spawn(specOf(['head', '-c', '20000', '/dev/zero']))
      return (await pty.exited).outputBytes
    })
    expect(await Promise.all(runs)).toEqual(Array.from({ length: 100 }, () => 20_000))
  })

  it('what the child wrote while a lossless reader held it back is there after its exit [PTY-17]', async () => {
    await using kit = openKit()
    const bytes = randomBytes(262_144 + 8_000)
    writeFileSync(join(kit.directory, 'source'), bytes)
    const pty = await kit.host.spawn(sh('stty raw; exec cat source', { cwd: kit.directory }))
    const reader = pty.read({ from: 0, mode: 'lossless' })[Symbol.asyncIterator]()
    await reader.next() // and no more: the reader holds its credit for ever
    expect(await pty.exited).toMatchObject({ exitCode: 0, outputBytes: bytes.length })
    expect(sha((await collect(pty)).bytes)).toBe(sha(bytes))
  })

  it('a leader that closes its terminal and opens it again is not at its end [PTY-17]', async () => {
    await using kit = openKit()
    const script = 'echo before; exec </dev/null >/dev/null 2>&1; sleep 0.1; echo after > /dev/tty; sleep 0.1; exit 5'
    const pty = await kit.host.spawn(sh(script))
    expect(await pty.exited).toMatchObject({ exitCode: 5, signal: null })
    expect(await text(pty)).toBe('before\r\nafter\r\n')
  })

  it('a grandchild that keeps the terminal open does not hold up the exit [PTY-17]', async () => {
    await using kit = openKit()
    const pty = await kit.host.spawn(sh('(trap "" HUP; exec sleep 3600) & printf done; sleep 0.1'))
    const exit = await pty.exited
    expect(exit).toMatchObject({ exitCode: 0, outputBytes: 4, survivors: [{ command: 'sleep 3600', endedBy: 'SIGTERM' }] })
  })
})
