import { describe, expect, it } from 'vitest'
import { renderWhy } from '../../../src/cli/render-why.ts'
import type { RecordedEvent } from '../../../src/protocols/events.ts'
import { parsePlan } from '../../../src/protocols/plan-parse.ts'
import type { LaneRecord, RunRecord } from '../../../src/protocols/records.ts'
import type { WhyAnswer } from '../../../src/protocols/why.ts'
import { explain } from '../../../src/runtime/why/explain.ts'
import { NOTHING_SEEN, type Seen } from '../../../src/runtime/why/facts.ts'
import { commandSummary, laneSummary, noPaint, recorded, RUN } from '../cli/fakes.ts'

const plan = parsePlan(
  `lanes:
  a: { commands: [{ name: server, run: s, restart: permanent }, { name: one, run: x, restart: transient, intensity: { restarts: 3, withinMs: 60000 } }, { name: two, run: y }] }
  b: { after: [a], commands: [z] }
  c: { commands: [z] }
parallel: 1`,
  'plan.yaml',
)
const owner = { pid: 77, startTime: '1', bootId: 'b' }
const run: RunRecord = { id: RUN, plan, startedAt: 0, endedAt: null, outcome: null, owner, lanes: [], summary: null }
const alive: Seen = { ...NOTHING_SEEN, owner: { pid: 77, state: 'alive' } }

const started = recorded('run.started', 0, { by: 'signalbox run (pid 3)', pid: 77 })
const laneChange = (name: string, at: number, to: string, by: string, cause = ''): RecordedEvent =>
  recorded('lane.state-changed', at, { name, from: 'x', to, event: by, cause })
const up = [started, recorded('lane.created', 1, { name: 'a', worktree: '/w/a' }), laneChange('a', 1, 'running', 'started')]
const attempt = (number: number, at: number, payload: Record<string, unknown> = {}): RecordedEvent[] => {
  const of = { lane: 'a', command: 'one', attempt: number }
  return [
    recorded('pty.spawned', at, { ...of, pid: 100 + number }),
    recorded('pty.exited', at + 500, {
      ...of,
      exitCode: 7,
      signal: null,
      durationMs: 500,
      log: `/logs/one.${number}.log`,
      lastLines: ['connecting', `\u001b[31mrefused ${number}\u001b[0m`],
      finding: { class: 'failure', evidence: 'exit code 7', certain: true, retryAfterMs: null },
      ...payload,
    }),
  ]
}
const decision = (at: number, kind: string, restarts: number, more: object = {}): RecordedEvent =>
  recorded('supervisor.decided', at, {
    lane: 'a',
    command: 'one',
    decision: {
      decision: kind,
      restarts,
      allowed: { restarts: 3, withinMs: 60_000 },
      delayMs: 4_000,
      exit: { reason: 'crashed' },
      ...more,
    },
  })

const ask = (name: string, events: readonly RecordedEvent[], seen: Seen = alive, now = 10_000): WhyAnswer =>
  explain({
    now,
    subject: { kind: name.includes('/') ? 'command' : 'lane', name, runId: RUN, laneId: null, terminalId: null },
    run,
    lane: null,
    events,
    crash: null,
    seen,
  })
const textOf = (answer: WhyAnswer, evidence = false): string => renderWhy(answer, noPaint, { evidence }).join('\n')

describe('explain', () => {
  it('tells of a backoff what failed, how many restarts are left and when it goes on [SUP-9]', () => {
    const answer = ask('a/one', [...up, ...attempt(1, 2_000), decision(2_600, 'restart', 1)], alive, 3_000)
    expect(answer).toMatchObject({ state: 'backoff', since: 2_600, next: { what: 'attempt 2 starts', at: 6_600 } })
    expect(answer.summary).toBe(
      'It failed with exit code 7. Its last words: "\u001b[31mrefused 1\u001b[0m". That was failure 1 within 60 s; 3 restarts are allowed in that time.',
    )
    expect(textOf(answer)).toMatch(/at \d\d:\d\d:\d\d \(in 4s\): attempt 2 starts/u)
    expect(textOf(answer)).not.toContain('\u001b')
  })

  it('gives each step its time, its event and whose command it was, oldest first [SUP-9]', () => {
    const { causes } = ask('a/one', [...up, ...attempt(1, 2_000), decision(2_600, 'restart', 1)])
    expect(causes[0]).toMatchObject({ what: 'the run was started', by: 'signalbox run (pid 3)', sequence: started.sequence })
    expect(causes.map(({ what }) => what)).toEqual([
      'the run was started',
      'attempt 1 started (pid 101)',
      'attempt 1 ended with exit code 7',
      'decision: restart 1 of 3 within 60 s, after 4 s',
    ])
  })

  it('keeps beginning and end of a long chain, and shows all of it when asked', () => {
    const loop = Array.from({ length: 20 }, (_, index) => [
      ...attempt(index + 1, 1_000 * index),
      decision(1_000 * index + 600, 'restart', 1),
    ])
    const answer = ask('a/one', [...up, ...loop.flat()], alive, 20_000)
    expect(answer.causes).toHaveLength(61)
    expect(textOf(answer)).toContain('… 47 steps more; --evidence shows them')
    expect(textOf(answer, true)).not.toContain('steps more')
    expect(textOf(answer, true)).toContain('one, attempt 4: exit 7 after 0.5s (pid 104)\n    /logs/one.4.log')
  })

  it('tells of what waits for what [SUP-9]', () => {
    const running = [...up, recorded('pty.spawned', 5, { lane: 'a', command: 'one', attempt: 2, pid: 42 })]
    expect(ask('b', running).summary).toMatch(/^It waits for lane a, which its plan puts before it \(`after`\)\. Lane a: one: It runs as/u)
    expect(ask('c', running)).toMatchObject({
      state: 'waiting',
      summary: 'It waits for a free place: at most 1 lane runs at once (`parallel`), and the place is taken by a.',
      next: { what: 'it starts when a ends', at: null },
    })
    expect(ask('a/two', running).summary).toMatch(/^It waits for command one to succeed/u)
    expect(ask('b/z', running).summary).toMatch(/^It has not started yet\. Lane b: It waits for lane a/u)
    expect(ask('a/one', running).summary).toBe('It runs as process 42. It is attempt 2: the one before failed.')
  })

  it('tells of a process that died: killed, with the machine, or because it could record nothing [SUP-9]', () => {
    const seen = (more: Partial<Seen>): WhyAnswer => ask('a', up, { ...alive, owner: { pid: 77, state: 'dead' }, ...more })
    expect(seen({})).toMatchObject({
      state: 'lost',
      summary: expect.stringContaining('(pid 77) died without a word') as string,
      next: null,
    })
    expect(seen({ owner: { pid: 77, state: 'rebooted' } }).summary).toContain('died when the machine was started anew')
    const full = seen({ lastWords: { at: 9, error: { code: 'ERR_DISK_FULL', message: 'the disk is full', context: {} } } })
    expect(full.summary).toContain('could record nothing any more and ended all that it ran: the disk is full')
    expect(full.causes.at(-1)).toMatchObject({ at: 9, sequence: null })
  })

  it('tells of a terminal that was lost with another orchestrator how to go on, and accuses none that lives [SUP-9]', () => {
    const of = { lane: 'a', command: 'one', attempt: 1 }
    const events = [
      recorded('lane.created', 1, { name: 'a', worktree: '/w/a' }),
      recorded('pty.spawned', 5, { ...of, pid: 42 }),
      recorded('pty.state-changed', 9, {
        ...of,
        from: 'active',
        to: 'errored',
        event: 'lost',
        cause: 'the orchestrator that held it died',
      }),
    ]
    const lane = { name: 'a', worktree: { path: '/w/a', branch: 'b', baseCommit: 'c' } } as LaneRecord
    const subject = { kind: 'command', name: 'a/one', runId: null, laneId: null, terminalId: null } as const
    const answer = (seen: Seen): WhyAnswer => explain({ now: 10, subject, run: null, lane, events, crash: null, seen })
    expect(answer(alive)).toMatchObject({
      state: 'lost',
      remedies: [{ command: 'signalbox term respawn a/one' }, { command: 'signalbox term logs a/one' }],
    })
    expect(answer(alive).summary).not.toContain('77')
    expect(answer({ ...alive, owner: { pid: 77, state: 'dead' } }).remedies).toEqual([
      { what: 'bring its lane back', command: 'signalbox up' },
    ])
  })

  it('says so first when nothing can be recorded at the moment', () => {
    const disk = { path: '/state', freeBytes: 0, isWritable: true }
    expect(ask('a', up, { ...alive, disk }).summary).toMatch(/^Nothing can be recorded: the disk of \/state is full\. /u)
    expect(ask('a', up, { ...alive, disk: { ...disk, freeBytes: 1e9 } }).summary).not.toContain('Nothing can be')
  })

  it('does not blame a command that was asked to stop, and says whether it obeyed', () => {
    const of = { lane: 'a', command: 'one', attempt: 1 }
    const sent = (signal: string, at: number) => ({
      at,
      signal,
      target: { pid: 1, scope: 'group' },
      askedBy: 'its supervisor stops it',
      outcome: 'delivered',
    })
    const events = [
      ...up,
      recorded('run.stopping', 1_000, { by: 'SIGINT' }),
      recorded('pty.spawned', 500, { ...of, pid: 9 }),
      recorded('pty.state-changed', 1_000, { ...of, from: 'active', to: 'active', event: 'terminate', cause: 'c' }),
    ]
    expect(ask('a/one', events, alive, 1_500)).toMatchObject({ state: 'stopping', next: { at: 6_000 } })
    const signals = [sent('SIGTERM', 1_000), sent('SIGKILL', 6_000)]
    const ended = recorded('pty.exited', 6_001, { ...of, exitCode: null, signal: 'SIGKILL', durationMs: 1, signals })
    expect(ask('a/one', [...events, ended])).toMatchObject({
      state: 'stopped',
      summary: 'Stopped by SIGINT. It was asked to end (SIGTERM), did not within 5.0 s, and was killed (SIGKILL).',
    })
  })

  it('has for every signal its sender, or says that it was not signalbox', () => {
    const killed = { exitCode: null, signal: 'SIGKILL', finding: { class: 'signal', evidence: 'e', certain: true, retryAfterMs: null } }
    const by = (more: object): string =>
      ask('a/one', [...up, ...attempt(1, 2_000, { ...killed, ...more }), decision(2_600, 'restart', 1)]).summary
    expect(by({})).toMatch(/^It was killed by SIGKILL, which signalbox did not send/u)
    expect(by({ signal: 'SIGSEGV' })).toMatch(/^It crashed: the system ended it by SIGSEGV/u)
    const signals = [{ at: 1, signal: 'SIGKILL', target: { pid: 1, scope: 'group' }, askedBy: 'ada', outcome: 'delivered' }]
    expect(by({ signals })).toMatch(/^It was ended by SIGKILL, which signalbox sent \(ada\)/u)
    const closed = { ...killed, signals: [{ ...signals[0], askedBy: 'the runtime closes' }] }
    expect(ask('a/one', [...up, ...attempt(1, 2_000, closed)])).toMatchObject({
      state: 'stopped',
      summary: 'It was ended by SIGKILL when signalbox was closed.',
    })
  })

  it('answers before anything happened, and of events that another version wrote', () => {
    expect(ask('a', [], alive)).toMatchObject({ state: 'waiting', causes: [] })
    expect(
      ask('a/one', [started, recorded('supervisor.decided', 1, { lane: 'a', command: 'one' }), recorded('lane.ended', 2, { name: 'a' })])
        .state,
    ).toBe('ended')
  })

  it('of a lane that ended names the command that failed and why its worktree stays', () => {
    const summary = laneSummary({
      name: 'a',
      outcome: 'failed',
      worktree: '/w/a',
      reason: 'one: exit code 7; worktree kept: it holds 1 uncommitted file (x)',
      commands: [commandSummary({ name: 'one', outcome: 'failed', reason: 'gave up' })],
    })
    const answer = ask('a', [
      ...up,
      ...attempt(4, 2_000),
      decision(2_600, 'escalate', 4, { reason: null }),
      recorded('lane.ended', 3_000, { name: 'a', summary }),
    ])
    expect(answer).toMatchObject({ state: 'failed', outcome: 'failed', worktree: '/w/a' })
    expect(answer.summary).toMatch(
      /^Its command one failed\. It failed with exit code 7\..*failure 4 within 60 s.* Worktree kept: it holds 1 uncommitted/su,
    )
    expect(answer.remedies.map(({ command }) => command)).toEqual(['less /logs/one.4.log', 'cd /w/a', null, 'signalbox why a/one'])
  })

  it('is wrapped at 80 columns, words that are to be copied excepted', () => {
    const path = `/a very/long path/${'x'.repeat(90)}`
    const answer = ask('a/one', [...up, ...attempt(1, 2_000, { log: path }), decision(2_600, 'restart', 1)])
    const long = textOf(answer, true)
      .split('\n')
      .filter((line) => line.length > 80)
    expect(long.every((line) => line.includes(path))).toBe(true)
    expect(textOf(answer)).toContain(`    $ less '${path}'`)
  })
})
