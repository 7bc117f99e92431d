import { describe, expect, it } from 'vitest'
import { SeededScheduler } from '../../../src/adapters/schedulers/seeded-scheduler.adapter.ts'
import { type CrashEvidence, type Exit, named } from '../../../src/kernel/types.ts'
import type { ChildSpec } from '../../../src/kernel/child-spec.ts'
import { startSystem } from '../../../src/supervisors/system.ts'
import { type ProbeProtocol, probeChild, root, within } from './seeded-system.ts'

type Seen = { readonly exit: Exit; readonly evidence: CrashEvidence | null }

const endOf = async (child: ChildSpec, happen: (tell: (type: keyof ProbeProtocol, message: object) => void) => void): Promise<Seen[]> => {
  const world = new SeededScheduler(1)
  const seen: Seen[] = []
  const opening = startSystem({
    scheduler: world,
    clock: world.clock,
    random: world.random,
    root: root([child], { intensity: { restarts: 0, withinMs: 1 } }),
    observer: {
      exited: ({ name, exit, evidence }) => {
        if (name === 'a') seen.push({ exit, evidence: evidence?.() ?? null })
      },
    },
  })
  const system = await within(world, opening).catch(() => null)
  if (system === null) return seen
  happen((type, message) => system.tell(named<Record<string, { message: object }>>('a'), type, message))
  await world.advance(1_000_000)
  await within(world, system.stop())
  return seen
}

describe('evidence of an end', () => {
  it('is what it was handling, and its last good state [SUP-9]', async () => {
    const [seen] = await endOf(probeChild('a'), (tell) => {
      tell('add', { n: 4 })
      tell('crash', { text: 'oops' })
    })
    expect(seen?.exit.reason).toBe('crashed')
    expect(seen?.evidence).toMatchObject({ handling: { type: 'crash', message: { text: 'oops' } }, state: { total: 4 }, history: [] })
  })

  it('names the message whose handler did not return [SUP-9]', async () => {
    const limits = { handlerLimitMs: 50 }
    const [seen] = await endOf(probeChild('a', { limits }), (tell) => tell('wait', { until: new Promise(() => {}) }))
    expect(seen).toMatchObject({ exit: { reason: 'timeout' }, evidence: { handling: { type: 'wait' }, state: { total: 0 } } })
  })

  it('has no state where there was none yet [SUP-9]', async () => {
    const init = (): never => {
      throw new Error('no')
    }
    expect(await endOf(probeChild('a', { init }), () => undefined)).toMatchObject([
      { exit: { reason: 'init_failed' }, evidence: { handling: null, state: undefined } },
    ])
  })

  it('is there for ends that were not clean only [SUP-9]', async () => {
    const ended = await endOf(probeChild('a', { restart: 'transient' }), (tell) => tell('exit', { reason: 'normal' }))
    expect(ended).toEqual([{ exit: { reason: 'normal' }, evidence: null }])
    expect(await endOf(probeChild('a'), () => undefined)).toEqual([{ exit: { reason: 'shutdown' }, evidence: null }])
  })
})
