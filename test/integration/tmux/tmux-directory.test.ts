import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { PrivateDirectory } from '../../../src/adapters/tmux/private-directory.ts'
import { processTable } from './tmux-kit.ts'

const base = mkdtempSync(join(tmpdir(), 'sbx tákes-'))
const COUNT = 150

/** Another process that tries to take them all. @returns which it got, and holds until `letGo` */
const taker = async (firstAt: number): Promise<{ readonly taken: readonly number[]; readonly letGo: () => Promise<unknown> }> => {
  const script = fileURLToPath(new URL('fixtures/takes-directories.ts', import.meta.url))
  const args = [script, base, `${COUNT}`, `${firstAt}`, '8']
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  const closed = once(child, 'close')
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string]
  const letGo = (): Promise<unknown> => {
    child.stdin.end()
    return closed
  }
  return { taken: JSON.parse(line) as number[], letGo }
}

describe('the private directory of tmux', () => {
  afterAll(() => rmSync(base, { recursive: true, force: true }))

  it('left by a process that died goes to one of two that come at once [PTY-14]', async () => {
    for (let index = 0; index < COUNT; index += 1) {
      mkdirSync(join(base, `${index}`))
      writeFileSync(join(base, `${index}`, 'owner.json'), JSON.stringify({ bootId: 'gone', pid: 4_194_304, startTime: 1 }))
    }
    const firstAt = Date.now() + 1_500
    const [one, other] = await Promise.all([taker(firstAt), taker(firstAt)])
    expect([...one.taken, ...other.taken].toSorted((a, b) => a - b)).toEqual(Array.from({ length: COUNT }, (_, index) => index))
    const held = join(base, `${one.taken[0] ?? other.taken[0]}`)
    expect(() => new PrivateDirectory(held, processTable)).toThrow(/^Process \d+ uses the private tmux server/)
    await Promise.all([one.letGo(), other.letGo()])
    const own = new PrivateDirectory(held, processTable)
    expect(() => new PrivateDirectory(held, processTable)).toThrow(`Process ${process.pid} uses`)
    own.leave()
    new PrivateDirectory(held, processTable).remove()
  })
})
