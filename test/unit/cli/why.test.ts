import { describe, expect, it } from 'vitest'
import { renderWhy } from '../../../src/cli/render-why.ts'
import { gatherEvidence } from '../../../src/cli/why.ts'
import type { RecordedEvent } from '../../../src/protocols/events.ts'
import { commandSummary, laneSummary, noPaint, recorded, RUN } from './fakes.ts'

const allowed = { restarts: 3, withinMs: 60_000 }
const of = { lane: 'parser', command: 'test' }
const attempt = (number: number, at: number): RecordedEvent[] => [
  recorded('pty.state-changed', at, {
    ...of,
    attempt: number,
    from: 'idle',
    to: 'spawning',
    event: 'spawn',
    cause: 'its supervisor restarts it',
  }),
  recorded('pty.spawned', at, { ...of, attempt: number, pid: 100 + number, argv: [], cwd: '/w' }),
  recorded('pty.exited', at + 500, {
    ...of,
    attempt: number,
    exitCode: 7,
    signal: null,
    durationMs: 500,
    outputBytes: 9,
    survivors: number === 1 ? [{ pid: 9, command: 'sleep', endedBy: 'SIGKILL' }] : [],
    logGap: false,
    log: `/logs/test.${number}.log`,
    lastLines: ['connecting', `\u001b[31mrefused ${number}\u001b[0m`],
  }),
  recorded('pty.state-changed', at + 500, { ...of, attempt: number, from: 'active', to: 'errored', event: 'exited', cause: 'exit code 7' }),
]
const decision = (at: number, kind: string, restarts: number): RecordedEvent =>
  recorded('supervisor.decided', at, { ...of, decision: { decision: kind, restarts, allowed, delayMs: 200, exit: { reason: 'crashed' } } })

const events: RecordedEvent[] = [
  recorded('lane.state-changed', 0, {
    name: 'parser',
    from: 'new',
    to: 'provisioning',
    event: 'provision',
    cause: 'the run starts the lane',
  }),
  recorded('pty.spawned', 5, { lane: 'parser', command: 'other', attempt: 1, pid: 5 }),
  recorded('pty.state-changed', 6, {
    lane: 'parser',
    command: 'other',
    attempt: 1,
    from: 'active',
    to: 'active',
    event: 'terminate',
    cause: 'stop',
  }),
  recorded('pty.exited', 7, {
    lane: 'parser',
    command: 'other',
    attempt: 1,
    exitCode: null,
    signal: 'SIGTERM',
    durationMs: 2,
    lastLines: [],
    survivors: [],
  }),
  ...[1, 2, 3].flatMap((number) => [...attempt(number, number * 1_000), decision(number * 1_000 + 600, 'restart', number)]),
  ...attempt(4, 4_000),
  decision(4_600, 'escalate', 4),
  recorded('lane.ended', 5_000, {
    name: 'parser',
    summary: laneSummary({
      outcome: 'failed',
      worktree: '/lanes/parser',
      commands: [commandSummary({ outcome: 'failed', reason: 'gave up after 4 attempts' })],
    }),
  }),
]

describe('signalbox why', () => {
  it('gives the exit of each attempt, the decisions with their counters, and transitions with causes [SUP-9]', () => {
    const evidence = gatherEvidence(events, RUN, 'parser', 'test')
    expect(evidence).toMatchObject({ type: 'why', outcome: 'failed', reason: 'gave up after 4 attempts', worktree: '/lanes/parser' })
    expect(evidence.attempts.map((each) => [each.attempt, each.pid, each.exitCode, each.log])).toEqual([
      [1, 101, 7, '/logs/test.1.log'],
      [2, 102, 7, '/logs/test.2.log'],
      [3, 103, 7, '/logs/test.3.log'],
      [4, 104, 7, '/logs/test.4.log'],
    ])
    expect(evidence.decisions.map(({ text }) => text)).toEqual([
      'restart 1 of 3 within 60 s, after 200 ms',
      'restart 2 of 3 within 60 s, after 200 ms',
      'restart 3 of 3 within 60 s, after 200 ms',
      'gave up: 4th failure within 60 s, 3 restarts allowed',
    ])
    expect(evidence.transitions.at(-1)).toMatchObject({ of: 'parser/test', from: 'active', to: 'errored', cause: 'exit code 7' })
    expect(evidence.next).toEqual([
      'read the whole log: /logs/test.4.log',
      'look into the worktree: /lanes/parser',
      'raise `intensity` in the plan if so many failures are expected',
    ])
  })

  it('prints it for people: verdict, exit codes, decision, last lines, what to do [SUP-9]', () => {
    const text = renderWhy(gatherEvidence(events, RUN, 'parser', 'test'), noPaint).join('\n')
    expect(text).toMatch(/^parser\/test ✘ failed {2}\(rn_/)
    expect(text).toContain('test, attempt 4: exit 7 after 0.5s (pid 104)\n    log: /logs/test.4.log')
    expect(text).toContain('left behind: pid 9 sleep (SIGKILL)')
    expect(text).toContain('gave up: 4th failure within 60 s, 3 restarts allowed')
    expect(text).toContain('parser: new → provisioning  provision: the run starts the lane')
    expect(text).toContain('Last output of test, attempt 4\n  connecting\n  refused 4')
    expect(text).not.toContain('other')
    expect(text).not.toContain('\u001b')
  })

  it('of a lane tells all commands, and does not blame one that was asked to stop', () => {
    const evidence = gatherEvidence(events, RUN, 'parser', null)
    expect(evidence.attempts[0]).toMatchObject({ command: 'other', stopped: true, signal: 'SIGTERM' })
    expect(renderWhy(evidence, noPaint).join('\n')).toContain('other, attempt 1: ended by SIGTERM after 0.0s, asked to stop (pid 5)')
    expect(evidence.next.at(-1)).toBe(`signalbox why parser/test --run ${RUN}`)
  })

  it('works while the lane runs, and before anything happened', () => {
    const running = gatherEvidence(events.slice(0, 6), RUN, 'parser', 'test')
    expect(running).toMatchObject({ outcome: null, reason: null })
    expect(renderWhy(running, noPaint).join('\n')).toContain('attempt 1: still running (pid 101)')
    expect(renderWhy(gatherEvidence([], RUN, 'parser', null), noPaint).join('\n')).toContain('has not ended')
  })

  it('tells why a command could not start', () => {
    const error = recorded('pty.error', 1, { ...of, attempt: 1, error: { code: 'ERR_PTY_COMMAND_NOT_FOUND', message: 'no program foo' } })
    const text = renderWhy(gatherEvidence([error], RUN, 'parser', 'test'), noPaint).join('\n')
    expect(text).toContain('test, attempt 1: no program foo')
  })
})
