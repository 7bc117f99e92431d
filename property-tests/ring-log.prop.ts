import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../src/adapters/system/system-clock.adapter.ts'
import { LogWriter } from '../src/terminal-host/log-writer.ts'
import { Output } from '../src/terminal-host/output.ts'

const MARK = /\n\[signalbox: (\d+) bytes are left out here \((\d+) to (\d+)\): the log is over its cap\]\n/
/** Never holds a bracket, so that the mark is found. */
const pattern = (count: number): Buffer => Buffer.from(Array.from({ length: count }, (_, index) => 97 + ((index * 7 + (index >> 6)) % 26)))

const writing = fc.record({
  capBytes: fc.integer({ min: 1, max: 30_000 }),
  sizes: fc.array(fc.integer({ min: 0, max: 9_000 }), { maxLength: 14 }),
})

/** Writes chunks as a terminal does; `mutate` plants a bug in what reaches the log. */
async function writeLog(
  path: string,
  capBytes: number,
  sizes: readonly number[],
  mutate = (bytes: Uint8Array): Uint8Array => bytes,
): Promise<{ source: Buffer; writer: LogWriter }> {
  const source = pattern(sizes.reduce((sum, count) => sum + count, 0))
  const output = new Output(1_048_576, () => {})
  const writer = await LogWriter.open({ path, capBytes }, systemClock)
  const running = writer.run(output.cursor({ from: 0, mode: 'lossless' }))
  let at = 0
  for (const count of sizes) {
    output.append(mutate(source.subarray(at, at + count)))
    at += count
    await new Promise((resolve) => setImmediate(resolve))
  }
  output.finish()
  await running
  return { source, writer }
}

async function inDirectory<T>(work: (directory: string) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'sbx-log-'))
  try {
    return await work(directory)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

const logIsWholeOrHasOneGap = (mutate?: (bytes: Uint8Array) => Uint8Array): fc.IAsyncProperty<unknown> =>
  fc.asyncProperty(writing, ({ capBytes, sizes }) =>
    inDirectory(async (directory) => {
      const path = join(directory, 'log')
      const { source, writer } = await writeLog(path, capBytes, sizes, mutate)
      const gap = await writer.finish()
      const log = readFileSync(path)
      expect(readdirSync(directory)).toEqual(['log'])
      expect(gap).toBe(source.length > capBytes)
      if (!gap) {
        expect(log.equals(source)).toBe(true)
        return
      }
      const head = Math.ceil(capBytes / 2)
      const tail = capBytes - head
      const mark = MARK.exec(log.toString('latin1'))
      expect(mark?.slice(1).map(Number)).toEqual([source.length - capBytes, head, source.length - tail])
      expect(log.subarray(0, head).equals(source.subarray(0, head))).toBe(true)
      expect(log.subarray(log.length - tail).equals(source.subarray(source.length - tail))).toBe(true)
      expect(log.length).toBe(capBytes + (mark?.[0].length ?? 0))
    }),
  )

describe('log, by model', () => {
  it('is whole up to its cap, and beyond it the first and last half with one mark [PTY-17]', async () => {
    await fc.assert(logIsWholeOrHasOneGap(), { numRuns: 60, examples: [[{ capBytes: 1, sizes: [2] }]] })
  })

  it('catches a byte that is lost on the way [PTY-17]', async () => {
    const loses = (bytes: Uint8Array): Uint8Array => (bytes.length > 5_000 ? bytes.subarray(1) : bytes)
    expect((await fc.check(logIsWholeOrHasOneGap(loses), { numRuns: 60 })).failed).toBe(true)
  })

  it('left without an end, as by kill -9, holds its first half and an unbroken end of what was written [PTY-17]', async () => {
    await fc.assert(
      fc.asyncProperty(writing, ({ capBytes, sizes }) =>
        inDirectory(async (directory) => {
          const path = join(directory, 'log')
          const { source, writer } = await writeLog(path, capBytes, sizes)
          const [first, ...parts] = readdirSync(directory).sort()
          const head = Math.min(source.length, Math.ceil(capBytes / 2))
          expect(first).toBe('log')
          expect(readFileSync(path).equals(source.subarray(0, head))).toBe(true)
          const tail = Buffer.concat(parts.map((name) => readFileSync(join(directory, name))))
          expect(tail.length).toBeGreaterThanOrEqual(Math.min(source.length - head, Math.floor(capBytes / 2)))
          expect(source.subarray(source.length - tail.length).equals(tail)).toBe(true)
          await writer.finish() // only to close its files
        }),
      ),
      { numRuns: 40 },
    )
  })
})
