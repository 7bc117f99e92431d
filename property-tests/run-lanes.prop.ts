import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { namedRun, RUNS } from '../src/actors/names.ts'
import type { Services } from '../src/actors/services.ts'
import { createMemoryStore } from '../src/adapters/memory/memory-store.adapter.ts'
import { SeededScheduler } from '../src/adapters/schedulers/seeded-scheduler.adapter.ts'
import type { Pty, PtyExit, PtySpec, TerminalHost } from '../src/ports/terminal-host.port.ts'
import type { RecordedEvent } from '../src/protocols/events.ts'
import { createIdFactory } from '../src/protocols/id-factory.ts'
import { validatePlan } from '../src/protocols/plan-parse.ts'
import type { Plan, RestartType } from '../src/protocols/plan.ts'
import type { LaneSummary, Outcome, RunSummary } from '../src/protocols/summary.ts'
import { laneTree } from '../src/supervisors/lane.tree.ts'
import { EventHub } from '../src/actors/event-hub.ts'
import { recordedOf } from '../src/runtime/recorded.ts'
import { rootTree, runTree } from '../src/supervisors/root.tree.ts'
import { startSystem } from '../src/supervisors/system.ts'
import { terminalTree } from '../src/supervisors/terminal.tree.ts'
import { createSaboteur, type Saboteur } from '../test/integration/run/crash-kit.ts'
import { FakeWorktrees } from '../test/fakes/worktrees.fake.ts'

const numRuns = Math.min(5_000, Number(process.env['SIGNALBOX_RUNS'] ?? 40))

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
      resize: () => undefined,
      read: () => ({ [Symbol.asyncIterator]: () => ({ next: () => Promise.resolve({ done: true, value: undefined }) }) }),
      tail: () => new Uint8Array(),
      signal: (name, askedBy) => ({ at: 0, signal: name, target: { pid: 1, scope: 'group' }, askedBy, outcome: 'delivered' }),
      terminate: () => end(null, 'SIGTERM'),
      signals: () => [],
      stats: () => ({ outputBytes: 0, lastOutputAt: null, cols: 80, rows: 24 }),
    }
    this.alive.set(ptyId, pty)
    return pty
  }

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

type Crash = { readonly kind: 'run' | 'lane' | 'pty'; readonly atMs: number }
type Disturbance = { readonly stopAtMs?: number | null; readonly crashes?: readonly Crash[] }

const crashIfAlive = (saboteur: Saboteur, kind: string): void => {
  try {
    saboteur.crash(kind)
  } catch {
    // None has started yet, or the newest has ended.
  }
}

/** Runs a scenario under the seeded scheduler; `stopAtMs` stops it then, each crash hits the newest actor of its kind. */
const simulate = async (scenario: Scenario, { stopAtMs = null, crashes = [] }: Disturbance = {}): Promise<Trace> => {
  const scheduler = new SeededScheduler(scenario.seed)
  const { clock, random } = scheduler
  const ids = createIdFactory({ clock, random })
  const terminals = new ScriptedTerminals(scheduler, scenario)
  const worktrees = new FakeWorktrees()
  const events: RecordedEvent[] = []
  const failures: unknown[] = []
  const saboteur = createSaboteur()
  const runId = ids.next('run')
  const workspaceId = ids.next('workspace')
  const plan = planOf(scenario)
  const services: Services = {
    workspaceId,
    worktrees,
    terminals,
    newId: (kind) => ids.next(kind),
    baseEnv: {},
    lanesDirectory: '/fake/lanes',
    logsDirectory: '/fake/logs',
    branchPrefix: 'signalbox/',
    owner: { pid: 1, startTime: '1', bootId: 'b' },
    isKilled: () => false,
    stopAskedBy: () => null,
    trees: { lane: (args) => saboteur.tree(laneTree(args)), terminal: (args) => saboteur.tree(terminalTree(args)) },
  }
  const hub = new EventHub(() => clock.now())
  recordedOf(hub, workspaceId)((event) => void events.push(event))
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
    }),
  })
  await system.ask(RUNS, 'supervisor.start-child', { spec: saboteur.tree(runTree({ services, runId, plan })) }, { timeoutMs: 60_000 })
  if (stopAtMs !== null) clock.setTimer(stopAtMs, () => system.tell(namedRun(runId), 'run.stop', { by: 'the test' }))
  const ended = (): RecordedEvent | undefined => events.find(({ type }) => type === 'run.ended')
  for (const { kind, atMs } of crashes) clock.setTimer(atMs, () => crashIfAlive(saboteur, kind))
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

describe('runs of random plans, in every order of messages', () => {
  it('end as their plan says: order, `after`, `parallel`, restarts, attempts; nothing is left [LN-1][SUP-3][SUP-4]', async () => {
    await fc.assert(
      fc.asyncProperty(scenarios, async (scenario) => {
        const trace = await simulate(scenario)
        expect(trace.summary.lanes.map(shape)).toEqual(expected(scenario))
        await expectSound(trace, scenario)
      }),
      { numRuns },
    )
  }, 120_000)

  it('end as interrupted when they are stopped at any moment, and nothing is left [LN-5][LN-6]', async () => {
    await fc.assert(
      fc.asyncProperty(scenarios, fc.nat({ max: 250 }), async (scenario, stopAtMs) => {
        const trace = await simulate(scenario, { stopAtMs })
        await expectSound(trace, scenario)
        const wanted = expected(scenario)
        for (const [index, lane] of trace.summary.lanes.entries())
          if (lane.outcome !== 'interrupted') expect(shape(lane)).toEqual(wanted[index])
      }),
      { numRuns },
    )
  }, 120_000)

  it('end in spite of actors that crash at any moment; a lane that succeeds did all of its work, and nothing is left [SUP-8]', async () => {
    const crash: fc.Arbitrary<Crash> = fc.record({ kind: fc.constantFrom('run', 'lane', 'pty'), atMs: fc.nat({ max: 250 }) })
    await fc.assert(
      fc.asyncProperty(scenarios, fc.array(crash, { minLength: 1, maxLength: 3 }), async (scenario, crashes) => {
        const trace = await simulate(scenario, { crashes })
        await expectSound(trace, scenario)
        const wanted = expected(scenario)
        for (const [index, lane] of trace.summary.lanes.entries())
          if (lane.outcome === 'succeeded') expect(wanted[index]?.outcome).toBe('succeeded')
      }),
      { numRuns },
    )
  }, 120_000)
})
