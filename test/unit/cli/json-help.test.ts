import { describe, expect, it } from 'vitest'
import { METHOD_PAGES } from '../../../script/docs/method-pages.ts'
import { main } from '../../../src/cli/main.ts'
import { validatePlan } from '../../../src/protocols/plan-parse.ts'
import type { CrashBrief } from '../../../src/protocols/dossier.ts'
import { explain } from '../../../src/runtime/why/explain.ts'
import { NOTHING_SEEN } from '../../../src/runtime/why/facts.ts'
import { fakeDossier, fakeIo, LANE, recorded, RUN, runSummary } from './fakes.ts'

const help = async (command: string): Promise<Set<string>> => {
  const io = fakeIo()
  await main(['help', command], io)
  return new Set([...io.out.text().matchAll(/"(\w+)"/g)].map(([, key = '']) => key))
}

const BRIEF: CrashBrief = {
  id: 'x',
  at: 1,
  runId: RUN,
  lane: 'a',
  command: 'b',
  actor: 'pty:tm_1$1',
  exit: 'exit 3',
  handling: null,
  decision: null,
  peakRssBytes: null,
  file: '/x.json',
}

const keysOf = (value: unknown): string[] => {
  if (Array.isArray(value)) return value.flatMap(keysOf)
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) => [key, ...keysOf(inner)])
}

describe('the help of --json', () => {
  it('run: names every key of the summary and of an event', async () => {
    const told = await help('run')
    expect(keysOf(runSummary()).filter((key) => !told.has(key))).toEqual([])
    expect(Object.keys({ ...recorded('x', 0, {}), laneId: LANE }).filter((key) => !told.has(key))).toEqual([])
  })

  it('run --dry-run: names every key of its document', async () => {
    const { makeRepo } = await import('../../helpers/git-repo.ts')
    const { dryRun } = await import('../../../src/runtime/dry-run.ts')
    const repo = await makeRepo({ commits: 1 })
    try {
      const told = await help('run')
      const report = await dryRun({ workspace: repo.root }, validatePlan({ lanes: { a: { commands: ['true'] } } }))
      expect(keysOf(report)).toEqual(expect.arrayContaining(['withinMs', 'resetAfterMs', 'argv', 'remedy']))
      expect(keysOf(report).filter((key) => !told.has(key))).toEqual([])
    } finally {
      await repo.cleanup()
    }
  })

  it('why: names every key of the evidence', async () => {
    const of = { lane: 'a', command: 'b', attempt: 1 }
    const allowed = { restarts: 1, withinMs: 1 }
    const evidence = explain({
      now: 9,
      subject: { kind: 'lane', name: 'a', runId: RUN, laneId: LANE, terminalId: null },
      run: null,
      lane: null,
      events: [
        recorded('lane.state-changed', 0, { name: 'a', from: 'x', to: 'running', event: 'e', cause: 'c' }),
        recorded('pty.exited', 0, {
          ...of,
          survivors: [{ pid: 1, command: 'c', endedBy: 'SIGKILL' }],
          signals: [{ at: 1, signal: 'SIGTERM', target: { pid: 1, scope: 'group' }, askedBy: 'b', outcome: 'delivered' }],
          finding: { class: 'failure', evidence: 'e', certain: true, retryAfterMs: null },
          lastLines: ['x'],
        }),
        recorded('supervisor.decided', 0, { ...of, decision: { decision: 'restart', restarts: 1, allowed, delayMs: 1, exit: {} } }),
        recorded('actor.crashed', 0, { lane: 'a', name: 'n', exit: { error: { message: 'm' } } }),
      ],
      crash: BRIEF,
      seen: NOTHING_SEEN,
    })
    const told = await help('why')
    expect(keysOf(evidence)).toEqual(
      expect.arrayContaining(['endedBy', 'askedBy', 'withinMs', 'crashes', 'error', 'certain', 'by', 'remedies', 'cause']),
    )
    expect(keysOf(evidence).filter((key) => !told.has(key))).toEqual([])
  })

  it('crashes: names every key of the list and of a dossier', async () => {
    const told = await help('crashes')
    expect(Object.keys(BRIEF).filter((key) => !told.has(key))).toEqual([])
    expect(keysOf(fakeDossier()).filter((key) => !told.has(key))).toEqual([])
  })

  it.each([
    ['tree', 'tree.get'],
    ['info', 'actor.info'],
    ['dead-letters', 'dead-letters.list'],
    ['dead-letters', 'dead-letters.retry'],
    ['trace', 'trace.start'],
    ['stop', 'actor.stop'],
    ['suspend', 'actor.suspend'],
  ])('%s: names every key that %s answers', async (command, method) => {
    const told = await help(command)
    const page = METHOD_PAGES.find((each) => each.method === method)
    expect(keysOf(page?.result).filter((key) => !told.has(key))).toEqual([])
    expect(told).toContain('type')
  })

  it.each(['runs', 'doctor'])('%s: says what it prints', async (command) => expect([...(await help(command))]).toContain('type'))
})
