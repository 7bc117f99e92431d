import assert from 'node:assert/strict'
import fc from 'fast-check'
import { defineActor, named } from '../src/kernel/types.ts'
import { worker } from '../src/kernel/child-spec.ts'
import type { Engine } from '../src/testing/simulate.ts'
import { engineProperty } from './engine-property.ts'
import type { Proven } from './proven.ts'

/** Simulated ms. `answerMs` null: never. */
type Asked = { readonly atMs: number; readonly limitMs: number; readonly answerMs: number | null }
type Outcome = { readonly at: number; readonly code: string }

type SlowProtocol = {
  get: { message: { answerMs: number | null }; reply: number }
  $due: { message: { index: number } }
}
type Waiting = readonly { (value: number): void }[]

/** More timers than any run has; a bug must not make a run endless. */
const MOST_STEPS = 200

/** Answers after a time, or never. */
const slowActor = defineActor<SlowProtocol, Waiting, null>({
  kind: 'slow',
  init: () => [],
  on: {
    get: (ctx, waiting, { answerMs }, reply) => {
      if (answerMs !== null) ctx.setTimer(`answer ${waiting.length}`, answerMs, '$due', { index: waiting.length })
      return [...waiting, reply]
    },
    $due: (_ctx, waiting, { index }) => {
      waiting[index]?.(index)
      return waiting
    },
  },
})

const run = async (engine: Engine, asks: readonly Asked[]): Promise<{ outcomes: Outcome[]; restMs: number }> => {
  const world = new engine.SeededScheduler(1)
  const { clock } = world
  const children = [worker('slow', slowActor, null)]
  const system = await engine.startSystem({
    scheduler: world,
    clock,
    random: world.random,
    root: { type: 'supervisor', name: 'root', strategy: 'one_for_one', children },
  })
  const outcomes: Outcome[] = []
  const inOrder = asks.map((asked, index) => ({ ...asked, index })).toSorted((one, other) => one.atMs - other.atMs)
  for (const { atMs, limitMs, answerMs, index } of inOrder) {
    await world.advance(atMs - clock.monotonic())
    const settle = (code: string): void => void (outcomes[index] = { at: clock.monotonic(), code })
    system.ask(named<SlowProtocol>('slow'), 'get', { answerMs }, { timeoutMs: limitMs }).then(
      () => settle('answered'),
      // A planted copy has error classes of its own.
      ({ code = 'no code' }: { readonly code?: string }) => settle(code),
    )
    await world.settle()
  }
  const isOpen = (): boolean => asks.some((_, index) => outcomes[index] === undefined)
  for (let steps = 0; steps < MOST_STEPS && isOpen(); steps += 1) await world.step()
  const settledAt = clock.monotonic()
  for (let steps = 0; steps < MOST_STEPS && (await world.step()); steps += 1);
  const restMs = clock.monotonic() - settledAt
  const stopped = system.stop()
  await world.settle()
  await stopped
  return { outcomes, restMs }
}

const ms = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 900, max: 1_100 }), fc.integer({ min: 1, max: 4_000 }))
const asksOf: fc.Arbitrary<readonly Asked[]> = fc.array(
  fc.record({
    atMs: fc.integer({ min: 0, max: 3_000 }),
    limitMs: fc.oneof(fc.constantFrom(10, 1_000, 2_500), ms),
    answerMs: fc.option(ms),
  }),
  { minLength: 1, maxLength: 12 },
)

const deadlines = 'kernel/deadlines.ts'

/** A time limit is the asker's only defence against somebody who never answers. */
export const askDeadlines: readonly Proven<readonly Asked[]>[] = engineProperty(
  'kernel',
  'an ask ends with its answer, or at its limit and not a moment off; a rest leaves no timer [SUP-7]',
  asksOf,
  async (engine, asks) => {
    const { outcomes, restMs } = await run(engine, asks)
    for (const [index, { atMs, limitMs, answerMs }] of asks.entries()) {
      const isAnswered = answerMs !== null && answerMs < limitMs
      const isEither = answerMs === limitMs
      const end = outcomes[index]
      assert.ok(end !== undefined, `ask ${index} ends`)
      assert.equal(end.at, atMs + (answerMs === null ? limitMs : Math.min(answerMs, limitMs)))
      if (!isEither) assert.equal(end.code, isAnswered ? 'answered' : 'ERR_ASK_TIMEOUT')
    }
    // Timers of late answers go on; where nothing is answered late, only the tick may be left.
    const lastMs = Math.max(...asks.map(({ atMs, answerMs }) => atMs + (answerMs ?? 0)))
    const endMs = Math.max(...outcomes.map(({ at }) => at))
    assert.ok(restMs <= Math.max(1_000, lastMs - endMs), `a timer is left ${restMs} ms after the last ask`)
  },
  {
    runs: 200,
    catches: [
      { name: 'time limit of the first only', file: deadlines, from: 'if (limited.dueAt < this.firesAt)', to: 'if (this.timer === null)' },
      { name: 'time limits not set again', file: deadlines, from: 'if (next < this.firesAt) this.arm(now, next)', to: '' },
      { name: 'answered ask keeps its limit', file: 'kernel/ask.ts', from: '    leave(this)\n', to: '' },
      {
        name: 'end of a line lost',
        file: deadlines,
        from: 'if (after === null) line.last = before',
        to: 'if (after === null) line.last = null',
      },
      { name: 'limit at twice its time', file: deadlines, from: 'limited.dueAt = now + limitMs', to: 'limited.dueAt = now + 2 * limitMs' },
      { name: 'tick for ever', file: deadlines, from: 'if (next < this.firesAt) this.arm(now, next)', to: 'this.arm(now, next)' },
    ],
  },
)
