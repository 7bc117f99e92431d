import type { ErrorCode } from '../../src/protocols/error-catalogue.ts'
import type { ControlMethod } from '../../src/protocols/control/methods.ts'

/** What the page of methods says of each beside its schema. Examples are carried out in this order by a test, and their answers compared in shape. */
export type MethodPage = {
  readonly method: ControlMethod
  readonly text: string
  readonly errors: readonly ErrorCode[]
  readonly params: Readonly<Record<string, unknown>>
  readonly result: unknown
}

const LANE_ID = 'ln_01KAJ7Q8ZC3K6Q4WZP2J9ZC3K6'
const TERMINAL_ID = 'tm_01KAJ7Q9ZC3K6Q4WZP2J9ZC3K6'
const RUN_ID = 'rn_01KAJ7QAZC3K6Q4WZP2J9ZC3K6'
const COMMIT = '4f0c0b6e1d6e5a4c8f2d9b7a6c5e4d3f2a1b0c9d'

const lane = {
  id: LANE_ID,
  name: 'docs',
  runId: null,
  state: 'ready',
  worktree: '/srv/project.lanes/docs-2j9zc3k6',
  branch: 'signalbox/docs-2j9zc3k6',
  baseCommit: COMMIT,
  createdAt: 1_790_000_000_000,
  endedAt: null,
  summary: null,
}
const terminal = {
  id: TERMINAL_ID,
  name: 'shell',
  laneId: LANE_ID,
  lane: 'docs',
  runId: null,
  ptyId: 'pt_01KAJ7QBZC3K6Q4WZP2J9ZC3K6',
  state: 'active',
  attempts: 1,
  argv: ['/bin/sh'],
  cwd: '/srv/project.lanes/docs-2j9zc3k6',
  pid: 4711,
  cols: 120,
  rows: 30,
  outputBytes: 2,
  startedAt: 1_790_000_001_000,
  endedAt: null,
  exitCode: null,
  signal: null,
  error: null,
  log: `/srv/.local/state/signalbox/ws_01K…/logs/${LANE_ID}/shell.1.log`,
}
const run = {
  id: RUN_ID,
  startedAt: 1_790_000_002_000,
  endedAt: null,
  outcome: null,
  pid: 4700,
  isAlive: true,
  lanes: [{ name: 'build', id: 'ln_01KAJ7QCZC3K6Q4WZP2J9ZC3K6' }],
  summary: null,
}
const node = {
  name: 'root',
  kind: 'supervisor',
  incarnation: 1,
  state: 'running',
  mailbox: { now: 0, max: 10_000 },
  restarts: 0,
  children: [],
}

export const METHOD_PAGES: readonly MethodPage[] = [
  {
    method: 'hello',
    text: 'The first request of every connection. The orchestrator chooses a version of the protocol that both speak.',
    errors: ['ERR_CONTROL_VERSION'],
    params: { protocols: [1], client: 'my program' },
    result: { protocol: 1, version: '0.1.0', pid: 4700, workspaceId: 'ws_01KAJ7Q0ZC3K6Q4WZP2J9ZC3K6' },
  },
  {
    method: 'status',
    text: 'The orchestrator, and how many lanes, terminals, runs and clients it has.',
    errors: ['ERR_STORE_FAILED'],
    params: {},
    result: {
      pid: 4700,
      version: '0.1.0',
      workspaceId: 'ws_01KAJ7Q0ZC3K6Q4WZP2J9ZC3K6',
      stateDirectory: '/srv/.local/state/signalbox/ws_01K…',
      startedAt: 1_789_999_999_000,
      state: 'running',
      counts: { lanes: 0, terminals: 0, runs: 0, clients: 1 },
    },
  },
  {
    method: 'lane.create',
    text: 'Makes a lane of its own: a worktree and branch, kept until it is removed. Answered once its worktree is there.',
    errors: [
      'ERR_LANE_EXISTS',
      'ERR_PLAN_INVALID',
      'ERR_WORKTREE_BASE_NOT_FOUND',
      'ERR_LANE_COPY_FAILED',
      'ERR_DISK_FULL',
      'ERR_RUNTIME_CLOSED',
    ],
    params: { name: 'docs', base: 'main' },
    result: { lane },
  },
  { method: 'lane.list', text: 'Lanes, also those of runs.', errors: ['ERR_STORE_FAILED'], params: {}, result: { lanes: [lane] } },
  {
    method: 'terminal.spawn',
    text: 'Opens a terminal in a lane of its own. A name whose command has ended gets the same terminal again. Answered once its process runs.',
    errors: [
      'ERR_LANE_NOT_FOUND',
      'ERR_LANE_NOT_READY',
      'ERR_TERMINAL_EXISTS',
      'ERR_PLAN_INVALID',
      'ERR_PTY_COMMAND_NOT_FOUND',
      'ERR_PTY_SPAWN_FAILED',
    ],
    params: { lane: 'docs', name: 'shell', command: ['/bin/sh'] },
    result: { terminal },
  },
  {
    method: 'lane.get',
    text: 'A lane and its terminals.',
    errors: ['ERR_LANE_NOT_FOUND'],
    params: { lane: 'docs' },
    result: { lane: { ...lane, state: 'running' }, terminals: [terminal] },
  },
  {
    method: 'terminal.list',
    text: 'Terminals, also those of runs.',
    errors: ['ERR_LANE_NOT_FOUND'],
    params: { lane: 'docs' },
    result: { terminals: [terminal] },
  },
  {
    method: 'terminal.get',
    text: 'A terminal, by its last attempt.',
    errors: ['ERR_TERMINAL_NOT_FOUND'],
    params: { terminal: 'docs/shell' },
    result: { terminal },
  },
  {
    method: 'terminal.send',
    text: 'Types into a terminal: text, or bytes as base64. Answered once the kernel has it.',
    errors: ['ERR_TERMINAL_NOT_FOUND', 'ERR_PTY_ENDED', 'ERR_PTY_INPUT_FULL'],
    params: { terminal: 'docs/shell', text: 'make docs\n' },
    result: { sent: 10 },
  },
  {
    method: 'terminal.resize',
    text: 'Sets the size. Of several who are attached, the last one who came or resized decides; when that one leaves, the one before.',
    errors: ['ERR_TERMINAL_NOT_FOUND', 'ERR_PTY_ENDED'],
    params: { terminal: 'docs/shell', cols: 100, rows: 40 },
    result: { cols: 100, rows: 40 },
  },
  {
    method: 'terminal.signal',
    text: 'Sends a signal to the process group of a terminal.',
    errors: ['ERR_TERMINAL_NOT_FOUND', 'ERR_PTY_ENDED', 'ERR_CONTROL_PAYLOAD_INVALID'],
    params: { terminal: 'docs/shell', signal: 'SIGINT' },
    result: {
      delivery: {
        at: 1_790_000_003_000,
        signal: 'SIGINT',
        target: { pid: 4711, scope: 'group' },
        askedBy: 'my program',
        outcome: 'delivered',
      },
    },
  },
  {
    method: 'terminal.logs',
    text: 'The end of the log of a terminal, as base64.',
    errors: ['ERR_TERMINAL_NOT_FOUND', 'ERR_LOG_FAILED'],
    params: { terminal: 'docs/shell', tailBytes: 1_000 },
    result: { path: terminal.log, size: 2, from: 0, bytes: 'JCA=' },
  },
  {
    method: 'terminal.attach',
    text: 'Attaches the connection to a terminal: after the answer it carries frames instead of lines (see below).',
    errors: ['ERR_TERMINAL_NOT_FOUND', 'ERR_PTY_ENDED'],
    params: { terminal: 'docs/shell', cols: 100, rows: 40 },
    result: { terminal: { ...terminal, cols: 100, rows: 40 }, windowBytes: 262_144 },
  },
  {
    method: 'terminal.kill',
    text: 'Ends the process of a terminal: SIGTERM, then SIGKILL after the grace. In a lane of its own the terminal ends with it; of a run, its supervisor decides. Answered once it has ended.',
    errors: ['ERR_TERMINAL_NOT_FOUND'],
    params: { terminal: 'docs/shell', graceMs: 100 },
    result: { terminal: { ...terminal, state: 'stopped', pid: null } },
  },
  {
    method: 'lane.remove',
    text: 'Ends what runs in a lane of its own and removes its worktree. Refuses, and ends nothing, while it holds uncommitted files; commits stay on its branch.',
    errors: ['ERR_LANE_NOT_FOUND', 'ERR_LANE_NOT_READY', 'ERR_WORKTREE_DIRTY'],
    params: { lane: 'docs' },
    result: {
      summary: {
        name: 'docs',
        id: LANE_ID,
        outcome: 'succeeded',
        durationMs: 4_200,
        branch: null,
        commits: 0,
        uncommitted: [],
        worktree: null,
        reason: null,
        commands: [{ name: 'shell', outcome: 'stopped', exitCode: null, signal: 'SIGKILL', attempts: 1, log: terminal.log, reason: null }],
      },
    },
  },
  {
    method: 'runs.start',
    text: 'Starts a run of a plan; answered once it has begun.',
    errors: ['ERR_PLAN_SYNTAX', 'ERR_PLAN_UNKNOWN_KEY', 'ERR_PLAN_INVALID', 'ERR_RUNTIME_CLOSED'],
    params: { plan: 'lanes: { build: { commands: [sleep 60] } }', keep: 'never' },
    result: { runId: RUN_ID },
  },
  { method: 'runs.list', text: 'Runs, the oldest first.', errors: ['ERR_STORE_FAILED'], params: { limit: 10 }, result: { runs: [run] } },
  {
    method: 'runs.get',
    text: 'A run; of one that goes on also its lanes and commands as they are now.',
    errors: ['ERR_RUN_NOT_FOUND'],
    params: { run: 'latest' },
    result: { run, view: null },
  },
  {
    method: 'runs.stop',
    text: 'Asks a run to stop; with `kill` its processes get no grace. Answered at once.',
    errors: ['ERR_RUN_NOT_FOUND'],
    params: { run: 'latest' },
    result: { runId: RUN_ID },
  },
  { method: 'tree.get', text: 'The supervision tree as it is now.', errors: [], params: {}, result: { tree: node } },
  {
    method: 'actor.info',
    text: 'One actor as it is now. Its handlers are timed from the first look on.',
    errors: ['ERR_ACTOR_NOT_FOUND'],
    params: { name: 'journal' },
    result: {
      name: 'journal',
      incarnation: 1,
      kind: 'journal',
      supervisor: 'infrastructure',
      state: 'running',
      upMs: 4_200,
      mailbox: { now: 0, most: 1, limit: 10_000, dropped: 0, oldestMs: null },
      handled: 40,
      handling: null,
      handlers: {
        forMs: 0,
        count: 0,
        sumMs: 0,
        maxMs: 0,
        p50Ms: 0,
        p95Ms: 0,
        p99Ms: 0,
        histogram: [],
        recent: { forMs: 0, perSecond: 0, busy: 0 },
      },
      restarts: 0,
      window: { used: 0, allowed: 3, withinMs: 60_000 },
      childWindow: null,
      lastExit: null,
    },
  },
  {
    method: 'dead-letters.list',
    text: 'Messages between actors that nobody took: the last 256, the oldest first.',
    errors: [],
    params: {},
    result: { letters: [] },
  },
  {
    method: 'doctor',
    text: 'What `signalbox doctor` says; nothing is changed.',
    errors: [],
    params: {},
    result: { report: { type: 'doctor', ok: true, checks: [], found: [] } },
  },
  {
    method: 'events.subscribe',
    text: 'What happens from now on, or from an earlier position on: each event comes as a line with this `subscription`. A client that does not read gets a `gap` instead of what the orchestrator could not keep for it.',
    errors: ['ERR_BUS_TOPIC_INVALID'],
    params: { topics: ['lane.*'], since: 1 },
    result: { subscription: 's1' },
  },
  { method: 'events.unsubscribe', text: 'Ends a subscription of this connection.', errors: [], params: { subscription: 's1' }, result: {} },
  {
    method: 'orchestrator.stop',
    text: 'Ends everything that the orchestrator runs, phase by phase, each told as `progress`; lanes of their own stay. Answered at the end; then the connection ends.',
    errors: [],
    params: { mode: 'close' },
    result: { phases: [{ phase: 'accepting', tookMs: 0, late: [] }] },
  },
]
