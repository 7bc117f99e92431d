import { describe, expect, it } from 'vitest'
import { whatHolds } from '../../../src/cli/why-now.ts'
import type { RecordedEvent } from '../../../src/protocols/events.ts'
import { parsePlan } from '../../../src/protocols/plan-parse.ts'
import type { RunRecord } from '../../../src/protocols/records.ts'

const plan = parsePlan(
  'lanes: { a: { commands: [{ name: server, run: s, restart: permanent }, { name: one, run: x }, { name: two, run: y }] }, b: { after: [a], commands: [z] }, c: { commands: [z] } }\nparallel: 1',
  'plan.yaml',
)
const run: RunRecord = {
  id: 'rn_1',
  plan,
  startedAt: 0,
  endedAt: null,
  outcome: null,
  owner: { pid: 77, startTime: '1', bootId: 'b' },
  lanes: [],
  summary: null,
}
const event = (type: string, payload: Record<string, unknown>): RecordedEvent => ({
  type,
  at: 1_000,
  sequence: 1,
  topicSequence: 1,
  workspaceId: 'ws_1',
  payload,
})
const running = [
  event('lane.created', { name: 'a' }),
  event('lane.state-changed', { name: 'a', to: 'running', cause: 'its commands start' }),
  event('pty.spawned', { lane: 'a', command: 'one', attempt: 2, pid: 42 }),
  event('pty.state-changed', { lane: 'a', command: 'one', attempt: 2, to: 'active' }),
]
const holds = (lane: string, command: string | null, events = running, isAlive = true): string | null =>
  whatHolds({ run, events, lane, command, isAlive })

describe('what a place in a run waits for [SUP-9]', () => {
  it('names the lanes before it', () => expect(holds('b', null)).toBe('it waits until a has succeeded (after)'))
  it('names the limit of lanes at once', () =>
    expect(holds('c', null)).toBe('it waits for a free place: at most 1 lanes run at once (parallel)'))
  it('names the command before it', () => expect(holds('a', 'two')).toMatch(/^it waits until one has succeeded/u))
  it('names the process of what runs', () => {
    expect(holds('a', 'one')).toBe('attempt 2 is active (pid 42)')
    expect(holds('a', null)).toBe('it is running: one: attempt 2 is active (pid 42)')
  })
  it('names the end of a backoff', () => {
    const decided = event('supervisor.decided', {
      lane: 'a',
      command: 'one',
      decision: { decision: 'restart', delayMs: 4_000, restarts: 1, allowed: { restarts: 1, withinMs: 1 } },
    })
    expect(holds('a', 'one', [...running, decided])).toBe('it is in backoff: the next attempt starts at 00:00:05Z')
  })
  it('says that the process of the run has died', () => expect(holds('a', null, running, false)).toMatch(/77.*has died.*doctor --fix/u))
  it('says nothing of what is over', () => {
    expect(holds('a', null, [...running, event('lane.ended', { name: 'a' })])).toBeNull()
    expect(whatHolds({ run: { ...run, endedAt: 1 }, events: running, lane: 'a', command: null, isAlive: true })).toBeNull()
  })
})
