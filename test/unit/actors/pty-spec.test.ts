import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { argvOf, childEnvironment, lastLines, logPath } from '../../../src/actors/pty-spec.ts'
import type { PtyArgs } from '../../../src/actors/services.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

describe('lastLines', () => {
  it.each([
    ['nothing', '', []],
    ['only empty lines', '\r\n \r\n\n', []],
    ['the last lines, without the empty ones', 'a\r\nb\r\n\r\nc\r\n', ['b', 'c']],
    ['a line that has not ended', 'a\r\nprompt> ', ['a', 'prompt>']],
    ['a line that was rewritten as it was last written', '10%\r50%\r100%\r\ndone', ['100%', 'done']],
    ['a line that only returns its carriage', 'progress 7\r', ['progress 7']],
    ['colours and cursor movements removed', '\u001b[1;31mred\u001b[0m \u001b[2Kend\r\n', ['red end']],
    ['titles and links removed', '\u001b]0;title\u0007text \u001b]8;;file:///x\u001b\\link\u001b]8;;\u001b\\', ['text link']],
    ['other control characters removed', 'bell\u0007 back\u0008 null\u0000 del\u007f', ['bell back null del']],
    ['wide characters whole', 'größer 漢字 🚦', ['größer 漢字 🚦']],
  ])('shows %s [SUP-9]', (_what, text, expected) => {
    expect(lastLines(bytes(text), 2)).toEqual(expected)
  })

  it('survives a character that was cut at the start [SUP-9]', () => {
    const whole = bytes('🚦 first\nsecond\n')
    for (let cut = 1; cut < 4; cut += 1) {
      const lines = lastLines(whole.subarray(cut), 2)
      expect(lines[1]).toBe('second')
      expect(lines[0]?.endsWith(' first')).toBe(true)
    }
  })

  it('never throws, and gives at most `count` lines without control characters [SUP-9]', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.integer({ min: 1, max: 5 }), (data, count) => {
        const lines = lastLines(data, count)
        expect(lines.length).toBeLessThanOrEqual(count)
        // oxlint-disable-next-line no-control-regex -- what must not be there
        for (const line of lines) expect(line).not.toMatch(/^$|[\u0000-\u0008\u000a-\u001f\u007f]/u)
      }),
    )
  })
})

describe('childEnvironment', () => {
  const args = {
    services: { baseEnv: { A: 'base', B: 'base', C: 'base', TERM: 'dumb', SIGNALBOX_LANE: 'outer', PATH: '/bin' } },
    terminalId: 'tm_1',
    lane: 'inner',
    cwd: '/lanes/inner',
    branch: 'signalbox/inner',
    env: { B: 'lane', C: 'lane', SIGNALBOX_MARK: 'forged' },
    command: { env: { C: 'command', SIGNALBOX_TERMINAL: 'forged' } },
  } as unknown as PtyArgs

  it("is the caller's, then the lane's, then the command's, then what identifies the child [LN-14]", () => {
    expect(childEnvironment(args, 'ws_1/pt_1/1')).toEqual({
      A: 'base',
      B: 'lane',
      C: 'command',
      TERM: 'xterm-256color',
      PATH: '/bin',
      SIGNALBOX_LANE: 'inner',
      SIGNALBOX_LANE_PATH: '/lanes/inner',
      SIGNALBOX_BRANCH: 'signalbox/inner',
      SIGNALBOX_TERMINAL: 'tm_1',
      SIGNALBOX_MARK: 'ws_1/pt_1/1',
    })
  })

  it('lets a lane or command choose its terminal type [LN-14]', () => {
    expect(childEnvironment({ ...args, env: { TERM: 'vt100' } }, 'm')['TERM']).toBe('vt100')
  })
})

describe('argvOf and logPath', () => {
  it('run a text by the shell and a list as it is [PTY-3]', () => {
    expect(argvOf('a && b')).toEqual(['/bin/sh', '-c', 'a && b'])
    expect(argvOf(['a', '&&', 'b c'])).toEqual(['a', '&&', 'b c'])
  })

  it('give each attempt a file of its own, also where names look like attempts [PTY-17]', () => {
    const paths = ['a', 'a.1', 'a.1.1', 'a.log'].flatMap((command) =>
      [1, 2, 11].map((attempt) => logPath('/l', { runId: 'rn_1', laneId: 'ln_1', lane: 'x', command: { name: command } }, attempt)),
    )
    expect(new Set(paths).size).toBe(paths.length)
    expect(paths[0]).toBe('/l/rn_1/x/a.1.log')
    expect(logPath('/l', { runId: null, laneId: 'ln_1', lane: 'x', command: { name: 'sh' } }, 1)).toBe('/l/ln_1/sh.1.log')
  })
})
