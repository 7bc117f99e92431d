import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { journalActor } from '../../../src/actors/journal.actor.ts'
import { createMemoryStore } from '../../../src/adapters/memory/memory-store.adapter.ts'
import { defineActor, named } from '../../../src/kernel/types.ts'
import { type SupervisorProtocol, type SupervisorSpec, worker } from '../../../src/kernel/child-spec.ts'
import { type Fault, fault } from '../../../src/testing/fault.ts'
import { simulate, type Simulation } from '../../../src/testing/simulate.ts'
import { formatTrace, type TraceEvent } from '../../../src/testing/trace.ts'
import { type Disk, ledgerRun, memoryDisk } from './ledger.ts'

const traceOf = async (simulation: Simulation): Promise<readonly TraceEvent[]> => (await simulate(simulation)).trace
const only = <E extends TraceEvent['event']>(trace: readonly TraceEvent[], event: E): Extract<TraceEvent, { event: E }>[] =>
  trace.filter((one): one is Extract<TraceEvent, { event: E }> => one.event === event)

const always = { restarts: 100, withinMs: 1 } as const
const root = (...children: SupervisorSpec['children'] & object): SupervisorSpec => ({
  type: 'supervisor',
  name: 'root',
  strategy: 'one_for_one',
  intensity: always,
  children,
})

type Counting = { add: { message: { n: number }; reply: number }; $done: { message: { n: number } }; $failed: { message: object } }
const counter = defineActor<Counting, number, Disk | null>({
  kind: 'counter',
  init: () => 0,
  on: {
    add: (ctx, total, { n }, reply) => {
      reply(total + n)
      return total + n
    },
    $done: (_ctx, total, { n }) => total + n,
    $failed: (_ctx, total) => total - 1,
  },
})
const writer = defineActor<Counting, number, Disk>({
  kind: 'writer',
  init: () => 0,
  on: {
    add: (ctx, total, { n }, reply) => {
      ctx.run((_signal) => (reply(total), disk.get(ctx.self.name)?.append(String(n)) ?? n), {
        done: ['$done', () => ({ n })],
        failed: ['$failed', () => ({})],
      })
      return total
    },
    $done: (_ctx, total, { n }) => total + n,
    $failed: (_ctx, total) => total - 1,
  },
})
const disk = new Map<string, Disk>()
const writerTree = (world: Parameters<Exclude<Simulation['tree'], SupervisorSpec>>[0]): SupervisorSpec => {
  const port = world.port('disk', memoryDisk())
  disk.set('writer', port)
  return root(worker('writer', writer, port))
}

const add = (n: number, to = 'counter') => ({ do: 'ask', to, type: 'add', message: { n } }) as const
const settle = { do: 'settle' } as const
const counting = (steps: Simulation['steps'], faults: readonly Fault[] = []): Simulation => ({
  seed: 1,
  tree: root(worker('counter', counter, null)),
  steps,
  faults,
})
const values = (trace: readonly TraceEvent[]): unknown[] =>
  trace.flatMap((one) => (one.event === 'answered' ? [one.value] : one.event === 'refused' ? [one.error] : []))

describe('simulate', () => {
  it('gives the same trace, byte for byte, for the same seed [SUP-9, Q-2]', async () => {
    for (let seed = 0; seed < 50; seed += 1) {
      const faults = [
        fault({ actor: 'ledger-0', on: 'slowly' }, 'crash-after'),
        fault({ actor: 'ledger-1', init: true }, 'crash-before', { nth: 2 }),
      ]
      const [one, two] = [await simulate(ledgerRun(seed, { faults })), await simulate(ledgerRun(seed, { faults }))]
      expect(JSON.stringify(two)).toBe(JSON.stringify(one))
    }
  })

  it('gives the same traces in other processes, for several seeds [Q-2]', async () => {
    const source = `
      import { simulate } from './src/testing/simulate.ts'
      import { ledgerRun } from './test/unit/testing/ledger.ts'
      for (const seed of [0, 7, -3, 2 ** 31]) console.log(JSON.stringify((await simulate(ledgerRun(seed))).trace))`
    const there = (): string => execFileSync(process.execPath, ['--input-type=module-typescript', '-e', source], { encoding: 'utf8' })
    const here: string[] = []
    for (const seed of [0, 7, -3, 2 ** 31]) here.push(JSON.stringify(await traceOf(ledgerRun(seed))))
    expect(there()).toBe(`${here.join('\n')}\n`)
    expect(there()).toBe(there())
  })

  it('makes many short runs a second: their number is printed [Q-3]', async () => {
    const RUNS = 500
    const began = performance.now()
    const ends = new Set<unknown>()
    for (let seed = 0; seed < RUNS; seed += 1) ends.add((await traceOf({ ...counting([add(1), add(2), settle]), seed })).at(-1)?.event)
    console.log(`simulate: ${Math.round((RUNS * 1_000) / (performance.now() - began))} short runs a second`)
    expect([...ends]).toEqual(['exited'])
  })

  it('gives other interleavings for other seeds [SUP-2]', async () => {
    const traces = new Set<string>()
    for (let seed = 0; seed < 20; seed += 1) traces.add(JSON.stringify(await traceOf(ledgerRun(seed))))
    expect(traces.size).toBeGreaterThan(3)
  })

  it('tells of starts, messages, timers, decisions, dead letters, answers and ends, in order [SUP-9]', async () => {
    const trace = await traceOf(ledgerRun(3, { faults: [fault({ actor: 'ledger-0', on: 'slowly' }, 'crash-before')] }))
    expect(new Set(trace.map(({ event }) => event))).toEqual(
      new Set(['started', 'handled', 'fault', 'dead-letter', 'exited', 'decided', 'timer', 'time', 'port', 'answered', 'refused']),
    )
    expect(only(trace, 'decided')).toMatchObject([{ child: 'ledger-0', decision: 'restart', group: ['ledger-1', 'ledger-2'] }])
    expect(trace.at(-1)).toMatchObject({ event: 'exited', actor: 'root$1', reason: 'shutdown' })
    expect(trace.map(({ at }) => at)).toEqual(trace.map(({ at }) => at).toSorted((a, b) => a - b))
    expect(formatTrace(trace)).toContain('decided      supervisor=root child=ledger-0')
  })

  it('stops the tree at the end, and says how many timers are left [SUP-6]', async () => {
    expect(await simulate(ledgerRun(1))).toMatchObject({ timersLeft: 0 })
    const forgetful = (): Simulation => ({
      seed: 1,
      tree: ({ clock }) => root(worker('a', { ...counter, init: () => (clock.setTimer(1e9, () => {}), 0) }, null)),
      steps: [],
    })
    expect((await simulate(forgetful())).timersLeft).toBe(1)
  })

  it('says that a tree cannot start, and why [SUP-6]', async () => {
    const trace = await traceOf(counting([], [fault({ actor: 'counter', init: true }, 'crash-before')]))
    expect(trace.at(-1)).toMatchObject({ event: 'start-failed', error: 'ERR_ACTOR_INIT_FAILED' })
  })

  it('refuses to wait for ever [SUP-9]', async () => {
    const never = { ...counter, initLimitMs: Infinity, init: () => new Promise<number>(() => {}) }
    await expect(simulate({ seed: 1, tree: root(worker('a', never, null)), steps: [] })).rejects.toMatchObject({
      code: 'ERR_SIMULATION_STUCK',
    })
  })

  it('wraps children that are added at run time too [SUP-3]', async () => {
    const adder = defineActor<{ go: { message: object } }, null, null>({
      kind: 'adder',
      init: () => null,
      on: {
        go: (ctx) => {
          ctx.tell(named<SupervisorProtocol>('pool'), 'supervisor.start-child', { spec: worker('late', counter, null) })
          return null
        },
      },
    })
    const trace = await traceOf({
      seed: 1,
      tree: root({ type: 'supervisor', name: 'pool', strategy: 'dynamic' }, worker('adder', adder, null)),
      steps: [{ do: 'tell', to: 'adder', type: 'go', message: {} }, settle, add(1, 'late'), settle],
      faults: [fault({ actor: 'late', on: 'add' }, 'crash-before')],
    })
    expect(only(trace, 'exited')[0]).toMatchObject({ actor: 'late$1', reason: 'crashed' })
  })
})

describe('a fault', () => {
  it('crash-before: the handler never ran; the next incarnation begins anew [SUP-7]', async () => {
    const trace = await traceOf(
      counting([add(1), settle, add(2), settle, add(3), settle], [fault({ actor: 'counter', on: 'add' }, 'crash-before', { nth: 2 })]),
    )
    expect(values(trace)).toEqual([1, 'ERR_ACTOR_HANDLER_FAILED', 3])
    expect(only(trace, 'dead-letter')).toMatchObject([{ to: 'counter$1', reason: 'poison' }])
  })

  it('crash-after: what was answered was answered, the state is lost [SUP-7]', async () => {
    const trace = await traceOf(counting([add(1), settle, add(2), settle], [fault({ actor: 'counter', on: 'add' }, 'crash-after')]))
    expect(values(trace)).toEqual([1, 2])
  })

  it('lost-reply: who asked waits out its time [SUP-7]', async () => {
    const trace = await traceOf(
      counting([add(1), { do: 'advance', ms: 5_000 }, add(2), settle], [fault({ actor: 'counter', on: 'add' }, 'lost-reply')]),
    )
    expect(values(trace)).toEqual(['ERR_ASK_TIMEOUT', 3])
  })

  it('slow: beyond its limit the handler is fenced [SUP-2]', async () => {
    const slow = fault({ actor: 'counter', on: 'add' }, { slowMs: 60_001 })
    const trace = await traceOf(counting([add(1), { do: 'advance', ms: 70_000 }], [slow]))
    expect(only(trace, 'exited')[0]).toMatchObject({ actor: 'counter$1', reason: 'timeout', at: 60_000 })
  })

  it('of an effect: fails, hangs, or is late [SUP-7]', async () => {
    const run = async (kind: 'fail' | 'hang' | { lateMs: number }) => {
      const steps = [add(5, 'writer'), { do: 'advance', ms: 100 }] as const
      return traceOf({ seed: 1, tree: writerTree, steps, faults: [fault({ effectsOf: 'writer' }, kind)] })
    }
    const outcomes = (trace: readonly TraceEvent[]) => only(trace, 'handled').map(({ type, at }) => `${type} at ${at}`)
    expect(outcomes(await run('fail'))).toEqual(['add at 0', '$failed at 0'])
    expect(outcomes(await run('hang'))).toEqual(['add at 0'])
    expect(outcomes(await run({ lateMs: 40 }))).toEqual(['add at 0', '$done at 40'])
  })

  it('of a port: counts the calls of that method, and shows in the trace [SUP-7]', async () => {
    const steps = [add(1, 'writer'), settle, add(2, 'writer'), settle, add(3, 'writer'), settle] as const
    const faults = [fault({ port: 'disk', method: 'append' }, 'fail', { nth: 2, times: 'always' })]
    const trace = await traceOf({ seed: 1, tree: writerTree, steps, faults })
    expect(only(trace, 'port').map(({ did }) => did)).toEqual(['called', 'done', 'called', 'failed', 'called', 'failed'])
    expect(only(trace, 'fault')).toHaveLength(2)
  })

  it.each([
    ['full', { error: 'ERR_DISK_FULL' }, 'ERR_DISK_FULL', []],
    ['that fails', 'fail', 'ERR_FAULT_PLANTED', []],
    ['that wrote, and said that it failed', 'fail-after', 'ERR_FAULT_PLANTED', ['r1']],
    ['that hangs', 'hang', 'ERR_ASK_TIMEOUT', []],
  ] as const)('of a store %s: who commits is told so, and the next commit goes well [SUP-7]', async (_, kind, refusal, before) => {
    const workspaceId = 'ws_1' as Parameters<typeof createMemoryStore>[0]['workspaceId']
    const store = createMemoryStore({ workspaceId })
    const failures: unknown[] = []
    const trace = await traceOf({
      seed: 1,
      tree: (world) => {
        const port = world.port('store', { ...store, close: () => Promise.resolve() })
        const args = { open: () => Promise.resolve(port), publish: () => {}, onFailure: (error: unknown) => failures.push(error) }
        return root(worker('journal', journalActor, args))
      },
      steps: ['r1', 'r2'].flatMap((id) => [
        { do: 'ask', to: 'journal', type: 'journal.commit', message: { events: [], records: [{ kind: 'x', id, value: {} }] } } as const,
        { do: 'advance', ms: 5_000 } as const,
      ]),
      faults: [fault({ port: 'store', method: 'commit' }, kind)],
    })
    expect(values(trace)).toEqual([refusal, { events: [] }])
    expect(failures).toHaveLength(kind === 'hang' ? 0 : 1)
    expect((await store.records('x')).map(({ id }) => id)).toEqual([...before, 'r2'])
  })

  it('of the clock: now() jumps, durations and timers do not [SUP-5]', async () => {
    const seen: number[][] = []
    const teller = { ...counter, on: { ...counter.on, $done: seeNow } }
    function seeNow(ctx: Parameters<typeof counter.on.add>[0]): number {
      seen.push([ctx.now(), ctx.monotonic()])
      ctx.setTimer('again', 100, '$done', { n: 1 })
      return 0
    }
    await simulate({
      seed: 1,
      tree: root(worker('a', teller, null)),
      steps: [
        { do: 'tell', to: 'a', type: '$done', message: { n: 1 } },
        { do: 'advance', ms: 200 },
      ],
      faults: [fault({ clockAtMs: 50 }, { jumpMs: -3_600_000 })],
    })
    expect(seen).toEqual([
      [0, 0],
      [-3_599_900, 100],
      [-3_599_800, 200],
    ])
  })
})
