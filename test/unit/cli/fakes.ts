import type { FiledDossier } from '../../../src/runtime/inspection.ts'
import { PassThrough } from 'node:stream'
import type { Io, Output } from '../../../src/cli/io.ts'
import { type Paint, painter } from '../../../src/cli/paint.ts'
import type { RecordedEvent } from '../../../src/protocols/events.ts'
import type { LaneId, RunId } from '../../../src/protocols/ids.ts'
import type { CommandSummary, LaneSummary, RunSummary } from '../../../src/protocols/summary.ts'
import type { CommandView, LaneView } from '../../../src/protocols/view.ts'

export const RUN: RunId = 'rn_01J9ZC3K6Q4WZP2J9ZC3K6Q4WZ'
export const LANE: LaneId = 'ln_01J9ZC3K6Q4WZP2J9ZC3K6Q4WZ'
export const noPaint: Paint = painter(false)

export type Captured = Output & { readonly text: () => string }
export const captured = (options: { isTTY?: boolean; columns?: number; rows?: number } = {}): Captured => {
  const stream = new PassThrough()
  let text = ''
  stream.on('data', (part: Buffer) => {
    text += part.toString('utf8')
  })
  return Object.assign(stream, options, { text: () => text })
}

export type FakeIo = Io & { readonly out: Captured; readonly err: Captured }
export const fakeIo = (
  options: { cwd?: string; env?: NodeJS.ProcessEnv; isTTY?: boolean; columns?: number; rows?: number } = {},
): FakeIo => {
  const { cwd = '/nowhere', env = {}, ...screen } = options
  return { out: captured(screen), err: captured(), env, cwd }
}

export const commandView = (patch: Partial<CommandView> = {}): CommandView => ({
  name: 'test',
  state: 'waiting',
  startedAt: null,
  endedAt: null,
  attempts: 0,
  restarts: 0,
  allowed: { restarts: 3, withinMs: 60_000 },
  lastLine: '',
  outcome: null,
  exitCode: null,
  signal: null,
  ...patch,
})

export const laneView = (patch: Partial<LaneView> = {}): LaneView => ({
  name: 'parser',
  id: LANE,
  state: 'running',
  outcome: null,
  startedAt: 0,
  endedAt: null,
  waitingFor: [],
  commands: [commandView()],
  ...patch,
})

export const commandSummary = (patch: Partial<CommandSummary> = {}): CommandSummary => ({
  name: 'test',
  outcome: 'succeeded',
  exitCode: 0,
  signal: null,
  attempts: 1,
  log: '/state/logs/parser/test.1.log',
  reason: null,
  ...patch,
})

export const laneSummary = (patch: Partial<LaneSummary> = {}): LaneSummary => ({
  name: 'parser',
  id: LANE,
  outcome: 'succeeded',
  durationMs: 1_234,
  branch: null,
  commits: 0,
  uncommitted: [],
  worktree: null,
  reason: null,
  commands: [commandSummary()],
  ...patch,
})

export const runSummary = (patch: Partial<RunSummary> = {}): RunSummary => ({
  type: 'summary',
  runId: RUN,
  ok: true,
  outcome: 'succeeded',
  durationMs: 5_000,
  lanes: [laneSummary()],
  ...patch,
})

let sequence = 0
export const recorded = (type: string, at: number, payload: Record<string, unknown>): RecordedEvent => ({
  type,
  at,
  payload,
  runId: RUN,
  laneId: LANE,
  sequence: ++sequence,
  topicSequence: sequence,
  workspaceId: 'ws_01J9ZC3K6Q4WZP2J9ZC3K6Q4WZ',
})

/** A dossier of a command that failed. */
export const fakeDossier = (patch: Partial<FiledDossier> = {}): FiledDossier => ({
  type: 'crash',
  id: '20260101T000000000Z-pty-tm_1-2',
  at: Date.UTC(2026, 0, 1),
  runId: RUN,
  laneId: LANE,
  terminalId: 'tm_1',
  actor: { name: 'pty:tm_1', incarnation: 2, kind: 'pty' },
  lane: 'parser',
  command: 'test',
  exit: { reason: 'crashed' },
  handling: { type: '$exited', from: null, message: null },
  state: null,
  history: [{ at: 1, type: 'add', from: null, lane: 'user', message: null }],
  decision: {
    supervisor: 'terminal:tm_1',
    decision: 'restart',
    reason: null,
    restarts: 1,
    waits: 0,
    allowed: { restarts: 3, withinMs: 60_000 },
    delayMs: 200,
    group: [],
  },
  process: {
    attempt: 2,
    pid: 42,
    argv: ['make', 'test'],
    cwd: '/lanes/parser',
    exitCode: 3,
    signal: null,
    error: null,
    finding: null,
    durationMs: 1_500,
    signals: [],
    survivors: [],
    outputBytes: 9,
    lastLines: ['it failed \u001b[31mhere'],
    log: '/logs/test.2.log',
    usage: { at: 1, rssBytes: 5_000_000, peakRssBytes: 12_300_000, cpuMs: 700, fds: 4 },
  },
  resources: { orchestrator: { at: 1, rssBytes: 1, peakRssBytes: 2, cpuMs: 3, fds: null }, freeMemoryBytes: 4_000_000_000, load1: 0.5 },
  lost: 0,
  file: '/state/crashes/20260101T000000000Z-pty-tm_1-2.json',
  ...patch,
})
