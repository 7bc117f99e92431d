import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect } from 'vitest'
import { systemClock } from '../src/adapters/system/system-clock.adapter.ts'
import { LogWriter } from '../src/terminal-host/log-writer.ts'
import { Output } from '../src/terminal-host/output.ts'
import { type Property, property } from '../src/testing/property.ts'
import type { Planted, Proven } from './proven.ts'

const MARK = /\n\[signalbox: (\d+) bytes are left out here \((\d+) to (\d+)\): the log is over its cap\]\n/
/** Never holds a bracket, so that the mark is found. */
const pattern = (count: number): Buffer => Buffer.from(Array.from({ length: count }, (_, index) => 97 + ((index * 7 + (index >> 6)) % 26)))

type Writing = { readonly capBytes: number; readonly sizes: readonly number[] }
const writing: fc.Arbitrary<Writing> = fc.record({
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

type Mutate = (bytes: Uint8Array) => Uint8Array
const RUNS = 60

const wholeOrOneGap = (mutate?: Mutate): Property<Writing> =>
  property(
    'a log is whole up to its cap, and beyond it the first and last half with one mark [PTY-17]',
    writing,
    ({ capBytes, sizes }) =>
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
    { runs: RUNS },
  )

/** Left without an end, as by kill -9: its first half and an unbroken end of what was written. */
const unended = (mutate?: Mutate): Property<Writing> =>
  property(
    'a log left without an end, as by kill -9, holds its first half and an unbroken end of what was written [PTY-17]',
    writing,
    ({ capBytes, sizes }) =>
      inDirectory(async (directory) => {
        const path = join(directory, 'log')
        const { source, writer } = await writeLog(path, capBytes, sizes, mutate)
        const names = readdirSync(directory).sort()
        const [log = Buffer.of(), ...parts] = names.map((name) => readFileSync(join(directory, name)))
        await writer.finish() // only to close its files
        const head = Math.min(source.length, Math.ceil(capBytes / 2))
        expect(names[0]).toBe('log')
        expect(log.equals(source.subarray(0, head))).toBe(true)
        const tail = Buffer.concat(parts)
        expect(tail.length).toBeGreaterThanOrEqual(Math.min(source.length - head, Math.floor(capBytes / 2)))
        expect(source.subarray(source.length - tail.length).equals(tail)).toBe(true)
      }),
    { runs: RUNS },
  )

const BUGS: readonly (readonly [string, Mutate])[] = [
  ['a byte lost on the way', (bytes) => (bytes.length > 5_000 ? bytes.subarray(1) : bytes)],
  ['a chunk written twice', (bytes) => (bytes.length > 5_000 ? Buffer.concat([bytes, bytes]) : bytes)],
]
const proven = (make: (mutate?: Mutate) => Property<Writing>): Proven<Writing> => {
  const planted = ([name, mutate]: readonly [string, Mutate]): Planted<Writing> => ({ name, with: (use) => use(make(mutate)) })
  return { ...make(), area: 'output', bugs: BUGS.map(planted), control: planted(['handed on as it is', (bytes) => bytes]) }
}

export const logWhole: Proven<Writing> = proven(wholeOrOneGap)
export const logUnended: Proven<Writing> = proven(unended)
