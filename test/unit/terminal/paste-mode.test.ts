import { describe, expect, it } from 'vitest'
import { Output } from '../../../src/terminal-host/output.ts'
import { asPaste, PasteMode } from '../../../src/terminal-host/paste-mode.ts'
import { BLOCK_BYTES, RingMemory } from '../../../src/terminal-host/ring-memory.ts'

const after = (text: string, pieceBytes = Infinity): boolean => {
  const mode = new PasteMode()
  const bytes = Buffer.from(text, 'latin1')
  for (let at = 0; at < bytes.length; at += pieceBytes) mode.feed(bytes.subarray(at, at + pieceBytes))
  return mode.isOn
}
const ON = '\u001B[?2004h'
const OFF = '\u001B[?2004l'

describe('bracketed paste', () => {
  it.each([
    ['', false],
    [ON, true],
    [`prompt ${ON}$ `, true],
    [`${ON}${OFF}`, false],
    [`${OFF}text${ON}`, true],
    ['\u001B[?1049;2004h', true],
    ['\u001B[?2004;25l', false],
    [`${ON}\u001B[?25l\u001B[?1h\u001B[?12004l\u001B[?20040l`, true],
    [`${ON}\u001B[2004l`, true],
    [`${ON}\u001B[?2004$p`, true],
    [`${ON}\u001Bc`, false],
    [`\u001Bc${ON}`, true],
    [`${ON}${'x'.repeat(100)}\u001B`, true],
    ['\u001B[?2004', false],
    ['\u001B\u001B[?2004h', true],
    [`${ON}\u001B[?;;l`, true],
  ])('after %j is known, whatever the pieces in which it came [PTY-5]', (text, isOn) => {
    for (const pieceBytes of [1, 2, 3, 5, 7, Infinity]) expect([pieceBytes, after(text, pieceBytes)]).toEqual([pieceBytes, isOn])
  })

  it('is known of output that no ring holds any more, across blocks, for little [PTY-5]', () => {
    const output = new Output(BLOCK_BYTES, () => {}, new RingMemory())
    const bytes = Buffer.alloc(5 * BLOCK_BYTES, 'text ')
    bytes.write(ON, BLOCK_BYTES - 4, 'latin1')
    for (let at = 0; at < bytes.length; at += 4_096) output.append(bytes.subarray(at, at + 4_096))
    expect(output.start).toBeGreaterThan(BLOCK_BYTES)
    expect(output.isPasteBracketed()).toBe(true)
    output.append(Buffer.from('\u001B[?20'))
    expect(output.isPasteBracketed()).toBe(true)
    output.append(Buffer.from('04l'))
    expect(output.isPasteBracketed()).toBe(false)
  })

  it('puts a text in brackets that it cannot leave [PTY-5]', () => {
    const paste = (text: string): string => Buffer.from(asPaste(Buffer.from(text, 'latin1'))).toString('latin1')
    const end = '\u001B[201~'
    expect(paste('two\nlines')).toBe(`\u001B[200~two\nlines${end}`)
    expect(paste('')).toBe(`\u001B[200~${end}`)
    for (const evil of [
      `a${end}rm -rf /\r`,
      `${end}`,
      `a\u001B[20${end}1~b`,
      `\u001B[2${`\u001B[20${end}1~`}01~`,
      `${end}${end}\u001B[201`,
    ]) {
      const inner = paste(evil).slice(6, -6)
      expect(inner).not.toContain(end)
      expect(`${inner}${end}`.indexOf(end)).toBe(inner.length)
    }
    const large = Buffer.alloc(1_000_000, '\u001B[20').toString('latin1') + '1~'.repeat(100_000)
    expect(paste(large).slice(6, -6)).not.toContain(end)
  })
})
