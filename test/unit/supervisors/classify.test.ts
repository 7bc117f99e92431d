import { describe, expect, it } from 'vitest'
import type { Judgement } from '../../../src/kernel/child-spec.ts'
import { type Exit, named } from '../../../src/kernel/types.ts'
import { type ProbeProtocol, probeChild, root, type SeededSystem, startSeeded } from '../kernel/seeded-system.ts'

const at = (name: string) => named<ProbeProtocol>(name)
const crash = async ({ system, world }: SeededSystem, name = 'a'): Promise<void> => {
  system.tell(at(name), 'crash', { text: `${name} failed` })
  await world.settle()
}
const always = (judgement: Judgement) => () => judgement
const wait = (ms: number, atMost: number): Judgement => ({ do: 'wait', ms, atMost, reason: 'told to wait' })

describe('a judged end', () => {
  it('may wait instead of the backoff, without a restart being counted [SUP-4, SUP-5]', async () => {
    const seeded = await startSeeded(
      root([probeChild('a', { classify: always(wait(700, 9)) })], {
        intensity: { restarts: 0, withinMs: 5_000 },
        backoff: { minMs: 10, maxMs: 20, jitter: 0, resetAfterMs: 60_000 },
      }),
    )
    await crash(seeded)
    expect(seeded.decisions).toMatchObject([{ decision: 'wait', delayMs: 700, restarts: 0, waits: 1, reason: 'told to wait' }])
    await seeded.world.advance(699)
    expect(seeded.log.at(-1)).toBe('exited a$1 crashed')
    await seeded.world.advance(1)
    expect(seeded.log.at(-1)).toBe('started a$2')
  })

  it('may wait so often in a row, failed starts included; one more escalates and says why [SUP-4, SUP-9]', async () => {
    let starts = 0
    const init = (): void => {
      if ((starts += 1) === 2) throw new Error('not yet')
    }
    const seeded = await startSeeded(root([probeChild('a', { init, classify: always(wait(10, 2)) })]))
    await crash(seeded)
    await seeded.world.advance(10)
    expect(seeded.decisions.map(({ decision, waits }) => [decision, waits])).toEqual([
      ['wait', 1],
      ['wait', 2],
    ])
    await seeded.world.advance(10)
    await crash(seeded)
    expect(seeded.decisions.at(-1)).toMatchObject({ decision: 'escalate', waits: 3, reason: 'told to wait; waited 2 times in a row' })
    expect(await seeded.system.exited).toMatchObject({
      reason: 'escalated',
      error: { code: 'ERR_SUPERVISOR_ESCALATED', message: '"a" under "root" was given up: told to wait; waited 2 times in a row' },
      cause: { reason: 'crashed' },
    })
  })

  it('starts a new row of waits after a stable life: the backoff’s, or else the window of the intensity [SUP-5]', async () => {
    for (const backoff of [{ minMs: 1, maxMs: 1, jitter: 0, resetAfterMs: 5_000 }, undefined]) {
      const seeded = await startSeeded(root([probeChild('a', { classify: always(wait(10, 1)) })], backoff === undefined ? {} : { backoff }))
      for (let life = 0; life < 3; life += 1) {
        await seeded.world.advance(5_010)
        await crash(seeded)
      }
      expect(seeded.decisions.map(({ waits }) => waits)).toEqual([1, 1, 1])
    }
  })

  it('is judged with the waits before it [SUP-9]', async () => {
    const seen = new Set<number>()
    const classify = (_exit: Exit, waits: number): Judgement => {
      seen.add(waits)
      return wait(10 * 2 ** waits, 9)
    }
    const seeded = await startSeeded(root([probeChild('a', { classify })]))
    for (let life = 0; life < 3; life += 1) {
      await crash(seeded)
      await seeded.world.advance(100)
    }
    expect(seeded.decisions.map(({ delayMs }) => delayMs)).toEqual([10, 20, 40])
    expect([...seen]).toEqual([0, 1, 2])
  })

  it('may stop a permanent child, which its supervisor then heeds as significant [SUP-3]', async () => {
    const stop: Judgement = { do: 'stop', reason: 'nobody lets it in' }
    const seeded = await startSeeded(
      root([probeChild('a', { significant: true, classify: always(stop) }), probeChild('b')], { autoShutdown: 'any_significant' }),
    )
    await crash(seeded)
    expect(seeded.decisions).toMatchObject([{ decision: 'auto-shutdown', reason: 'nobody lets it in', restarts: 0 }])
    expect(await seeded.system.exited).toEqual({ reason: 'shutdown' })
  })

  it('leaves the others alone where it only stops the child, which can be started again at request [SUP-3]', async () => {
    const seeded = await startSeeded(root([probeChild('a', { classify: always({ do: 'stop', reason: 'no' }) }), probeChild('b')]))
    await crash(seeded)
    expect(seeded.log.at(-1)).toBe('exited a$1 crashed')
    expect(seeded.system.tree().children.map(({ state }) => state)).toEqual(['stopping', 'running'])
    seeded.system.tell(named<Record<string, { message: object }>>('root'), 'supervisor.restart-child', { name: 'a' })
    await seeded.world.settle()
    expect(seeded.log.at(-1)).toBe('started a$2')
  })

  it('never brings back what its restart type does not [SUP-3]', async () => {
    for (const judgement of [wait(1, 9), { do: 'restart' } as const]) {
      const seeded = await startSeeded(
        root([
          probeChild('a', { restart: 'temporary', classify: always(judgement) }),
          probeChild('b', { restart: 'transient', classify: always(judgement) }),
        ]),
      )
      await crash(seeded)
      seeded.system.tell(at('b'), 'exit', { reason: 'normal' })
      await seeded.world.advance(1_000)
      expect(seeded.decisions.map(({ decision }) => decision)).toEqual(['remove', 'remove'])
    }
  })

  it('tells senders whether to try again as it will be decided [SUP-7]', async () => {
    const asked = async (judgement: Judgement): Promise<string> => {
      const seeded = await startSeeded(
        root([probeChild('a', { classify: always(judgement) })], { intensity: { restarts: 9, withinMs: 1 } }),
      )
      const answer = seeded.system.ask(at('a'), 'silent', {}, { timeoutMs: 100 }).catch(({ code }: { code: string }) => code)
      await crash(seeded)
      return String(await answer)
    }
    expect(await asked({ do: 'restart' })).toBe('ERR_ACTOR_RESTARTED')
    expect(await asked(wait(1, 1))).toBe('ERR_ACTOR_RESTARTED')
    expect(await asked(wait(1, 0))).toBe('ERR_ACTOR_STOPPED')
    expect(await asked({ do: 'stop', reason: 'x' })).toBe('ERR_ACTOR_STOPPED')
    expect(await asked({ do: 'escalate', reason: 'x' })).toBe('ERR_ACTOR_STOPPED')
  })

  it.each([
    [
      'throws',
      () => {
        throw new Error('oops')
      },
      'its classify failed: oops',
    ],
    ['waits for ever', always(wait(Infinity, 1)), 'its classify gave no sensible wait (Infinity ms, at most 1)'],
    ['waits for no number', always(wait(NaN, 1)), 'its classify gave no sensible wait (NaN ms, at most 1)'],
    ['waits without a bound', always(wait(1, Infinity)), 'its classify gave no sensible wait (1 ms, at most Infinity)'],
  ])('that %s escalates in words instead of crashing its supervisor [SUP-9]', async (_what, classify, reason) => {
    const seeded = await startSeeded(root([probeChild('a', { classify })]))
    await crash(seeded)
    expect(seeded.decisions).toMatchObject([{ decision: 'escalate', reason }])
    expect(await seeded.system.exited).toMatchObject({ reason: 'escalated', error: { code: 'ERR_SUPERVISOR_ESCALATED' } })
  })

  it('is not asked about a stop that was asked for [SUP-6]', async () => {
    let asked = 0
    const classify = (): Judgement => {
      asked += 1
      return { do: 'escalate', reason: 'x' }
    }
    const seeded = await startSeeded(root([probeChild('a', { classify })]))
    const stopped = seeded.system.stop()
    await seeded.world.settle()
    await stopped
    expect(asked).toBe(0)
  })
})
