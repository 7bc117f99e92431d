import * as nact from 'nact'
import { nactScheduler } from '../src/adapters/schedulers/nact-scheduler.adapter.ts'
import { systemClock } from '../src/adapters/system/system-clock.adapter.ts'
import { systemRandom } from '../src/adapters/system/system-random.adapter.ts'
import { defineActor, named } from '../src/kernel/types.ts'
import { worker } from '../src/supervisors/spec.ts'
import { startSystem } from '../src/supervisors/system.ts'
import type { Samples, Suite } from './harness.ts'

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

/** Below the mailbox limit of 10,000, so that nothing is dropped. */
const BATCH = 5_000

/** Sends a batch to one actor and waits until it is handled; and asks one by one. Baseline: an actor of raw nact. */
export const kernelSuite = async ({ smoke }: { readonly smoke: boolean }): Promise<Suite> => {
  const batches = smoke ? 5 : 20
  const asks = smoke ? 1_000 : 5_000
  const system = await startSystem({
    scheduler: nactScheduler(),
    clock: systemClock,
    random: systemRandom,
    root: { type: 'supervisor', name: 'root', strategy: 'one_for_one', children: [worker('sink', sinkActor, null)] },
  })
  const sink = named<SinkProtocol>('sink')
  const timeoutMs = 30_000

  type RawMessage = { readonly sender?: nact.Ref<number> }
  const raw = nact.start()
  const rawSink = nact.spawn(
    raw,
    (state: number = 0, message: RawMessage) => {
      if (message.sender === undefined) return state + 1
      nact.dispatch(message.sender, state)
      return state
    },
    'sink',
  )
  const rawAsk = (): Promise<number> => nact.query(rawSink, (sender: nact.Ref<number>) => ({ sender }), timeoutMs)

  const rate = async (send: () => void, settled: () => Promise<number>): Promise<Samples> => {
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
  const latency = async (ask: () => Promise<number>): Promise<Samples> => {
    const samples: number[] = []
    for (let count = 0; count < asks; count += 1) {
      const began = performance.now()
      await ask()
      samples.push((performance.now() - began) * 1000)
    }
    return samples
  }
  const ask = (): Promise<number> => system.ask(sink, 'total', {}, { timeoutMs })

  return {
    name: 'kernel',
    cases: [
      {
        name: 'one-way',
        unit: 'msg/s',
        better: 'higher',
        ours: () => rate(() => system.tell(sink, 'count', {}), ask),
        baseline: () => rate(() => nact.dispatch(rawSink, {}), rawAsk),
      },
      { name: 'ask', unit: 'µs', better: 'lower', ours: () => latency(ask), baseline: () => latency(rawAsk) },
    ],
    close: async () => {
      nact.stop(raw)
      await system.stop()
    },
  }
}
