import { describe, expect, it } from 'vitest'
import { renderDoctor } from '../../../src/cli/render-doctor.ts'
import { renderEvent } from '../../../src/cli/render-event.ts'
import { renderRuns } from '../../../src/cli/render-runs.ts'
import { renderSummary } from '../../../src/cli/render-summary.ts'
import { parsePlan } from '../../../src/protocols/plan-parse.ts'
import type { RunRecord } from '../../../src/protocols/records.ts'
import { commandSummary, LANE, laneSummary, noPaint, recorded, RUN, runSummary } from './fakes.ts'

const plan = parsePlan('lanes: { parser: { commands: [npm test] } }', 'p')

describe('an event as a line', () => {
  const of = { lane: 'parser', command: 'test', attempt: 2 }
  it.each([
    ['run.started', { plan, pid: 1 }, 'run', '1 lane, 4 at once, keep failed'],
    ['run.stopping', { by: 'SIGINT' }, 'run', 'by SIGINT'],
    ['run.ended', { summary: runSummary({ outcome: 'failed' }) }, 'run', 'failed after 5.0s'],
    [
      'lane.created',
      { name: 'parser', branch: 'signalbox/parser-x', base: 'main', worktree: '/w' },
      'parser',
      'branch signalbox/parser-x from main in /w',
    ],
    [
      'lane.state-changed',
      { name: 'parser', from: 'new', to: 'provisioning', event: 'provision', cause: 'the run' },
      'parser',
      'new → provisioning (provision: the run)',
    ],
    [
      'lane.ended',
      { name: 'parser', summary: laneSummary({ commits: 2, worktree: '/w', reason: 'dirty' }) },
      'parser',
      'succeeded, dirty, 2 commits, worktree /w',
    ],
    ['pty.spawned', { ...of, pid: 77 }, 'parser/test', 'attempt 2: pid 77'],
    [
      'pty.exited',
      { ...of, exitCode: 3, signal: null, durationMs: 1_500, outputBytes: 10, survivors: [{}], logGap: true },
      'parser/test',
      'attempt 2: exit 3 after 1.5s, 10 bytes of output, 1 left behind and ended, the log has a gap',
    ],
    [
      'pty.exited',
      { ...of, exitCode: null, signal: 'SIGKILL', durationMs: 1, outputBytes: 0, survivors: [], logGap: false },
      'parser/test',
      'ended by SIGKILL',
    ],
    ['pty.error', { ...of, error: { message: 'no such command' } }, 'parser/test', 'no such command'],
    [
      'supervisor.decided',
      { ...of, decision: { decision: 'restart', restarts: 1, allowed: { restarts: 3, withinMs: 60_000 }, delayMs: 200, exit: {} } },
      'parser/test',
      'restart 1 of 3 within 60 s, after 200 ms',
    ],
    ['actor.crashed', { name: 'lane:x', exit: { reason: 'crashed', error: { message: 'boom' } } }, 'run', 'lane:x: boom'],
  ])('%s', (type, payload, subject, text) => {
    const line = renderEvent(recorded(type, 2_500, payload), 1_000)
    expect(line).toMatch(/^ +1\.50s {2}/)
    expect(line.slice(11).startsWith(`${subject} `)).toBe(true)
    expect(line).toContain(type)
    expect(line).toContain(text)
    expect(line).not.toContain('\n')
  })

  it('is still a line when another version wrote it', () => {
    expect(renderEvent(recorded('lane.ended', 0, {}), 0)).toContain('lane.ended')
    expect(renderEvent(recorded('supervisor.decided', 0, {}), 0)).toContain('supervisor.decided')
    expect(renderEvent(recorded('new.thing', 0, { lane: 5 }), 0)).toContain('new.thing')
  })

  it('lets no control sequence of a program through', () => {
    expect(renderEvent(recorded('pty.error', 0, { lane: 'a', command: 'b', error: { message: 'x\u001b[2Jy\nz' } }), 0)).toMatch(/xyz$/)
  })
})

describe('the summary', () => {
  const summary = runSummary({
    ok: false,
    outcome: 'failed',
    lanes: [
      laneSummary({ branch: 'signalbox/parser-1', commits: 1 }),
      laneSummary({
        name: 'docs',
        outcome: 'failed',
        reason: 'make-docs: gave up after 3 attempts',
        worktree: '/repo.lanes/docs-1',
        uncommitted: ['a', 'b', 'c', 'd', 'e', 'f', 'g'],
        commands: [commandSummary({ name: 'make-docs', outcome: 'failed', exitCode: 2, attempts: 3, reason: 'gave up after 3 attempts' })],
      }),
      laneSummary({
        name: 'site',
        outcome: 'skipped',
        commands: [commandSummary({ outcome: 'skipped', attempts: 0, exitCode: null, log: null })],
      }),
    ],
  })
  const text = renderSummary(summary, noPaint).join('\n')

  it('gives each lane its outcome, time, restarts, branch, commits, uncommitted files and logs', () => {
    expect(text).toContain('✔ parser  succeeded    1.2s  0 restarts')
    expect(text).toContain('signalbox/parser-1 (1 commit)')
    expect(text).toContain('✘ docs    failed       1.2s  2 restarts')
    expect(text).toContain('kept: /repo.lanes/docs-1')
    expect(text).toContain('a, b, c, d, e and 2 more')
    expect(text).toContain('✘ make-docs  failed       exit 2, 3 attempts')
    expect(text).toContain('log /state/logs/parser/test.1.log')
    expect(text).toContain('- site    skipped')
  })

  it('says a reason once, and ends with the whole and what to do', () => {
    expect(text.match(/gave up after 3 attempts/g)).toHaveLength(1)
    expect(text).toMatch(/✘ failed in 5\.0s: 1 succeeded, 1 failed, 1 skipped {2}\(rn_.*\)\nnext: signalbox why docs$/)
    expect(renderSummary(runSummary(), noPaint).at(-1)).toMatch(/^✔ succeeded in 5\.0s: 1 succeeded/)
  })

  it('breaks a long reason between words on a screen, and nowhere else', () => {
    const reason = `worktree kept: ${'it holds work '.repeat(8).trim()}`
    const long = runSummary({ lanes: [laneSummary({ outcome: 'failed', reason })] })
    expect(renderSummary(long, noPaint)).toContain(`    reason      ${reason}`)
    const shown = renderSummary(long, noPaint, 80).filter((line) => line.includes('work'))
    expect(shown[1]).toMatch(/^ {16}\S/)
    expect(shown.map((line) => line.replace('reason', '').trim()).join(' ')).toContain(reason)
    for (const line of shown) expect(line.length).toBeLessThanOrEqual(80)
  })
})

describe('the list of runs', () => {
  const run: RunRecord = {
    id: RUN,
    plan,
    startedAt: 0,
    endedAt: 5_000,
    outcome: 'failed',
    owner: { pid: 1, startTime: '1', bootId: 'b' },
    lanes: [{ name: 'parser', id: LANE }],
    summary: runSummary({ lanes: [laneSummary({ outcome: 'failed' })] }),
  }
  it('tells ended runs, those that go on, and those whose process died', () => {
    const open = { ...run, endedAt: null, outcome: null, summary: null }
    const lines = renderRuns(
      [
        { run, alive: false },
        { run: open, alive: true },
        { run: open, alive: false },
      ],
      65_000,
      noPaint,
    )
    expect(lines[0]).toMatch(/^rn_\w+ {2}1970-01-01 00:00:00Z {2}✘ failed +5\.0s {2}1 lane, failed: parser$/)
    expect(lines[1]).toMatch(/● running +1m05s/)
    expect(lines[2]).toMatch(/! interrupted/)
  })
  it('says what to do when there are none', () => expect(renderRuns([], 0, noPaint)[0]).toContain('signalbox run PLAN'))
})

describe('the report of doctor', () => {
  it('lists checks with remedies, and what is left with the reason', () => {
    const text = renderDoctor(
      {
        type: 'doctor',
        ok: false,
        checks: [
          { name: 'git', ok: true, detail: '2.43', remedy: 'unused' },
          { name: 'exec-helper', ok: false, detail: 'not built', remedy: 'install gcc' },
          { name: 'cgroups', ok: null, detail: 'not writable', remedy: null },
        ],
        found: [
          { kind: 'process', what: 'pid 7', why: 'carries our mark', action: 'would-remove' },
          { kind: 'worktree', what: '/w', why: 'holds uncommitted work', action: 'left' },
        ],
      },
      noPaint,
    ).join('\n')
    expect(text).toContain('✔ git          2.43\n✘ exec-helper  not built\n               next: install gcc\n- cgroups')
    expect(text).not.toContain('unused')
    expect(text).toContain('process   pid 7\n            carries our mark')
    expect(text).toContain('Not touched: 1 thing\n  worktree  /w\n            holds uncommitted work')
    expect(text).toContain('✘ 1 check failed, 1 thing to remove')
  })
})
