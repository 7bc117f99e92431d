import { describe, expect, it } from 'vitest'
import { painter } from '../../../src/cli/paint.ts'
import { renderCrash, renderCrashes } from '../../../src/cli/render-crashes.ts'
import { fakeDossier } from './fakes.ts'

const plain = painter(false)

describe('signalbox crashes', () => {
  it('lists when, what, how it ended and what was decided [SUP-9]', () => {
    expect(renderCrashes([fakeDossier()], plain)).toEqual([
      '2026-01-01 00:00:00Z  parser/test  exit 3; restart 1 of 3 within 60 s, after 200 ms',
      '  20260101T000000000Z-pty-tm_1-2',
    ])
    expect(renderCrashes([], plain)).toEqual(['no crashes are on record'])
  })

  it('names actors that stand for no process by their kind and error [SUP-9]', () => {
    const error = { code: 'ERR_UNKNOWN', message: 'planted', context: {} } as const
    const crash = fakeDossier({
      actor: { name: 'lane:ln_1', incarnation: 1, kind: 'lane' },
      command: null,
      process: null,
      decision: null,
      exit: { reason: 'crashed', error },
    })
    expect(renderCrashes([crash], plain)[0]).toBe('2026-01-01 00:00:00Z  parser: lane  crashed: planted')
    expect(renderCrashes([{ ...crash, lane: null }], plain)[0]).toContain('lane:ln_1  crashed: planted')
    expect(renderCrash(crash, plain)[1]).toBe('its supervisor was not asked')
  })

  it('shows one whole, harmless on a terminal [SUP-9]', () => {
    const lines = renderCrash(fakeDossier({ lost: 3, state: { total: 1 } }), plain)
    expect(lines.join('\n')).not.toContain('\u001b')
    expect(lines).toEqual(
      expect.arrayContaining([
        '  attempt 2, pid 42, after 1.5s: make test',
        '  it failed here',
        '  $exited  from outside',
        '  the process: 5.0 MB (at most 12.3 MB), 0.7s of CPU, 4 descriptors',
        '  the machine: 4000.0 MB free, load 0.50',
        '3 crashes before this one are not on record',
        '  log: /logs/test.2.log',
      ]),
    )
    expect(lines.at(-1)).toBe('/state/crashes/20260101T000000000Z-pty-tm_1-2.json')
  })
})
