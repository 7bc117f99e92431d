import { describe, expect, it } from 'vitest'
import type { TerminalHost } from '../../../src/ports/terminal-host.port.ts'
import type { RecordedEvent } from '../../../src/protocols/events.ts'
import { validatePlan } from '../../../src/protocols/plan-parse.ts'
import { projectRun, type RunProjection } from '../../../src/runtime/run-view.ts'

const plan = validatePlan({
  lanes: {
    a: {
      commands: [
        { name: 'one', run: 'true', restart: 'transient', intensity: { restarts: 2, withinMs: 9_000 } },
        { name: 'two', run: 'true' },
      ],
    },
    b: { after: ['a'], commands: ['true'] },
  },
})
let tail = ''
const terminals = {
  get: (id: string) => (id === 'pt_1' ? { preview: () => new TextEncoder().encode(tail) } : undefined),
} as unknown as TerminalHost
const project = (): RunProjection =>
  projectRun(
    'rn_1',
    plan,
    10,
    new Map([
      ['a', 'ln_a'],
      ['b', 'ln_b'],
    ]),
    terminals,
  )

let sequence = 0
const say = (view: RunProjection, type: string, payload: Record<string, unknown>, ids: Partial<RecordedEvent> = { laneId: 'ln_a' }): void =>
  view.apply({
    sequence: (sequence += 1),
    topicSequence: sequence,
    workspaceId: 'ws_1',
    type,
    at: 100 + sequence,
    runId: 'rn_1',
    ...ids,
    payload,
  })
const spawn = (view: RunProjection, attempt: number, ptyId: `pt_${string}`): void => {
  say(view, 'pty.state-changed', { command: 'one', to: 'spawning', event: 'spawn', attempt }, { laneId: 'ln_a', ptyId })
  say(view, 'pty.state-changed', { command: 'one', to: 'active', event: 'spawned', attempt }, { laneId: 'ln_a', ptyId })
}

describe('the view of a run', () => {
  it('shows all lanes as waiting at first, and for whom [SUP-9]', () => {
    const { lanes, runId, startedAt } = project().view()
    expect([runId, startedAt]).toEqual(['rn_1', 10])
    expect(lanes.map(({ name, id, state, waitingFor }) => [name, id, state, waitingFor])).toEqual([
      ['a', 'ln_a', 'waiting', []],
      ['b', 'ln_b', 'waiting', ['a']],
    ])
    expect(lanes[0]?.commands[0]).toMatchObject({
      name: 'one',
      state: 'waiting',
      attempts: 0,
      restarts: 0,
      allowed: { restarts: 2, withinMs: 9_000 },
    })
  })

  it('follows a command through attempts, exits and backoff [SUP-9]', () => {
    const view = project()
    const command = () => view.view().lanes[0]?.commands[0]
    say(view, 'lane.created', { name: 'a' })
    spawn(view, 1, 'pt_1')
    tail = 'first\r\nlatest line\r\n'
    expect(command()).toMatchObject({ state: 'active', attempts: 1, lastLine: 'latest line', exitCode: null })
    const startedAt = command()?.startedAt
    say(
      view,
      'pty.exited',
      { command: 'one', exitCode: 7, signal: null, lastLines: ['x', 'recorded line'] },
      { laneId: 'ln_a', ptyId: 'pt_1' },
    )
    say(view, 'pty.state-changed', { command: 'one', to: 'errored', event: 'exited', attempt: 1 }, { laneId: 'ln_a', ptyId: 'pt_1' })
    say(view, 'supervisor.decided', { command: 'one', decision: { decision: 'restart', restarts: 1 } })
    expect(command()).toMatchObject({ state: 'backoff', restarts: 1, exitCode: 7, attempts: 1 })
    expect(command()?.endedAt).not.toBeNull()
    spawn(view, 2, 'pt_2')
    expect(command()).toMatchObject({ state: 'active', attempts: 2, exitCode: null, endedAt: null, startedAt, lastLine: 'recorded line' })
    say(view, 'pty.exited', { command: 'one', exitCode: null, signal: 'SIGKILL', lastLines: [] }, { laneId: 'ln_a', ptyId: 'pt_2' })
    say(view, 'supervisor.decided', { command: 'one', decision: { decision: 'escalate', restarts: 3 } })
    expect(command()).toMatchObject({ restarts: 3, signal: 'SIGKILL', exitCode: null, lastLine: 'recorded line' })
    expect(command()?.state).not.toBe('backoff')
  })

  it('takes the outcomes of a lane from its summary, and shows one that never began as skipped [SUP-9]', () => {
    const view = project()
    say(view, 'lane.created', { name: 'a' })
    say(view, 'lane.state-changed', { to: 'closed' })
    say(view, 'lane.ended', {
      summary: {
        outcome: 'failed',
        commands: [
          { name: 'one', outcome: 'failed', attempts: 3 },
          { name: 'unknown', outcome: 'failed', attempts: 1 },
        ],
      },
    })
    expect(view.view().lanes[1]?.waitingFor).toEqual([])
    say(
      view,
      'lane.ended',
      { summary: { outcome: 'skipped', commands: [{ name: 'true', outcome: 'skipped', attempts: 0 }] } },
      { laneId: 'ln_b' },
    )
    const [a, b] = view.view().lanes
    expect(a).toMatchObject({ state: 'closed', outcome: 'failed', commands: [{ outcome: 'failed', attempts: 3 }, { outcome: null }] })
    expect(b).toMatchObject({ state: 'skipped', outcome: 'skipped', startedAt: null, waitingFor: [] })
  })

  it('ignores what it does not know [SUP-9]', () => {
    const view = project()
    const before = view.view()
    say(view, 'lane.created', { name: 'z' }, { laneId: 'ln_z' })
    say(view, 'pty.state-changed', { command: 'nobody', to: 'active', event: 'spawned' })
    say(view, 'something.new', {})
    say(view, 'run.stopping', { by: 'x' }, {})
    expect(view.view()).toEqual(before)
  })
})
