import { describe, expect, it } from 'vitest'
import { type CommandProgress, laneSummary, type LaneActorState, nextMove, settle, withCommand } from '../../../src/actors/lane-state.ts'
import type { Exit } from '../../../src/protocols/exit.ts'
import type { CleaningReport } from '../../../src/protocols/lane.protocol.ts'
import { validatePlan } from '../../../src/protocols/plan-parse.ts'
import type { PlanCommand, RestartType } from '../../../src/protocols/plan.ts'
import type { AttemptResult } from '../../../src/protocols/records.ts'

const specOf = (name: string, restart: RestartType = 'temporary', restarts = 1): PlanCommand => {
  const command = { name, run: 'true', restart, intensity: { restarts, withinMs: 1_000 } }
  const spec = validatePlan({ lanes: { a: { commands: [command] } } }).lanes[0]?.commands[0]
  if (spec === undefined) throw new Error('no command')
  return spec
}
const progress = (spec: PlanCommand, phase: CommandProgress['phase'] = 'waiting'): CommandProgress => ({
  spec,
  terminalId: `tm_${spec.name}`,
  phase,
  attempts: 0,
  last: null,
  outcome: null,
  reason: null,
})
const result = (patch: Partial<AttemptResult> = {}): AttemptResult => ({
  ptyId: 'pt_1',
  attempt: 1,
  exitCode: 0,
  signal: null,
  stopped: false,
  log: '/logs/a.1.log',
  error: null,
  durationMs: 5,
  ...patch,
})

describe('nextMove', () => {
  const a = specOf('a')
  const b = specOf('b')
  const server = specOf('server', 'permanent')

  it('starts the first that waits when all before it have ended [LN-1]', () => {
    expect(nextMove([progress(a, 'ended'), progress(b)])).toMatchObject({ do: 'start', command: { spec: { name: 'b' } } })
    expect(nextMove([progress(a), progress(b)])).toMatchObject({ do: 'start', command: { spec: { name: 'a' } } })
  })

  it.each(['starting', 'running'] as const)('waits while a finite command is %s [LN-1]', (phase) => {
    expect(nextMove([progress(a, phase), progress(b)])).toEqual({ do: 'wait' })
  })

  it('goes on beside a permanent command that runs, not before it has started [LN-1]', () => {
    expect(nextMove([progress(server, 'starting'), progress(a)])).toEqual({ do: 'wait' })
    expect(nextMove([progress(server, 'running'), progress(a)])).toMatchObject({ do: 'start', command: { spec: { name: 'a' } } })
  })

  it('finishes when every finite command has ended, permanent ones or not [LN-1]', () => {
    expect(nextMove([progress(a, 'ended'), progress(b, 'ended')])).toEqual({ do: 'finish' })
    expect(nextMove([progress(server, 'running'), progress(a, 'ended')])).toEqual({ do: 'finish' })
    expect(nextMove([progress(a, 'ended'), progress(server, 'running')])).toEqual({ do: 'finish' })
  })

  it('never finishes by itself where all are permanent [LN-1]', () => {
    expect(nextMove([progress(server, 'running')])).toEqual({ do: 'wait' })
  })
})

describe('settle', () => {
  const shutdown: Exit = { reason: 'shutdown' }
  const escalated: Exit = { reason: 'escalated' }
  const startFailed: Exit = { reason: 'init_failed', error: { code: 'ERR_PTY_COMMAND_NOT_FOUND', message: 'no such command', context: {} } }
  const by = (restart: RestartType, last: AttemptResult | null, exit: Exit, stopping: boolean) =>
    settle(progress(specOf('c', restart, 2), 'running'), 3, last, exit, stopping)

  it.each([
    ['temporary', 'succeeded', null],
    ['transient', 'succeeded', null],
    ['permanent', 'failed', 'gave up after 3 attempts (allowed: 2 restarts within 1 s); last: exit code 0'],
  ] as const)('takes exit code 0 of a %s command as %s [SUP-3]', (restart, outcome, reason) => {
    expect(by(restart, result(), restart === 'permanent' ? escalated : shutdown, false)).toMatchObject({
      phase: 'ended',
      attempts: 3,
      outcome,
      reason,
    })
  })

  it('says what ended a command that failed [SUP-9]', () => {
    expect(by('temporary', result({ exitCode: 3 }), shutdown, false)).toMatchObject({ outcome: 'failed', reason: 'exit code 3' })
    expect(by('temporary', result({ exitCode: null, signal: 'SIGSEGV' }), shutdown, false)).toMatchObject({ reason: 'ended by SIGSEGV' })
    expect(by('transient', result({ exitCode: 3 }), escalated, false).reason).toBe(
      'gave up after 3 attempts (allowed: 2 restarts within 1 s); last: exit code 3',
    )
    const error = { code: 'ERR_PTY_CWD_NOT_FOUND', message: 'its directory is gone', context: {} } as const
    expect(by('temporary', result({ exitCode: null, error }), shutdown, false).reason).toBe('its directory is gone')
  })

  it('names the singular in one restart [SUP-9]', () => {
    expect(settle(progress(specOf('c', 'transient', 1), 'running'), 2, result({ exitCode: 1 }), escalated, false).reason).toContain(
      '1 restart within',
    )
  })

  it.each([
    ['temporary', 'interrupted'],
    ['transient', 'interrupted'],
    ['permanent', 'stopped'],
  ] as const)('takes the end of a %s command of a lane that stops as %s [LN-6]', (restart, outcome) => {
    for (const last of [result(), result({ exitCode: 1 }), result({ exitCode: null, signal: 'SIGTERM', stopped: true }), null])
      expect(by(restart, last, shutdown, true)).toMatchObject({ outcome, reason: null })
  })

  it('takes a stop that came while the process was starting as a stop, a start that failed as a failure [PTY-3]', () => {
    expect(by('temporary', null, startFailed, true)).toMatchObject({ outcome: 'interrupted' })
    const error = { code: 'ERR_PTY_COMMAND_NOT_FOUND', message: 'no such command', context: {} } as const
    expect(by('temporary', result({ exitCode: null, error }), startFailed, true)).toMatchObject({
      outcome: 'failed',
      reason: 'no such command',
    })
    expect(by('temporary', null, startFailed, false)).toMatchObject({ outcome: 'failed', reason: 'no such command' })
    expect(by('permanent', result({ exitCode: null, error, stopped: true }), startFailed, true)).toMatchObject({ outcome: 'stopped' })
  })
})

describe('laneSummary', () => {
  const plan = validatePlan({
    lanes: {
      a: {
        commands: [
          { name: 'one', run: 'true' },
          { name: 'two', run: 'true' },
        ],
      },
    },
  })
  const report: CleaningReport = { kept: false, branchDeleted: true, commits: 0, uncommitted: [], reason: null }
  const [lane] = plan.lanes
  if (lane === undefined) throw new Error('no lane')
  const state = {
    record: { id: 'ln_1', name: 'a', worktree: { path: '/lanes/a', branch: 'signalbox/a', baseCommit: 'c0' } },
    commands: lane.commands.map((spec) => progress(spec)),
    verdict: { outcome: 'failed', reason: 'one: exit code 1' },
  } as unknown as LaneActorState

  it('names the worktree and branch only where they stay, and both reasons [LN-6][LN-7]', () => {
    expect(laneSummary(state, report, 12)).toMatchObject({ durationMs: 12, branch: null, worktree: null, reason: 'one: exit code 1' })
    const kept = { ...report, kept: true, branchDeleted: false, uncommitted: ['x'], reason: 'worktree kept: it holds 1 uncommitted file' }
    expect(laneSummary(state, kept, 12)).toMatchObject({
      branch: 'signalbox/a',
      worktree: '/lanes/a',
      uncommitted: ['x'],
      reason: 'one: exit code 1; worktree kept: it holds 1 uncommitted file',
    })
  })

  it('shows a command that never ran as skipped, or interrupted with its lane, without a log [LN-1]', () => {
    const ran = withCommand(state, 'one', {
      phase: 'ended',
      attempts: 1,
      last: result({ exitCode: 1 }),
      outcome: 'failed',
      reason: 'exit code 1',
    })
    const failed = laneSummary(ran, report, 1).commands
    expect(failed).toEqual([
      { name: 'one', outcome: 'failed', exitCode: 1, signal: null, attempts: 1, log: '/logs/a.1.log', reason: 'exit code 1' },
      { name: 'two', outcome: 'skipped', exitCode: null, signal: null, attempts: 0, log: null, reason: null },
    ])
    const interrupted = laneSummary({ ...ran, verdict: { outcome: 'interrupted', reason: 'x' } }, report, 1).commands
    expect(interrupted[1]).toMatchObject({ name: 'two', outcome: 'interrupted' })
  })

  it('names no log of an attempt that never started [PTY-3]', () => {
    const error = { code: 'ERR_PTY_COMMAND_NOT_FOUND', message: 'no', context: {} } as const
    const never = withCommand(state, 'one', {
      phase: 'ended',
      attempts: 1,
      last: result({ exitCode: null, error }),
      outcome: 'failed',
      reason: 'no',
    })
    expect(laneSummary(never, report, 1).commands[0]).toMatchObject({ log: null, exitCode: null })
  })

  it('takes a lane without a verdict as failed: nobody knows how it ended [SUP-9]', () => {
    expect(laneSummary({ ...state, verdict: null }, report, 1)).toMatchObject({ outcome: 'failed', reason: null })
  })
})
