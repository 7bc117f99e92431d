import { describe, expect, it } from 'vitest'
import { keyFinder } from '../../../src/cli/detach-key.ts'
import { replayed } from '../../../src/cli/replay-output.ts'
import { ScreenModes } from '../../../src/cli/screen-modes.ts'

const ESC = '\u001b'

describe('replayed', () => {
  it.each([
    ['what it is', `${ESC}[c${ESC}[0c${ESC}[>c${ESC}[>0c${ESC}[=c`],
    ['where its cursor is', `${ESC}[6n${ESC}[?6n${ESC}[5n`],
    ['its name and its modes', `${ESC}[>q${ESC}[>0q${ESC}[?2026$p${ESC}[?u`],
    ['its colours', `${ESC}]11;?\u0007${ESC}]10;?${ESC}\\${ESC}]4;1;?\u0007`],
    ['its size and title', `${ESC}[14t${ESC}[18t${ESC}[21t`],
    ['its capabilities', `${ESC}P+q544e${ESC}\\${ESC}P$qm${ESC}\\`],
  ])('leaves out questions to a terminal: %s', (_, questions) => {
    expect(replayed(Buffer.from(`a${questions}b`), false).toString()).toBe('ab')
  })

  it('leaves all else as it is, byte for byte', () => {
    const text = `ü${ESC}[31mred${ESC}[m${ESC}[2J${ESC}[?1049h${ESC}]0;a title\u0007${ESC}]11;#ffffff\u0007${ESC}[3;4H\r\n`
    expect(replayed(Buffer.concat([Buffer.from(text), Buffer.from([0xff, 0xc3])]), false)).toEqual(
      Buffer.concat([Buffer.from(text), Buffer.from([0xff, 0xc3])]),
    )
  })

  it('begins with a whole line where the beginning is cut', () => {
    expect(replayed(Buffer.from('\u00bc of a line\r\nwhole\r\n', 'latin1'), true).toString()).toBe('whole\r\n')
    expect(replayed(Buffer.from('no line ends'), true).toString()).toBe('no line ends')
  })
})

describe('ScreenModes', () => {
  const undo = (...pieces: readonly string[]): string => {
    const modes = new ScreenModes()
    for (const piece of pieces) modes.see(Buffer.from(piece))
    return modes.undo()
  }
  const REST = '\u000f\u001b(B\u001b[4l\u001b[0m'

  it('undoes what is on, and only that', () => {
    expect(undo('plain text')).toBe(REST)
    expect(undo(`${ESC}[?1049h${ESC}[?25l${ESC}[?1000;1006h`, `${ESC}[?1006l`)).toBe(`${ESC}[?25h${ESC}[?1000l${ESC}[?1049l${REST}`)
    expect(undo(`${ESC}[?1049h${ESC}[?25l`, `${ESC}[?25h${ESC}[?1049l`)).toBe(REST)
    expect(undo(`${ESC}[>1u${ESC}[>1u${ESC}[<u`)).toBe(`${ESC}[<1u${REST}`)
  })

  it('sees a sequence that is cut between two pieces, wherever', () => {
    const whole = `x${ESC}[?2004hy`
    for (let at = 1; at < whole.length; at += 1) expect(undo(whole.slice(0, at), whole.slice(at))).toBe(`${ESC}[?2004l${REST}`)
  })

  it('forgets all at a full reset', () => {
    expect(undo(`${ESC}[?1000h${ESC}=${ESC}[2;5r${ESC}[>1u${ESC}c`)).toBe(REST)
  })
})

describe('keyFinder', () => {
  const found = (name: string, text: string): readonly string[] =>
    keyFinder(name)(Buffer.from(text, 'latin1')).map((event) =>
      'key' in event ? `<${event.key.toString('latin1')}>` : event.input.toString('latin1'),
    )

  it('finds the key as a control character and as keyboard protocols send it, and nothing else', () => {
    expect(found('ctrl-q', 'a\u0011b')).toEqual(['a', '<\u0011>', 'b'])
    expect(found('ctrl-q', `${ESC}[113;5u`)).toEqual([`<${ESC}[113;5u>`])
    expect(found('ctrl-q', `${ESC}[27;5;113~`)).toEqual([`<${ESC}[27;5;113~>`])
    expect(found('ctrl-]', '\u001d')).toEqual(['<\u001d>'])
    expect(found('ctrl-q', `q${ESC}[113;2u${ESC}[A\u0010`)).toEqual([`q${ESC}[113;2u${ESC}[A\u0010`])
  })

  it('does not pass on that the key was let go', () => {
    expect(found('ctrl-q', `${ESC}[113;5u${ESC}[113;5:3ux`)).toEqual([`<${ESC}[113;5u>`, 'x'])
  })
})
