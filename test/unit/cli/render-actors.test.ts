import { describe, expect, it } from 'vitest'
import { renderActors } from '../../../src/cli/render-actors.ts'
import { painter } from '../../../src/cli/paint.ts'
import { widthOf } from '../../../src/cli/text.ts'
import type { ActorNode } from '../../../src/protocols/control/views.ts'
import { noPaint } from './fakes.ts'

const actor = (patch: Partial<ActorNode> = {}): ActorNode => {
  const children = patch.children ?? []
  return {
    name: 'journal',
    label: null,
    incarnation: 1,
    kind: 'journal',
    state: 'running',
    mailbox: { now: 0, max: 10_000, oldestMs: null },
    perSecond: 0,
    busy: 0,
    restarts: 0,
    window: null,
    upMs: 65_400,
    lastExit: null,
    below: children.reduce((sum, { below }) => sum + 1 + below, 0),
    ...patch,
    children,
  }
}
const window = { used: 1, allowed: 3, withinMs: 60_000 }
const LANE = 'ln_01M7Z1DZ767SFWSR99Q6F4QEH1'

const tree = actor({
  name: 'root',
  kind: 'supervisor',
  window: { ...window, used: 0 },
  children: [
    actor({
      name: `lane-tree:${LANE}`,
      label: 'docs',
      kind: 'supervisor',
      window,
      children: [
        actor({
          name: `lane:${LANE}`,
          label: 'docs',
          kind: 'lane',
          incarnation: 2,
          restarts: 1,
          busy: 0.954,
          perSecond: 3.21,
          mailbox: { now: 5_100, max: 10_000, oldestMs: 12_345 },
          lastExit: { reason: 'crashed', error: { code: 'ERR_STORE_FAILED', message: 'no', context: {} } as never },
        }),
      ],
    }),
    actor({ name: 'bus', kind: 'bus', state: 'ended', upMs: null }),
  ],
})

describe('renderActors', () => {
  it('in 80 columns: names of lanes instead of ids, and what matters most', () => {
    expect(renderActors(tree, { width: 80, paint: noPaint })).toEqual([
      'actor                                    state        mailbox  restarts       up',
      'root$1                                   running        0/10k       0/3    1m05s',
      '├ lane-tree:docs$1                       running        0/10k       1/3    1m05s',
      '│ └ lane:docs$2                          running     5100/10k         1    1m05s',
      '└ bus$1                                  ended          0/10k         0        -',
    ])
  })

  it('in 200 columns: everything', () => {
    const lines = renderActors(tree, { width: 200, paint: noPaint })
    expect(lines[0]?.replace(/ +/gu, ' ')).toBe('actor kind state mailbox oldest msg/s busy restarts up last exit')
    expect(lines[3]?.replace(/ +/gu, ' ')).toBe(
      `│ └ lane:${LANE}$2 docs lane running 5100/10k 12s 3.2 95% 1 1m05s crashed ERR_STORE_FAILED`,
    )
  })

  it('no line is wider than the screen, whatever its width and depth', () => {
    let deep = actor({ name: 'x'.repeat(300), label: null })
    for (let level = 0; level < 60; level += 1) deep = actor({ name: `level-${level}`, children: [deep] })
    for (const paint of [noPaint, painter(true)]) {
      for (const width of [1, 10, 20, 40, 79, 80, 81, 100, 120, 150, 200, 400]) {
        for (const line of [...renderActors(deep, { width, paint }), ...renderActors(tree, { width, paint })]) {
          expect(widthOf(line.replace(/\u001b\[\d+m/gu, ''))).toBeLessThanOrEqual(width)
        }
      }
    }
    expect(renderActors(deep, { width: 80, paint: noPaint }).at(-2)).toContain('level-0$1')
  })

  it('says how many are left out, by a depth or for want of lines', () => {
    const cut = actor({ name: 'lanes', kind: 'supervisor', below: 12 })
    expect(renderActors(cut, { width: 80, paint: noPaint })[1]).toMatch(/^lanes\$1 \(\+12\) /u)
    const lines = renderActors(tree, { width: 80, height: 4, paint: noPaint })
    expect(lines).toHaveLength(4)
    expect(lines[3]).toBe('… 2 more: name a part of the tree, or give --depth')
    for (const height of [1, 2, 3]) expect(renderActors(tree, { width: 80, height, paint: noPaint })).toHaveLength(height)
  })

  it('1,000 actors: a line each; colours only where they are wanted', () => {
    const lanes = Array.from({ length: 249 }, (_, index) => {
      const id = `ln_${String(index).padStart(26, '0')}`
      const under = ['lane', 'terminals', 'pty'].map((kind) => actor({ name: `${kind}:${id}`, label: `lane-${index}`, kind }))
      return actor({ name: `lane-tree:${id}`, label: `lane-${index}`, kind: 'supervisor', window, children: under })
    })
    const large = actor({
      name: 'root',
      window,
      children: [actor({ name: 'lanes', window, children: lanes }), actor(), actor({ name: 'bus' })],
    })
    const lines = renderActors(large, { width: 80, paint: noPaint })
    expect(lines).toHaveLength(1_001)
    expect(lines.join('')).not.toContain('\u001b')
    expect(renderActors(large, { width: 80, paint: painter(true) }).join('')).toContain('\u001b[33m')
  })
})
