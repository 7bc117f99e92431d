import fc from 'fast-check'
import { expect } from 'vitest'
import type { Clock } from '../src/ports/clock.port.ts'
import { defineActor } from '../src/kernel/types.ts'
import { worker } from '../src/kernel/child-spec.ts'
import type { PhaseReport } from '../src/supervisors/system.types.ts'
import type { Engine } from '../src/testing/simulate.ts'
import { engineProperty } from './engine-property.ts'
import type { Proven } from './proven.ts'

const GROUPS = 3
/** No sum of the times that ends take. */
const LIMIT = 12
const groupName = (group: number): string => `group-${group}`
const workerName = (group: number, index: number): string => `worker-${group}-${index}`

type Scenario = {
  readonly seed: number
  /** For each supervisor, how long each of its workers takes to end. */
  readonly groups: readonly (readonly number[])[]
  /** In which phase a supervisor ends; null: with the rest. */
  readonly phaseOf: readonly (number | null)[]
}
type Trace = { readonly reports: readonly PhaseReport[]; readonly exits: readonly { readonly name: string; readonly at: number }[] }

const slowActor = (clock: Clock, endsInMs: number) =>
  defineActor<Record<never, never>, null, null>({
    kind: 'slow',
    init: () => null,
    on: {},
    terminate: () => (endsInMs === 0 ? undefined : new Promise<void>((resolve) => void clock.setTimer(endsInMs, resolve))),
  })

const phasesOf = ({ phaseOf }: Scenario): number[][] =>
  [0, 1].map((phase) => phaseOf.flatMap((one, group) => (one === phase ? [group] : [])))

const run = async ({ startSystem, SeededScheduler }: Engine, scenario: Scenario): Promise<Trace> => {
  const world = new SeededScheduler(scenario.seed)
  const exits: { name: string; at: number }[] = []
  const system = await startSystem({
    scheduler: world,
    clock: world.clock,
    random: world.random,
    root: {
      type: 'supervisor',
      name: 'root',
      strategy: 'one_for_one',
      children: scenario.groups.map((times, group) => ({
        type: 'supervisor',
        name: groupName(group),
        strategy: 'one_for_one',
        children: times.map((ms, index) => worker(workerName(group, index), slowActor(world.clock, ms), null, { shutdown: 'infinity' })),
      })),
    },
    observer: { exited: ({ name }) => exits.push({ name, at: world.clock.monotonic() }) },
  })
  const phases = phasesOf(scenario).map((groups, phase) => ({ name: `phase-${phase}`, stops: groups.map(groupName), limitMs: LIMIT }))
  const reports = system.shutdown(phases, LIMIT)
  await world.advance(10 * LIMIT)
  const outcome = await Promise.race([reports, Promise.resolve('hangs' as const)])
  if (outcome === 'hangs') throw new Error('the shutdown takes longer than its limits')
  return { reports: outcome, exits }
}

/** Workers of a group end one after the other, from the right: how long that takes, and who is left at the limit. */
const ending = (times: readonly number[], fromMs: number): { readonly endsAt: number; readonly left: number } => {
  let at = fromMs
  for (let index = times.length - 1; index >= 0; index -= 1) {
    at += times[index]!
    if (at > LIMIT) return { endsAt: LIMIT, left: index + 1 }
  }
  return { endsAt: at, left: 0 }
}

const leftOf = (group: number, left: number): string[] => Array.from({ length: left }, (_, index) => workerName(group, index))

const expectedReports = (scenario: Scenario): PhaseReport[] => {
  const reports = phasesOf(scenario).map((groups, phase): PhaseReport => {
    const ends = groups.map((group) => ({ group, ...ending(scenario.groups[group]!, 0) }))
    return {
      phase: `phase-${phase}`,
      tookMs: Math.max(0, ...ends.map(({ endsAt }) => endsAt)),
      late: ends.flatMap(({ group, left }) => leftOf(group, left)),
    }
  })
  let at = 0
  let late: string[] = []
  for (const [group, times] of [...scenario.groups.entries()].toReversed()) {
    if (scenario.phaseOf[group] !== null) continue
    const isOver = late.length > 0
    const { endsAt, left } = isOver ? { endsAt: at, left: times.length } : ending(times, at)
    at = endsAt
    const here = isOver && left === 0 ? [groupName(group)] : leftOf(group, left)
    late = [...here, ...late]
  }
  return [...reports, { phase: 'rest', tookMs: at, late }]
}

/** All of a phase has ended before anything of a later one, and everything ends once. */
const expectOrder = ({ exits }: Trace, scenario: Scenario): void => {
  const phaseOf = (name: string): number => (name === 'root' ? 3 : (scenario.phaseOf[Number(name.split('-')[1])] ?? 2))
  const order = exits.map(({ name }) => phaseOf(name))
  expect(order).toEqual(order.toSorted((one, other) => one - other))
  expect(new Set(exits.map(({ name }) => name)).size).toBe(exits.length)
  expect(exits.length).toBe(1 + GROUPS + scenario.groups.flat().length)
}

const times = fc.array(fc.constantFrom(0, 0, 5, 20), { maxLength: 3 })
const scenarios: fc.Arbitrary<Scenario> = fc.record({
  seed: fc.nat(),
  groups: fc.array(times, { minLength: GROUPS, maxLength: GROUPS }),
  phaseOf: fc.array(fc.constantFrom(0, 1, null), { minLength: GROUPS, maxLength: GROUPS }),
})

const shutdown = 'supervisors/shutdown.ts'

export const supervisorShutdown: readonly Proven<Scenario>[] = engineProperty(
  'supervisors',
  'ends phase after phase, each within its limit, and names exactly what it had to kill [SUP-6]',
  scenarios,
  async (engine, scenario) => {
    const trace = await run(engine, scenario)
    expect(trace.reports).toEqual(expectedReports(scenario))
    expectOrder(trace, scenario)
  },
  {
    runs: 300,
    catches: [
      { name: 'late ones not killed', file: shutdown, from: 'child.actor?.kill()', to: '' },
      { name: 'rest without a limit', file: shutdown, from: 'this.root.actor.kill()', to: '' },
      {
        name: 'supervisors named for their actors',
        file: 'supervisors/find-child.ts',
        from: 'if (below.length > 0) return below',
        to: '',
      },
      {
        name: 'what has ended named too',
        file: 'supervisors/find-child.ts',
        from: 'hasActor(child) && child.actor?.exit === null',
        to: 'true',
      },
      { name: 'phase not waited for', file: shutdown, from: 'const late = await Promise.all(', to: 'const late = await Promise.race(' },
      {
        name: 'phase one after the other',
        file: shutdown,
        from: 'const late = await Promise.all(stops.map((child) => this.stopOne(child, limitMs)))',
        to: 'const late = []; for (const child of stops) late.push(await this.stopOne(child, limitMs))',
      },
      {
        name: 'a stop takes its own time',
        file: shutdown,
        from: 'setTimer(limitMs, () => {\n      resolve',
        to: 'setTimer(2 * limitMs, () => {\n      resolve',
      },
    ],
  },
)
