import { describe, expect, it } from 'vitest'
import type { Decision } from '../../../src/kernel/child-spec.ts'
import type { NewEvent, RecordedEvent } from '../../../src/protocols/events.ts'
import type { Exit } from '../../../src/protocols/exit.ts'
import { createLocate } from '../../../src/runtime/locate.ts'
import { observe } from '../../../src/runtime/observe.ts'

const build = () => {
  let heard: (event: RecordedEvent) => void = () => {}
  const listen = (listener: typeof heard) => ((heard = listener), () => {})
  const recorded: NewEvent[] = []
  const clock = { now: () => 42, monotonic: () => 0, setTimer: () => ({ cancel: () => undefined }) }
  const observer = observe(clock, createLocate(listen), (event) => recorded.push(event))
  const publish = (type: string, ids: Partial<RecordedEvent>, payload: Record<string, unknown>): void =>
    heard({ sequence: 1, topicSequence: 1, workspaceId: 'ws_1', type, at: 1, ...ids, payload })
  publish('lane.created', { runId: 'rn_1', laneId: 'ln_1' }, { name: 'parser' })
  publish('pty.state-changed', { runId: 'rn_1', laneId: 'ln_1', terminalId: 'tm_1' }, { lane: 'parser', command: 'test' })
  return { observer, recorded, publish }
}
const crashed: Exit = { reason: 'crashed', error: { code: 'ERR_UNKNOWN', message: 'boom', context: {} } }
const decision = (child: string, patch: Partial<Decision> = {}): Decision => ({
  supervisor: 'terminal:tm_1',
  child,
  incarnation: 1,
  exit: crashed,
  decision: 'restart',
  restarts: 1,
  waits: 0,
  reason: null,
  allowed: { restarts: 3, withinMs: 60_000 },
  delayMs: 200,
  group: [],
  ...patch,
})

describe('what supervisors decide', () => {
  it('is recorded with the counters, by run, lane and command [SUP-9]', () => {
    const { observer, recorded } = build()
    observer.decided?.(decision('pty:tm_1'))
    expect(recorded).toEqual([
      {
        type: 'supervisor.decided',
        at: 42,
        runId: 'rn_1',
        laneId: 'ln_1',
        terminalId: 'tm_1',
        payload: { lane: 'parser', command: 'test', decision: decision('pty:tm_1') },
      },
    ])
  })

  it('about a lane is told by the lane, about others without either [SUP-9]', () => {
    const { observer, recorded } = build()
    observer.decided?.(decision('lane:ln_1'))
    observer.decided?.(decision('journal'))
    expect(recorded.map(({ runId, laneId, terminalId, payload }) => [runId, laneId, terminalId, payload['lane']])).toEqual([
      ['rn_1', 'ln_1', undefined, 'parser'],
      [undefined, undefined, undefined, undefined],
    ])
  })

  it.each(['normal', 'shutdown', 'handover', 'killed'] as const)(
    'about a child that is gone for good after %s is nothing worth a record [SUP-9]',
    (reason) => {
      const { observer, recorded } = build()
      observer.decided?.(decision('pty:tm_1', { decision: 'remove', exit: { reason } }))
      expect(recorded).toEqual([])
    },
  )

  it('is recorded also where a clean exit leads to a restart [SUP-9]', () => {
    const { observer, recorded } = build()
    observer.decided?.(decision('pty:tm_1', { exit: { reason: 'normal' } }))
    expect(recorded).toHaveLength(1)
  })

  it('is no longer placed once its lane has ended: ids are not kept for ever [SUP-9]', () => {
    const { observer, recorded, publish } = build()
    publish('lane.ended', { runId: 'rn_1', laneId: 'ln_1' }, {})
    observer.decided?.(decision('pty:tm_1'))
    observer.decided?.(decision('lane:ln_1'))
    expect(recorded.map(({ laneId, terminalId }) => [laneId, terminalId])).toEqual([
      [undefined, undefined],
      [undefined, undefined],
    ])
  })
})

describe('the end of an actor', () => {
  it.each(['crashed', 'timeout', 'init_failed'] as const)('by %s is recorded [SUP-9]', (reason) => {
    const { observer, recorded } = build()
    observer.exited?.({ name: 'lane:ln_1', incarnation: 2, kind: 'lane', exit: { ...crashed, reason } })
    expect(recorded).toMatchObject([
      { type: 'actor.crashed', runId: 'rn_1', laneId: 'ln_1', payload: { name: 'lane:ln_1', incarnation: 2, lane: 'parser' } },
    ])
  })

  it('that was expected is not, nor that of a PTY actor: its attempt has a record of its own [SUP-9]', () => {
    const { observer, recorded } = build()
    observer.exited?.({ name: 'lane:ln_1', incarnation: 1, kind: 'lane', exit: { reason: 'shutdown' } })
    observer.exited?.({ name: 'pty:tm_1', incarnation: 1, kind: 'pty', exit: crashed })
    expect(recorded).toEqual([])
  })

  it('that is of a supervisor which could not start is not: the child for which it could not is [SUP-9]', () => {
    const { observer, recorded } = build()
    observer.exited?.({ name: 'terminal:tm_1', incarnation: 1, kind: 'supervisor', exit: { ...crashed, reason: 'init_failed' } })
    expect(recorded).toEqual([])
    observer.exited?.({ name: 'terminal:tm_1', incarnation: 2, kind: 'supervisor', exit: crashed })
    expect(recorded).toHaveLength(1)
  })
})
