import { directScheduler } from '../src/adapters/schedulers/direct-scheduler.adapter.ts'
import { nactScheduler } from '../src/adapters/schedulers/nact-scheduler.adapter.ts'
import { startErlang } from './erlang.ts'
import type { Case, Samples, Suite } from './harness.ts'
import { latencyOf, rateOf, rawSinks, rawSpawns, restarts, type Sink, sinks, spawns, treeStop } from './kernel-systems.ts'

const SIBLINGS = 300
/** Of what takes ten thousand actors a round. */
const SLOW_ROUNDS = 6

/**
 * Messages, asks, restarts, starts, memory and stop of our kernel on its default scheduler (nact; `-direct`: on its own),
 * beside raw nact, and beside Erlang/OTP where `escript` is installed (`-erlang`).
 */
export const kernelSuite = async ({ smoke }: { readonly smoke: boolean }): Promise<Suite> => {
  const batches = smoke ? 5 : 20
  const asks = smoke ? 1_000 : 5_000
  const crashes = smoke ? 100 : 300
  const actors = 10_000
  const alone = await sinks(nactScheduler(), 1)
  const crowd = await sinks(nactScheduler(), 1 + SIBLINGS)
  const direct = await sinks(directScheduler(), 1)
  const raw = rawSinks(0)
  const rawCrowd = rawSinks(SIBLINGS)
  const erlang = startErlang()

  const oneWay = (sink: Sink) => (): Promise<Samples> => rateOf(batches, sink.tell, sink.ask)
  const ask = (sink: Sink) => (): Promise<Samples> => latencyOf(asks, sink.ask)
  const restart = () => restarts(nactScheduler(), crashes)
  const perSecond = async (spawned: Promise<{ ms: number }>): Promise<Samples> => [actors / ((await spawned).ms / 1000)]
  const spawn = () => perSecond(spawns(nactScheduler(), actors))
  const bytesEach = async (spawned: Promise<{ bytes: number }>): Promise<Samples> => [(await spawned).bytes / actors]
  // What the issue allows, as nothing raw has an order in which it stops.
  const oneSecond = async (): Promise<Samples> => [1_000]

  const rate = (name: string, ours: Case['ours'], baseline: Case['baseline']): Case => ({
    name,
    unit: 'msg/s',
    better: 'higher',
    ours,
    baseline,
  })
  const latency = (name: string, ours: Case['ours'], baseline: Case['baseline']): Case => ({
    name,
    unit: 'µs',
    better: 'lower',
    ours,
    baseline,
  })
  const starts = (name: string, ours: Case['ours'], baseline: Case['baseline']): Case => ({
    name,
    unit: '1/s',
    better: 'higher',
    ours,
    baseline,
  })
  const ofErlang = (name: string) => (): Promise<Samples> => erlang?.round(name) ?? Promise.reject(new Error('no escript'))

  return {
    name: 'kernel',
    cases: [
      rate('one-way', oneWay(alone), oneWay(raw)),
      rate('one-way-300', oneWay(crowd), oneWay(rawCrowd)),
      rate('one-way-direct', oneWay(direct), oneWay(raw)),
      rate('siblings-300', oneWay(crowd), oneWay(alone)),
      latency('ask', ask(alone), ask(raw)),
      latency('ask-direct', ask(direct), ask(raw)),
      // Raw nact has no supervisor: what it is measured against is one of its asks.
      latency('restart', restart, ask(raw)),
      starts('spawn', spawn, () => perSecond(rawSpawns(actors))),
      starts(
        'spawn-direct',
        () => perSecond(spawns(directScheduler(), actors)),
        () => perSecond(rawSpawns(actors)),
      ),
      {
        name: 'bytes-per-actor',
        unit: 'B',
        rounds: SLOW_ROUNDS,
        better: 'lower',
        ours: () => bytesEach(spawns(nactScheduler(), actors, true)),
        baseline: () => bytesEach(rawSpawns(actors, true)),
      },
      {
        name: 'bytes-per-actor-direct',
        unit: 'B',
        rounds: SLOW_ROUNDS,
        better: 'lower',
        ours: () => bytesEach(spawns(directScheduler(), actors, true)),
        baseline: () => bytesEach(rawSpawns(actors, true)),
      },
      {
        name: 'tree-stop',
        unit: 'ms',
        rounds: SLOW_ROUNDS,
        better: 'lower',
        ours: async () => [await treeStop(nactScheduler(), 4)],
        baseline: oneSecond,
      },
      ...(erlang === null
        ? []
        : [
            rate('one-way-erlang', oneWay(alone), ofErlang('one-way')),
            rate('one-way-direct-erlang', oneWay(direct), ofErlang('one-way')),
            latency('ask-erlang', ask(alone), ofErlang('ask')),
            latency('ask-direct-erlang', ask(direct), ofErlang('ask')),
            latency('restart-erlang', restart, ofErlang('restart')),
            latency('restart-direct-erlang', () => restarts(directScheduler(), crashes), ofErlang('restart')),
            starts('spawn-erlang', spawn, ofErlang('spawn')),
          ]),
    ],
    close: async () => {
      raw.stop()
      rawCrowd.stop()
      erlang?.close()
      await Promise.all([alone.stop(), crowd.stop(), direct.stop()])
    },
  }
}
