import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ProcessKey } from '../../../src/protocols/process-key.ts'
import { readLastWords, writeLastWords } from '../../../src/runtime/last-words.ts'

let directory: string
beforeEach(() => void (directory = mkdtempSync(join(tmpdir(), 'signalbox-words-'))))
afterEach(() => rmSync(directory, { recursive: true, force: true }))

const process = (pid: number, more: Partial<ProcessKey> = {}): ProcessKey => ({ pid, startTime: '7', bootId: 'b', ...more })
const words = (at: number) => ({ at, error: { code: 'ERR_DISK_FULL' as const, message: 'the disk is full', context: { secret: 1 } } })

describe('the last words of a process', () => {
  it('are those of exactly that process, and its first', () => {
    writeLastWords(join(directory, 'new'), process(1), words(5))
    writeLastWords(join(directory, 'new'), process(1), words(6))
    const read = (key: ProcessKey) => readLastWords(join(directory, 'new'), key)
    expect(read(process(1))).toEqual({ at: 5, error: { code: 'ERR_DISK_FULL', message: 'the disk is full', context: {} } })
    expect([process(2), process(1, { startTime: '8' }), process(1, { bootId: 'c' })].map(read)).toEqual([null, null, null])
  })

  it('are kept of the last twenty', () => {
    for (let pid = 1; pid <= 30; pid += 1) writeLastWords(directory, process(pid), words(pid))
    expect(readdirSync(directory)).toHaveLength(20)
    expect(readLastWords(directory, process(10))).toBeNull()
    expect(readLastWords(directory, process(11))).toMatchObject({ at: 11 })
  })

  it('that cannot be written or read are none', () => {
    writeFileSync(join(directory, 'file'), '')
    writeLastWords(join(directory, 'file', 'below'), process(1), words(1))
    expect(readLastWords(join(directory, 'file', 'below'), process(1))).toBeNull()
    for (const text of ['', '{', 'null', '7', '{"at":"x"}']) {
      writeFileSync(join(directory, '1-7.json'), text)
      expect(readLastWords(directory, process(1)), text).toBeNull()
    }
  })
})
