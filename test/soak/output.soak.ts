import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { describe, expect, it } from 'vitest'
import { makeWorld, marked } from '../integration/run/run-kit.ts'

const ROUNDS = 20
const SIZE = 50 << 20

const hashOf = async (path: string): Promise<string> => {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}

describe('output right before the exit', () => {
  it(`of ${SIZE >> 20} MB is whole in the log, ${ROUNDS} of ${ROUNDS} [PTY-17]`, async () => {
    const world = await makeWorld()
    try {
      const expected = createHash('sha256').update(Buffer.alloc(SIZE, '0123456789abcdef')).digest('hex')
      const program = `const b = Buffer.alloc(${SIZE}, '0123456789abcdef'); let n = 0; const fs = require('node:fs'); while (n < b.length) n += fs.writeSync(1, b, n); process.exit(0)`
      let whole = 0
      for (let round = 1; round <= ROUNDS; round += 1) {
        const summary = await world.runtime.run({
          lanes: { flood: { commands: [{ name: 'flood', run: [process.execPath, '-e', program] }] } },
        })
        const log = summary.lanes[0]?.commands[0]?.log ?? ''
        const { size } = await stat(log)
        if (size === SIZE && (await hashOf(log)) === expected) whole += 1
        else console.log(`round ${round}: ${size} of ${SIZE} bytes`)
        await rm(dirname(log), { recursive: true })
      }
      console.log(`output at exit: ${whole} of ${ROUNDS} logs whole`)
      expect(whole).toBe(ROUNDS)
      expect(marked(world.runtime.workspaceId)).toEqual([])
    } finally {
      await world.end()
    }
  }, 600_000)
})
