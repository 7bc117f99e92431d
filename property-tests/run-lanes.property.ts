import fc from 'fast-check'
import { expect } from 'vitest'
import { EventHub } from '../src/actors/event-hub.ts'
import { namedRun, RUNS, terminalsName } from '../src/actors/names.ts'
import { recoverLanes, recoverRuns } from '../src/actors/run-recovery.ts'
import type { LaneArgs, Services } from '../src/actors/services.ts'
import { createMemoryStore } from '../src/adapters/memory/memory-store.adapter.ts'
import { SeededScheduler } from '../src/adapters/schedulers/seeded-scheduler.adapter.ts'
import type { Pty, PtyExit, PtySpec, TerminalHost } from '../src/ports/terminal-host.port.ts'
import type { RecordedEvent } from '../src/protocols/events.ts'
import type { PtyId } from '../src/protocols/ids.ts'
import { createIdFactory } from '../src/protocols/id-factory.ts'
import { validatePlan } from '../src/protocols/plan-parse.ts'
import type { Plan, RestartType } from '../src/protocols/plan.ts'
import type { LaneSummary, Outcome, RunSummary } from '../src/protocols/summary.ts'
import { recordedOf } from '../src/runtime/recorded.ts'
import { laneTree } from '../src/supervisors/lane.tree.ts'
import { rootTree, runTree } from '../src/supervisors/root.tree.ts'
import { startSystem } from '../src/supervisors/system.ts'
import { terminalTree } from '../src/supervisors/terminal.tree.ts'
import { note } from '../src/testing/recording.ts'
import { type Property, property } from '../src/testing/property.ts'
import { createSaboteur, type Saboteur } from '../test/integration/run/crash-kit.ts'
import { FakeWorktrees } from '../test/fakes/worktrees.fake.ts'
import type { Planted, Proven } from './proven.ts'

const DRAWN = 100

/** Lanes of a run keep their work in their worktrees. */
const unused = (): never => {
  throw new Error('a lane of a run saves nothing')
}
const NO_RECOVERY: Services['recovery'] = { check: unused, putAway: unused, restore: unused, abandon: unused, list: unused, forget: unused }

/** What a command does: each attempt lives this long and exits with this code; a permanent one lives until it is stopped. */
type Script = { readonly restart: RestartType; readonly restarts: number; readonly exits: readonly number[]; readonly livesMs: number }
type Scenario = {
  readonly seed: number
  readonly parallel: number
  /** Per lane: its commands, and which of the lanes before it must have succeeded. */
  readonly lanes: readonly { readonly scripts: readonly Script[]; readonly after: readonly number[] }[]
}

const script: fc.Arbitrary<Script> = fc.record({
  restart: fc.constantFrom<RestartType>('temporary', 'transient', 'permanent'),
  restarts: fc.integer({ min: 0, max: 3 }),
  exits: fc.array(fc.constantFrom(0, 0, 1), { minLength: 1, maxLength: 5 }),
  livesMs: fc.integer({ min: 0, max: 50 }),
})
const finite = script.map((one) => (one.restart === 'permanent' ? { ...one, restart: 'temporary' as const } : one))
const scenarios: fc.Arbitrary<Scenario> = fc.record({
  seed: fc.integer(),
  parallel: fc.integer({ min: 1, max: 3 }),
  lanes: fc
    .array(
      fc.record({ scripts: fc.tuple(fc.array(script, { maxLength: 2 }), finite), after: fc.array(fc.nat({ max: 4 }), { maxLength: 2 }) }),
      {
        minLength: 1,
        maxLength: 5,
      },
    )
    .map((lanes) =>
      lanes.map(({ scripts: [some, last], after }, index) => ({
        scripts: [...some, last],
        after: [...new Set(after)].filter((other) => other < index),
      })),
    ),
})

const planOf = ({ lanes, parallel }: Scenario): Plan =>
  validatePlan({
    keep: 'never',
    parallel,
    lanes: Object.fromEntries(
      lanes.map(({ scripts, after }, lane) => [
        `l${lane}`,
        {
          base: 'main',
          after: after.map((other) => `l${other}`),
          commands: scripts.map(({ restart, restarts }, command) => ({
            name: `c${command}`,
            run: [String(lane), String(command)],
            restart,
            intensity: { restarts, withinMs: 60_000 },
            backoff: { minMs: 10, maxMs: 20 },
          })),
        },
      ]),
    ),
  })

/** Programs that do as their scripts say. */
class ScriptedTerminals implements TerminalHost {
  readonly alive = new Map<string, Pty>()
  readonly #attempts = new Map<string, number>()
  readonly #scheduler: SeededScheduler
  readonly #scenario: Scenario

  constructor(scheduler: SeededScheduler, scenario: Scenario) {
    this.#scheduler = scheduler
    this.#scenario = scenario
  }

  async spawn({ ptyId, argv }: PtySpec): Promise<Pty> {
    const key = argv.join('/')
    const attempt = (this.#attempts.get(key) ?? 0) + 1
    this.#attempts.set(key, attempt)
    const [lane = 0, command = 0] = argv.map(Number)
    const does = this.#scenario.lanes[lane]?.scripts[command]
    const { promise, resolve } = Promise.withResolvers<PtyExit>()
    const end = (exitCode: number | null, signal: string | null): Promise<PtyExit> => {
      this.alive.delete(ptyId)
      resolve({ exitCode, signal, outputBytes: 0, survivors: [], logGap: false })
      return promise
    }
    if (does !== undefined && does.restart !== 'permanent')
      this.#scheduler.clock.setTimer(does.livesMs, () => void end(does.exits[Math.min(attempt, does.exits.length) - 1] ?? 0, null))
    const pty: Pty = {
      ptyId,
      identity: { pid: 1, startTime: '1', bootId: 'b' },
      exited: promise,
      write: () => Promise.resolve(),
      receipt: () => Promise.resolve({ state: 'unknown', appliedBytes: 0, offset: null }),
      waiting: () => Promise.resolve('unknown'),
      resize: () => Promise.resolve(),
      read: () => ({ [Symbol.asyncIterator]: () => ({ next: () => Promise.resolve({ done: true, value: undefined }) }) }),
      tail: () => Promise.resolve(new Uint8Array()),
      preview: () => new Uint8Array(),
      text: () => Promise.reject(new Error('nothing is read here')),
      search: () => Promise.reject(new Error('nothing is read here')),
      snapshot: () => Promise.reject(new Error('nothing is drawn here')),
      signal: (name, askedBy) =>
        Promise.resolve({ at: 0, signal: name, target: { pid: 1, scope: 'group' }, askedBy, outcome: 'delivered' }),
      terminate: () => end(null, 'SIGTERM'),
      signals: () => Promise.resolve([]),
      onOutput: () => undefined,
      onPressure: () => undefined,
      stats: () => ({ outputBytes: 0, lastOutputAt: null, inputBytes: 0, inputQueuedBytes: 0, cols: 80, rows: 24 }),
      release: () => undefined,
    }
    this.alive.set(ptyId, pty)
    return pty
  }

  starts = (command: string): number => this.#attempts.get(command) ?? 0
  get = (ptyId: string): Pty | undefined => this.alive.get(ptyId)
  list = (): readonly Pty[] => [...this.alive.values()]
  close = (): Promise<void> => Promise.resolve()
}

type Trace = {
  readonly events: readonly RecordedEvent[]
  readonly summary: RunSummary
  readonly terminals: ScriptedTerminals
  readonly worktrees: FakeWorktrees
}

type Crash =
  | { readonly kind: 'run' | 'lane' | 'pty'; readonly atMs: number }
  | { readonly kind: 'runs' | 'lanes' | 'terminals'; readonly how: 'crashed' | 'killed'; readonly atMs: number }
type Disturbance = { readonly stopAtMs?: number | null; readonly crashes?: readonly Crash[] }

/** A bug, planted into what the actors are given: the same as if they did it. */
type Bug = {
  readonly name: string
  readonly plan?: (plan: Plan) => Plan
  readonly worktrees?: () => FakeWorktrees
  readonly terminals?: typeof ScriptedTerminals
  /** Where actors look for what their dead predecessors had started. */
  readonly unrecorded?: () => Services['unrecorded']
}
const NO_BUG: Bug = { name: 'set up as with a bug, but without one', plan: (plan) => ({ ...plan }) }

const crashIfAlive = (saboteur: Saboteur, crash: Crash): void => {
  try {
    if (!('how' in crash)) saboteur.crash(crash.kind)
    else if (crash.kind !== 'terminals') saboteur.crashSupervisor(crash.kind, crash.how)
    else {
      const lane = saboteur.started('lane').at(-1)
      if (lane !== undefined) saboteur.crashSupervisor(terminalsName((lane.args as LaneArgs).laneId), crash.how)
    }
  } catch {
    // None has started yet, or the newest has ended.
  }
}

/** Runs a scenario under the seeded scheduler; `stopAtMs` stops it then, each crash hits the newest actor of its kind. */
const simulate = async (scenario: Scenario, bug: Bug, { stopAtMs = null, crashes = [] }: Disturbance = {}): Promise<Trace> => {
  const scheduler = new SeededScheduler(scenario.seed)
  const { clock, random } = scheduler
  const ids = createIdFactory({ clock, random })
  const terminals = new (bug.terminals ?? ScriptedTerminals)(scheduler, scenario)
  const worktrees = bug.worktrees?.() ?? new FakeWorktrees()
  const events: RecordedEvent[] = []
  const failures: unknown[] = []
  const saboteur = createSaboteur()
  let stoppedBy: string | null = null
  const runId = ids.next('run')
  const workspaceId = ids.next('workspace')
  const plan = bug.plan?.(planOf(scenario)) ?? planOf(scenario)
  const services: Services = {
    workspaceId,
    worktrees,
    recovery: NO_RECOVERY,
    terminals,
    unrecorded: bug.unrecorded?.() ?? new Map(),
    opened: new Map(),
    output: { follow: () => undefined, end: () => undefined },
    health: { follow: () => undefined, look: () => Promise.resolve(), of: () => null, close: () => undefined },
    newId: (kind) => ids.next(kind),
    baseEnv: {},
    lanesDirectory: '/fake/lanes',
    logsDirectory: '/fake/logs',
    respawnsLost: false,
    logMaxBytes: 65_536,
    branchPrefix: 'signalbox/',
    owner: { pid: 1, startTime: '1', bootId: 'b' },
    isKilled: () => false,
    stopAskedBy: () => stoppedBy,
    memoryKills: () => null,
    trees: { lane: (args) => saboteur.tree(laneTree(args)), terminal: (args) => saboteur.tree(terminalTree(args)) },
  }
  const hub = new EventHub(() => clock.now())
  recordedOf(
    hub,
    workspaceId,
  )((event) => {
    events.push(event)
    note(`${clock.monotonic()} ms  ${event.type} ${JSON.stringify(event.payload)}`)
  })
  const runSpec = () => saboteur.tree(runTree({ services, runId, plan }))
  const system = await startSystem({
    scheduler,
    clock,
    random,
    root: rootTree({
      journal: {
        open: () => Promise.resolve(createMemoryStore({ workspaceId })),
        onFailure: (error) => void failures.push(error),
      },
      bus: { hub, link: null },
      recover: {
        lanes: (ctx) => recoverLanes(ctx, services, [runId]),
        runs: (ctx) => recoverRuns(ctx, [runId], runSpec),
      },
    }),
  })
  await system.ask(RUNS, 'supervisor.start-child', { spec: runSpec() }, { timeoutMs: 60_000 })
  if (stopAtMs !== null)
    clock.setTimer(stopAtMs, () => {
      stoppedBy = 'the test'
      system.tell(namedRun(runId), 'run.stop', { by: stoppedBy })
    })
  const ended = (): RecordedEvent | undefined => events.find(({ type }) => type === 'run.ended')
  for (const crash of crashes) clock.setTimer(crash.atMs, () => crashIfAlive(saboteur, crash))
  for (let steps = 0; ended() === undefined && steps < 5_000; steps += 1) await scheduler.step()
  const summary = ended()?.payload['summary'] as RunSummary | undefined
  await system.stop()
  expect(failures).toEqual([])
  expect(system.deadLetters().filter(({ reason, type }) => reason === 'poison' && type !== '$planted')).toEqual([])
  if (summary === undefined) throw new Error('the run did not end')
  return { events, summary, terminals, worktrees }
}

/** What must come out, by the rules of the plan alone. */
const expected = ({ lanes }: Scenario): { outcome: Outcome; commands: { outcome: string; attempts: number }[] }[] => {
  const results: { outcome: Outcome; commands: { outcome: string; attempts: number }[] }[] = []
  for (const { scripts, after } of lanes) {
    let outcome: Outcome = after.every((other) => results[other]?.outcome === 'succeeded') ? 'succeeded' : 'skipped'
    const commands = scripts.map(({ restart, restarts, exits }) => {
      if (outcome !== 'succeeded') return { outcome: 'skipped', attempts: 0 }
      if (restart === 'permanent') return { outcome: 'stopped', attempts: 1 }
      const allowed = restart === 'temporary' ? 1 : restarts + 1
      const tried = Array.from({ length: allowed }, (_, index) => exits[Math.min(index + 1, exits.length) - 1])
      const success = tried.indexOf(0)
      if (success === -1) outcome = 'failed'
      return success === -1 ? { outcome: 'failed', attempts: allowed } : { outcome: 'succeeded', attempts: success + 1 }
    })
    results.push({ outcome, commands })
  }
  return results
}

const shape = ({ outcome, commands }: LaneSummary) => ({
  outcome,
  commands: commands.map((command) => ({ outcome: command.outcome, attempts: command.attempts })),
})

/** What holds of every run, stopped or not. */
const expectSound = async ({ events, summary, terminals, worktrees }: Trace, { lanes, parallel }: Scenario): Promise<void> => {
  expect([...terminals.alive.keys()]).toEqual([])
  expect((await worktrees.list()).filter(({ main }) => !main)).toEqual([])
  expect(await worktrees.branches('signalbox/')).toEqual([])
  expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, index) => index + 1))
  const ends = events.filter(({ type }) => type === 'lane.ended').map(({ payload }) => String(payload['name']))
  expect([...ends].sort()).toEqual(summary.lanes.map(({ name }) => name).sort())
  const running = new Set<unknown>()
  const over = new Set<unknown>()
  for (const { type, payload } of events) {
    const name = payload['name']
    if (type === 'lane.created') {
      running.add(name)
      for (const other of lanes[Number(String(name).slice(1))]?.after ?? []) expect(over).toContain(`l${other}`)
    }
    if (type === 'lane.ended') running.delete(name)
    if (type === 'lane.ended') over.add(name)
    expect(running.size).toBeLessThanOrEqual(parallel)
  }
}

const runProperty = <T>(
  title: string,
  drawn: fc.Arbitrary<T>,
  holds: (bug: Bug, scenario: T) => Promise<void>,
  bugs: readonly Bug[],
): Proven<T> => {
  const withBug = (bug: Bug): Property<T> => property(title, drawn, (scenario) => holds(bug, scenario), { runs: DRAWN })
  const planted = (bug: Bug): Planted<T> => ({ name: bug.name, with: (use) => use(withBug(bug)) })
  return { ...withBug({ name: 'none' }), area: 'runs', bugs: bugs.map(planted), control: planted(NO_BUG) }
}

const TOO_MANY_AT_ONCE: Bug = { name: 'a lane more at once', plan: (plan) => ({ ...plan, parallel: plan.parallel + 1 }) }
const AFTER_FORGOTTEN: Bug = {
  name: '`after` forgotten',
  plan: (plan) => ({ ...plan, lanes: plan.lanes.map((lane) => ({ ...lane, after: [] })) }),
}
const ATTEMPT_MORE: Bug = {
  name: 'an attempt more',
  plan: (plan) => ({
    ...plan,
    lanes: plan.lanes.map((lane) => ({
      ...lane,
      commands: lane.commands.map((one) => ({ ...one, intensity: { ...one.intensity, restarts: one.intensity.restarts + 1 } })),
    })),
  }),
}
const FAILED_IS_DONE: Bug = {
  name: 'a command restarted after success',
  plan: (plan) => ({
    ...plan,
    lanes: plan.lanes.map((lane) => ({
      ...lane,
      commands: lane.commands.map((one) => (one.restart === 'transient' ? { ...one, restart: 'permanent' as const } : one)),
    })),
  }),
}
const WORKTREES_STAY: Bug = {
  name: 'worktrees stay',
  worktrees: () => {
    const fake = new FakeWorktrees()
    // Says that it went, and leaves it.
    fake.remove = () => Promise.resolve({ worktreeRemoved: true, branchDeleted: true, kept: [] })
    return fake
  },
}
const PROCESSES_STAY: Bug = {
  name: 'processes stay',
  terminals: class extends ScriptedTerminals {
    override async spawn(spec: PtySpec): Promise<Pty> {
      const pty = await super.spawn(spec)
      void pty.exited.then(() => this.alive.set(spec.ptyId, pty))
      return pty
    }
  },
}

export const runsAsPlanned: Proven<Scenario> = runProperty(
  'runs of random plans end as their plan says: order, `after`, `parallel`, restarts, attempts; nothing is left [LN-1][SUP-3][SUP-4]',
  scenarios,
  async (bug, scenario) => {
    const trace = await simulate(scenario, bug)
    expect(trace.summary.lanes.map(shape)).toEqual(expected(scenario))
    await expectSound(trace, scenario)
  },
  [TOO_MANY_AT_ONCE, AFTER_FORGOTTEN, ATTEMPT_MORE, FAILED_IS_DONE, WORKTREES_STAY, PROCESSES_STAY],
)

type Stopped = { readonly scenario: Scenario; readonly stopAtMs: number }
export const runsStopped: Proven<Stopped> = runProperty(
  'runs of random plans end as interrupted when they are stopped at any moment, and nothing is left [LN-5][LN-6]',
  fc.record({ scenario: scenarios, stopAtMs: fc.nat({ max: 250 }) }),
  async (bug, { scenario, stopAtMs }) => {
    const trace = await simulate(scenario, bug, { stopAtMs })
    await expectSound(trace, scenario)
    const wanted = expected(scenario)
    for (const [index, lane] of trace.summary.lanes.entries())
      if (lane.outcome !== 'interrupted') expect(shape(lane)).toEqual(wanted[index])
  },
  [TOO_MANY_AT_ONCE, AFTER_FORGOTTEN, ATTEMPT_MORE, WORKTREES_STAY, PROCESSES_STAY],
)

type Crashed = { readonly scenario: Scenario; readonly crashes: readonly Crash[] }
export const runsCrashed: Proven<Crashed> = runProperty<Crashed>(
  'runs of random plans end in spite of actors that crash at any moment; a lane that succeeds did all of its work, and nothing is left [SUP-8]',
  fc.record({
    scenario: scenarios,
    crashes: fc.array(fc.record({ kind: fc.constantFrom('run' as const, 'lane' as const, 'pty' as const), atMs: fc.nat({ max: 250 }) }), {
      minLength: 1,
      maxLength: 3,
    }),
  }),
  async (bug, { scenario, crashes }) => {
    const trace = await simulate(scenario, bug, { crashes })
    await expectSound(trace, scenario)
    const wanted = expected(scenario)
    for (const [index, lane] of trace.summary.lanes.entries())
      if (lane.outcome === 'succeeded') expect(wanted[index]?.outcome).toBe('succeeded')
  },
  [TOO_MANY_AT_ONCE, AFTER_FORGOTTEN, ATTEMPT_MORE, WORKTREES_STAY, PROCESSES_STAY],
)

const how = fc.constantFrom('crashed' as const, 'killed' as const)
/** Often at the same moment, or nearly: a crash while the one before is being mended. */
const moment = fc.oneof(fc.constantFrom(20, 20, 20, 21), fc.nat({ max: 250 }))
const supervisorCrash: fc.Arbitrary<Crash> = fc.oneof(
  fc.record({ kind: fc.constantFrom('lane' as const, 'run' as const), atMs: moment }),
  fc.record({ kind: fc.constantFrom('runs' as const, 'lanes' as const, 'terminals' as const), how, atMs: moment }),
)
const NOT_FOUND_AGAIN: Bug = {
  name: 'processes that live are not found again',
  terminals: class extends ScriptedTerminals {
    override get = (): undefined => undefined
    override list = (): readonly Pty[] => []
  },
  unrecorded: () =>
    new (class extends Map<PtyId, Promise<Pty>> {
      override get(): undefined {
        return undefined
      }
    })(),
}
export const runsRecovered: Proven<Crashed> = runProperty<Crashed>(
  'runs of random plans are as without it when supervisors or lanes die once their lanes run: each command runs once, to its end [SUP-8]',
  fc.record({ scenario: scenarios, crashes: fc.array(supervisorCrash, { minLength: 1, maxLength: 3 }) }),
  async (bug, { scenario, crashes }) => {
    const trace = await simulate(scenario, bug, { crashes })
    await expectSound(trace, scenario)
    const wanted = expected(scenario)
    for (const [index, lane] of trace.summary.lanes.entries()) {
      const { commands, outcome } = wanted[index]!
      // A new supervisor counts restarts anew, as OTP's does.
      const isOnce = commands.every(({ attempts }) => attempts <= 1)
      if (lane.outcome !== outcome) {
        const depends = (scenario.lanes[index]?.after ?? []).length > 0
        expect(lane.reason === 'the actor of the lane crashed' || !isOnce || depends, JSON.stringify(lane)).toBe(true)
      } else if (isOnce) expect(shape(lane)).toEqual(wanted[index])
      for (const [at, { attempts }] of commands.entries())
        if (isOnce && attempts === 1) expect(trace.terminals.starts(`${index}/${at}`), JSON.stringify(lane)).toBeLessThanOrEqual(1)
    }
  },
  [TOO_MANY_AT_ONCE, AFTER_FORGOTTEN, ATTEMPT_MORE, NOT_FOUND_AGAIN, WORKTREES_STAY, PROCESSES_STAY],
)
