import { describe, expect, it } from 'vitest'
import type { LaneId } from '../../../src/protocols/ids.ts'
import { parsePlan } from '../../../src/protocols/plan-parse.ts'
import type { LaneRecord, RunRecord, TerminalRecord } from '../../../src/protocols/records.ts'
import { findSubject, type Named } from '../../../src/runtime/why/subject.ts'

const idOf = (prefix: string, tail: string): string => `${prefix}_${tail.padStart(26, '0')}`
const run = (tail: string, lanes: readonly string[], startedAt: number): RunRecord => ({
  id: idOf('rn', tail) as RunRecord['id'],
  plan: parsePlan(JSON.stringify({ lanes: Object.fromEntries(lanes.map((lane) => [lane, { commands: ['npm test'] }])) }), 'p'),
  startedAt,
  endedAt: 1,
  outcome: null,
  owner: { pid: 1, startTime: '1', bootId: 'b' },
  lanes: lanes.map((name, index) => ({ name, id: idOf('ln', `${tail}${index}`) as LaneId })),
  summary: null,
})
const own = (name: string, endedAt: number | null, createdAt: number): LaneRecord => ({
  id: idOf('ln', `9${createdAt}`) as LaneId,
  runId: null,
  name,
  snapshot: { state: 'ready', context: { attached: 0, running: false } },
  worktree: { path: '/w', branch: 'b', baseCommit: '' },
  terminals: [],
  createdAt,
  endedAt,
  summary: null,
})
const docs = own('docs', null, 50)
const shell: TerminalRecord = { id: `tm_${'7'.repeat(26)}`, runId: null, laneId: docs.id, command: 'shell', attempts: 1, lastPtyId: null }
const runs = [run('1A', ['parser', 'docs'], 1), run('2B', ['parser'], 2), run('3C', ['site'], 3)]
const named: Named = { runs, lanes: [own('old', 9, 40), docs], terminals: [shell], actors: ['journal', 'lane:x'] }
const nameOf = (word: string, id?: string): readonly unknown[] => {
  const { subject, run: of } = findSubject(named, word, id)
  return [subject.kind, subject.name, of?.id ?? null]
}

describe('the subject of "why"', () => {
  it.each([
    ['parser', undefined, ['lane', 'parser', runs[1]?.id]],
    ['parser', runs[0]?.id, ['lane', 'parser', runs[0]?.id]],
    ['site/npm-test', undefined, ['command', 'site/npm-test', runs[2]?.id]],
    ['site', 'latest', ['lane', 'site', runs[2]?.id]],
    ['latest', undefined, ['run', runs[2]?.id, runs[2]?.id]],
    [idOf('rn', '2B').toLowerCase(), undefined, ['run', runs[1]?.id, runs[1]?.id]],
    [idOf('ln', '1A1'), undefined, ['lane', 'docs', runs[0]?.id]],
    ['docs', undefined, ['lane', 'docs', null]],
    ['docs/shell', undefined, ['terminal', 'docs/shell', null]],
    ['shell', undefined, ['terminal', 'docs/shell', null]],
    ['tm_7777', undefined, ['terminal', 'docs/shell', null]],
    ['journal', undefined, ['actor', 'journal', null]],
  ])('%s (run %s) is found: of a name what goes on, or else the newest [SUP-9]', (word, id, found) =>
    expect(nameOf(word, id)).toEqual(found),
  )

  it.each([
    [named, 'parsr', undefined, 'did you mean "parser"?'],
    [named, 'parser/npm-tst', undefined, 'did you mean "npm-test"?'],
    [named, 'parser/', undefined, 'no command of lane parser ""'],
    [named, 'docs', runs[1]?.id, 'there are parser'],
    [named, 'parser', 'rn_9', 'no run "rn_9" is recorded; there are rn_'],
    [named, 'ln_0000', undefined, 'ids begin with ln_0000; use more of it'],
    [{ runs: [], lanes: [], terminals: [], actors: [] }, 'parser', undefined, 'there are none; start one with: signalbox run PLAN'],
  ])('that is not there says what is: %#', (of, word, id, text) => {
    expect(() => findSubject(of, word, id)).toThrow(
      expect.objectContaining({ code: 'ERR_RUN_NOT_FOUND', message: expect.stringContaining(text) }),
    )
  })
})
