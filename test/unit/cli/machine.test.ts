import { describe, expect, it } from 'vitest'
import { dot, mermaid } from '../../../src/cli/machine-diagram.ts'
import { graphOf, LANE, PTY } from '../../../src/cli/machine-walk.ts'
import { main } from '../../../src/cli/main.ts'
import { renderMachine } from '../../../src/cli/render-machine.ts'
import { fakeIo, noPaint } from './fakes.ts'

const printed = async (...args: string[]): Promise<string> => {
  const io = fakeIo()
  expect(await main(['machine', ...args], io)).toBe(0)
  return io.out.text()
}

describe('machine', () => {
  it('shows what each state does with events, needing no orchestrator', async () => {
    const text = await printed('pty')
    expect(text).toMatch(/^machine pty\n {2}idle \(begins here\)\n {4}spawn +→ spawning \/ startProcess\n/u)
    expect(text).toMatch(/\n {2}active\n {4}idle +→ throttled\n {4}terminate +→ stays \/ endProcess\n {4}exited \(clean\) +→ stopped\n/u)
    expect(text).toMatch(/\n {2}stopped \(ends here\)\n$/u)
    expect(await printed('lane')).toMatch(/\n {2}closed \(ends here\)\n {4}cleanup +→ stays\n$/u)
  })

  it('marks the present state', () => {
    const { edges, ...graph } = graphOf(LANE)
    const lines = renderMachine('lane', graph, { actor: 'lane:ln_1$2', state: 'blocked' }, noPaint)
    expect(lines[0]).toBe('machine lane: lane:ln_1$2 is blocked')
    expect(lines.filter((line) => line.startsWith('▶'))).toEqual(['▶ blocked'])
    const diagram = mermaid(graph.initial, edges, 'blocked')
    expect(diagram).toContain('  running --> blocked: block\n')
    expect(diagram).toMatch(/\n {2}classDef now .*\n {2}class blocked now$/u)
    expect(mermaid(graph.initial, edges)).not.toContain('class')
  })

  it('--svg: a picture of all states, the present one filled', async () => {
    const svg = await printed('pty', '--svg')
    expect(svg).toMatch(/^<\?xml[^]*<\/svg>\n$/u)
    for (const state of graphOf(PTY).states) expect(svg).toContain(`>${state}</text>`)
    const { initial, edges } = graphOf(LANE)
    expect(dot(initial, edges, 'blocked')).toMatch(/\n {2}"blocked" \[fillcolor="#ffd54f".*\n\}$/u)
    expect(dot(initial, edges)).not.toContain('#ffd54f')
  })

  it('--json: every key that the help names', async () => {
    const { states, moves, ...rest } = JSON.parse(await printed('pty', '--json')) as { states: string[]; moves: object[] }
    expect(rest).toEqual({ type: 'machine', machine: 'pty', actor: null, state: null, initial: 'idle' })
    expect(states).toEqual(['idle', 'spawning', 'active', 'throttled', 'errored', 'stopped'])
    expect(moves[0]).toEqual({ from: 'idle', event: 'spawn', to: ['spawning'], actions: ['startProcess'] })
    expect(graphOf(PTY).moves).toEqual(moves)
  })
})
