import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { renderTree } from '../../../src/cli/render-tree.ts'
import { painter } from '../../../src/cli/paint.ts'
import { widthOf } from '../../../src/cli/text.ts'
import type { RunView } from '../../../src/protocols/view.ts'
import { commandView, laneView, noPaint, RUN } from './fakes.ts'

const view: RunView = {
  runId: RUN,
  startedAt: 0,
  lanes: [
    laneView({
      startedAt: 1_000,
      commands: [
        commandView({
          name: 'npm-ci',
          state: 'stopped',
          startedAt: 1_000,
          endedAt: 4_000,
          attempts: 1,
          exitCode: 0,
          lastLine: 'added 214 packages',
        }),
        commandView({ state: 'active', startedAt: 4_000, attempts: 3, restarts: 2, lastLine: '\u001b[32m✓\u001b[0m 41 tests' }),
        commandView({ name: 'server', state: 'backoff', startedAt: 2_000, restarts: 4, lastLine: 'EADDRINUSE' }),
      ],
    }),
    laneView({ name: 'docs', state: 'waiting', startedAt: null, waitingFor: ['parser'], commands: [commandView({ name: 'make-docs' })] }),
  ],
}
const options = { width: 80, height: 24, now: 12_345, paint: noPaint }

describe('the live tree', () => {
  it('shows lane, state, command, time, restarts and the last line of output', () => {
    expect(renderTree(view, options).map((line) => line.trimEnd())).toEqual([
      '12s · 1 running, 1 waiting',
      '● parser      running         11s',
      '  ✔ npm-ci    succeeded        3s        added 214 packages',
      '  ● test      running          8s ↻2/3   ✓ 41 tests',
      '  ↻ server    backoff         10s ↻3/3   EADDRINUSE',
      '· docs        waiting                    after parser',
      '  · make-docs waiting',
    ])
  })

  it('is never wider or higher than the screen, whatever is in it', () => {
    const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 200 }), fc.string({ unit: 'grapheme', maxLength: 200 }))
    const command = fc
      .record({ name: fc.stringMatching(/^[a-z.-]{1,64}$/), lastLine: text, restarts: fc.nat(1_000_000), startedAt: fc.option(fc.nat()) })
      .map(commandView)
    const lane = fc
      .record({
        name: fc.stringMatching(/^[a-z.-]{1,64}$/),
        commands: fc.array(command, { maxLength: 5 }),
        state: fc.constantFrom('waiting', 'running', 'cleaning', 'closed', 'skipped'),
        outcome: fc.constantFrom(null, 'succeeded', 'failed', 'skipped', 'interrupted'),
      })
      .map((patch) => laneView(patch))
    fc.assert(
      fc.property(
        fc.array(lane, { maxLength: 12 }),
        fc.integer({ min: 1, max: 120 }),
        fc.integer({ min: 1, max: 40 }),
        fc.boolean(),
        (lanes, width, height, colours) => {
          const lines = renderTree({ runId: RUN, startedAt: 0, lanes }, { width, height, now: 99_999, paint: painter(colours) })
          expect(lines.length).toBeLessThanOrEqual(height)
          for (const line of lines) {
            expect(widthOf(line)).toBeLessThanOrEqual(width)
            expect(line).not.toMatch(/[\r\n\b]/)
          }
        },
      ),
      { numRuns: 300 },
    )
  })

  it('keeps what runs and what failed on a screen that is too small, and counts the rest', () => {
    const lanes = [
      ...Array.from({ length: 10 }, (_, index) => laneView({ name: `done${index}`, state: 'closed', outcome: 'succeeded' })),
      laneView({ name: 'bad', state: 'closed', outcome: 'failed' }),
      ...Array.from({ length: 5 }, (_, index) => laneView({ name: `later${index}`, state: 'waiting', startedAt: null })),
      laneView({ name: 'now' }),
    ]
    const lines = renderTree({ runId: RUN, startedAt: 0, lanes }, { ...options, height: 8 })
    expect(lines).toHaveLength(8)
    const text = lines.join('\n')
    expect(text).toContain('bad')
    expect(text).toContain('now')
    expect(lines.at(-1)).toBe('… 11 lanes more (10 succeeded, 1 waiting)')
  })

  it('opens the lanes that run first when not all commands fit', () => {
    const lanes = [
      laneView({ name: 'done', state: 'closed', outcome: 'succeeded', commands: [commandView({ name: 'old' })] }),
      laneView({ name: 'now', commands: [commandView({ name: 'new' })] }),
    ]
    const text = renderTree({ runId: RUN, startedAt: 0, lanes }, { ...options, height: 4 }).join('\n')
    expect(text).toContain('new')
    expect(text).not.toContain('old')
  })

  it('colours only when colours are on', () => {
    expect(renderTree(view, options).join('')).not.toContain('\u001b')
    expect(renderTree(view, { ...options, paint: painter(true) }).join('')).toContain('\u001b[')
  })
})
