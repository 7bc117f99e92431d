import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises'
import * as nact from 'nact'
import { systemClock } from '../src/adapters/system/system-clock.adapter.ts'
import { systemRandom } from '../src/adapters/system/system-random.adapter.ts'
import { defineActor, named } from '../src/kernel/types.ts'
import type { Scheduler } from '../src/ports/scheduler.port.ts'
import { type SupervisorProtocol, type SupervisorSpec, worker } from '../src/kernel/child-spec.ts'
import { startSystem } from '../src/supervisors/system.ts'
import type { Samples } from './harness.ts'

type SinkProtocol = { count: { message: object }; total: { message: object; reply: number } }

const sinkActor = defineActor<SinkProtocol, number, null>({
  kind: 'sink',
  init: () => 0,
  on: {
    count: (_ctx, state) => state + 1,
    total: (_ctx, state, _message, reply) => {
      reply(state)
      return state
    },
  },
})

type CrashProtocol = { crash: { message: object } }
/** Tells when it is up. */
const crashActor = defineActor<CrashProtocol, null, { up: () => void }>({
  kind: 'crashing',
  init: (_ctx, { up }) => {
    up()
    return null
  },
  on: {
    crash: () => {
      throw FAILURE
    },
  },
})
/** Made once, as an Erlang exit has no stack either. */
const FAILURE = new Error('crash')

/** Below the mailbox limit of 10,000, so that nothing is dropped. */
export const BATCH = 5_000
const timeoutMs = 30_000
const sinkName = (index: number): string => `sink-${index}`

export const rateOf = async (batches: number, send: () => void, settled: () => Promise<number>): Promise<Samples> => {
  const samples: number[] = []
  for (let batch = 0; batch < batches; batch += 1) {
    const before = await settled()
    const began = performance.now()
    for (let message = 0; message < BATCH; message += 1) send()
    const handled = (await settled()) - before
    if (handled !== BATCH) throw new Error(`${handled} of ${BATCH} messages were handled`)
    samples.push(BATCH / ((performance.now() - began) / 1000))
  }
  return samples
}

export const latencyOf = async (count: number, call: () => Promise<unknown>): Promise<Samples> => {
  const samples: number[] = []
  for (let index = 0; index < count; index += 1) {
    const began = performance.now()
    await call()
    samples.push((performance.now() - began) * 1000)
  }
  return samples
}

const start = (scheduler: Scheduler, root: SupervisorSpec) => startSystem({ scheduler, clock: systemClock, random: systemRandom, root })

/** Somebody who counts what he gets. */
export type Sink = { readonly tell: () => void; readonly ask: () => Promise<number>; readonly stop: () => unknown }

/** Actors; the first is the sink. */
export const sinks = async (scheduler: Scheduler, count: number): Promise<Sink> => {
  const children = Array.from({ length: count }, (_, index) => worker(sinkName(index), sinkActor, null))
  const system = await start(scheduler, { type: 'supervisor', name: 'root', strategy: 'one_for_one', children })
  const sink = named<SinkProtocol>(sinkName(0))
  return {
    tell: () => system.tell(sink, 'count', {}),
    ask: () => system.ask(sink, 'total', {}, { timeoutMs }),
    stop: () => system.stop(),
  }
}

/** One child that crashes, until it has initialised again. µs each. */
export const restarts = async (scheduler: Scheduler, count: number): Promise<Samples> => {
  let up = (): void => {}
  const system = await start(scheduler, {
    type: 'supervisor',
    name: 'root',
    strategy: 'one_for_one',
    intensity: { restarts: count, withinMs: 1 },
    children: [worker('crashing', crashActor, { up: () => up() })],
  })
  const crash = (): Promise<void> =>
    new Promise((resolve) => {
      up = resolve
      system.tell(named<CrashProtocol>('crashing'), 'crash', {})
    })
  const samples = await latencyOf(count, crash)
  await system.stop()
  return samples
}

/** Actors under one dynamic supervisor. @returns the time until all have acknowledged, and their memory */
export const spawns = async (scheduler: Scheduler, count: number, weigh = false): Promise<{ ms: number; bytes: number }> => {
  const system = await start(scheduler, {
    type: 'supervisor',
    name: 'root',
    strategy: 'one_for_one',
    children: [{ type: 'supervisor', name: 'pool', strategy: 'dynamic' }],
  })
  const pool = named<SupervisorProtocol>('pool')
  const before = weigh ? await heapUsed() : await settled()
  const began = performance.now()
  // A mailbox takes 10,000: so in batches of half of that, the last of each awaited.
  for (let index = 1; index <= count; index += 1) {
    const spec = worker(sinkName(index), sinkActor, null)
    if (index % BATCH === 0 || index === count) await system.ask(pool, 'supervisor.start-child', { spec }, { timeoutMs })
    else system.tell(pool, 'supervisor.start-child', { spec })
  }
  const ms = performance.now() - began
  const bytes = weigh ? (await heapUsed()) - before : 0
  const { active } = await system.ask(pool, 'supervisor.count-children', {}, { timeoutMs })
  if (active !== count) throw new Error(`${active} of ${count} actors run`)
  await system.stop()
  return { ms, bytes }
}

/** Supervisors, each of ten to the given depth. @returns ms that they take to stop in order */
export const treeStop = async (scheduler: Scheduler, depth: number): Promise<number> => {
  const tree = (name: string, levels: number): SupervisorSpec => ({
    type: 'supervisor',
    name,
    strategy: 'one_for_one',
    children: levels === 1 ? [] : Array.from({ length: 10 }, (_, index) => tree(`${name}.${index}`, levels - 1)),
  })
  const system = await start(scheduler, tree('root', depth))
  const began = performance.now()
  await system.stop()
  return performance.now() - began
}

/** What the round before has stopped ends meanwhile. ms */
const SETTLE_MS = 50
const settled = async (): Promise<0> => {
  await pause(SETTLE_MS)
  return 0
}

/**
 * Bytes on the heap after a collection (bench/main.ts makes `gc`), when what was there before has let go. Only where memory is
 * measured: a forced collection shrinks the young generation, and what is started then is half as fast, ours and raw alike.
 */
const heapUsed = async (): Promise<number> => {
  for (let turn = 0; turn < 3; turn += 1) {
    await nextTurn()
    globalThis.gc?.()
  }
  return process.memoryUsage().heapUsed
}

type RawMessage = { readonly sender?: nact.Ref<number> }
const rawSink = (state: number = 0, message: RawMessage = {}): number => {
  if (message.sender === undefined) return state + 1
  nact.dispatch(message.sender, state)
  return state
}

/** An actor of raw nact, with so many children, as each of its messages copies them. */
export const rawSinks = (children: number): Sink => {
  const system = nact.start()
  const sink = nact.spawn(system, rawSink, 'sink')
  for (let index = 0; index < children; index += 1) nact.spawn(sink, rawSink, sinkName(index))
  return {
    tell: () => nact.dispatch(sink, {}),
    ask: (): Promise<number> => nact.query(sink, (sender: nact.Ref<number>) => ({ sender }), timeoutMs),
    stop: () => nact.stop(system),
  }
}

/** As `spawns`: flat under one system, until each has handled its first message, as nact has no other sign of a start. */
export const rawSpawns = async (count: number, weigh = false): Promise<{ ms: number; bytes: number }> => {
  const system = nact.start()
  const before = weigh ? await heapUsed() : await settled()
  const began = performance.now()
  const { promise, resolve } = Promise.withResolvers<void>()
  let started = 0
  const first = (state: number = 0): number => {
    if ((started += 1) === count) resolve()
    return state + 1
  }
  for (let index = 1; index <= count; index += 1) nact.dispatch(nact.spawn(system, first, sinkName(index)), {})
  await promise
  const ms = performance.now() - began
  const bytes = weigh ? (await heapUsed()) - before : 0
  nact.stop(system)
  return { ms, bytes }
}
