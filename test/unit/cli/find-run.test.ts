import { describe, expect, it } from 'vitest'
import { findPlace } from '../../../src/cli/find-run.ts'
import { parsePlan } from '../../../src/protocols/plan-parse.ts'
import type { RunRecord } from '../../../src/protocols/records.ts'

const run = (id: string, lanes: readonly string[]): RunRecord => ({
  id: `rn_${id}`,
  plan: parsePlan(JSON.stringify({ lanes: Object.fromEntries(lanes.map((lane) => [lane, { commands: ['npm test'] }])) }), 'p'),
  startedAt: 0,
  endedAt: null,
  outcome: null,
  owner: { pid: 1, startTime: '1', bootId: 'b' },
  lanes: lanes.map((name) => ({ name, id: `ln_${id}${name}` })),
  summary: null,
})
const runs = [run('1', ['parser', 'docs']), run('2', ['parser']), run('3', ['site'])]

describe('LANE/COMMAND', () => {
  it('means the newest run that has such a lane', () => {
    expect(findPlace(runs, 'parser', undefined)).toMatchObject({ run: { id: 'rn_2' }, lane: 'parser', laneId: 'ln_2parser', command: null })
    expect(findPlace(runs, 'docs/npm-test', undefined)).toMatchObject({ run: { id: 'rn_1' }, command: 'npm-test' })
  })

  it('means the run that is named', () => {
    expect(findPlace(runs, 'parser', 'rn_1')).toMatchObject({ run: { id: 'rn_1' } })
  })

  it.each([
    [runs, 'parsr', undefined, 'no lane "parsr" is recorded'],
    [runs, 'sit', undefined, 'did you mean "site"?'],
    [runs, 'parser/npm-tst', undefined, 'did you mean "npm-test"?'],
    [runs, 'parser/', undefined, 'no command of lane parser ""'],
    [runs, 'docs', 'rn_2', 'there are parser'],
    [runs, 'parser', 'rn_9', 'did you mean "rn_'],
    [[], 'parser', undefined, 'no run is recorded here yet'],
  ])('that is not there says what is: %#', (of, place, id, text) => {
    expect(() => findPlace(of, place, id)).toThrow(
      expect.objectContaining({ code: 'ERR_RUN_NOT_FOUND', message: expect.stringContaining(text) }),
    )
  })
})
