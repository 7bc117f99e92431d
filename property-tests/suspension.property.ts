import assert from 'node:assert/strict'
import fc from 'fast-check'
import { defineActor, named } from '../src/kernel/types.ts'
import { worker } from '../src/kernel/child-spec.ts'
import type { Engine } from '../src/testing/simulate.ts'
import { engineProperty } from './engine-property.ts'
import type { Proven } from './proven.ts'

/** `say`: a message whose handler takes simulated ms; and then, where it arms one, a timer. */
type Step =
  | { readonly say: { readonly takesMs: number; readonly armsMs: number | null } }
  | { readonly waitMs: number }
  | 'suspend'
  | 'resume'
type Scenario = { readonly steps: readonly Step[]; readonly stopsSuspended: boolean }

type NoterProtocol = {
  note: { message: { n: number; takesMs: number; armsMs: number | null } }
  $due: { message: { n: number } }
}

/** More time than all handlers and timers of a scenario together. */
const LONG_MS = 10_000
const A = named<NoterProtocol>('a')

const start = async (engine: Engine) => {
  const world = new engine.SeededScheduler(1)
  const { clock } = world
  /** What was begun, in order: messages by number, timers by number with a minus. */
  const begun: number[] = []
  const exits: string[] = []
  const sleep = (ms: number): Promise<void> => new Promise((resolve) => void clock.setTimer(ms, resolve))
  const noter = defineActor<NoterProtocol, null, null>({
    kind: 'noter',
    init: () => null,
    on: {
      note: (ctx, state, { n, takesMs, armsMs }) => {
        begun.push(n)
        if (armsMs !== null) ctx.setTimer(`timer ${n}`, armsMs, '$due', { n })
        return takesMs === 0 ? state : sleep(takesMs).then(() => state)
      },
      $due: (_ctx, state, { n }) => {
        begun.push(-n)
        return state
      },
    },
  })
  const system = await engine.startSystem({
    scheduler: world,
    clock,
    random: world.random,
    root: { type: 'supervisor', name: 'root', strategy: 'one_for_one', children: [worker('a', noter, null)] },
    observer: { exited: ({ name, exit }) => exits.push(`${name} ${exit.reason}`) },
  })
  return { world, system, begun, exits }
}

const ms = fc.constantFrom(0, 1, 5, 20)
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ say: fc.record({ takesMs: ms, armsMs: fc.option(ms) }) }) },
  { weight: 3, arbitrary: fc.record({ waitMs: ms }) },
  { weight: 2, arbitrary: fc.constant('suspend' as const) },
  { weight: 2, arbitrary: fc.constant('resume' as const) },
)
const scenario: fc.Arbitrary<Scenario> = fc.record({
  steps: fc.array(step, { minLength: 1, maxLength: 20 }),
  stopsSuspended: fc.boolean(),
})

const cell = 'kernel/cell.ts'

/** What a person who repairs relies on: nothing moves while it is suspended, nothing is lost, and it can still be stopped. */
export const suspension: readonly Proven<Scenario>[] = engineProperty(
  'kernel',
  'a suspended actor begins nothing, loses nothing, goes on in order, and stops as any other [SUP-1]',
  scenario,
  async (engine, { steps, stopsSuspended }) => {
    const { world, system, begun, exits } = await start(engine)
    let said = 0
    let armed = 0
    let suspendedAt: number | null = null
    const suspend = (): void => {
      assert.equal(system.suspend('a'), true)
      suspendedAt ??= begun.length
    }
    for (const one of steps) {
      if (one === 'suspend') suspend()
      else if (one === 'resume') {
        assert.equal(system.resume('a'), true)
        suspendedAt = null
      } else if ('waitMs' in one) await world.advance(one.waitMs)
      else {
        said += 1
        if (one.say.armsMs !== null) armed += 1
        system.tell(A, 'note', { n: said, ...one.say })
      }
      if (suspendedAt === null) continue
      assert.equal(begun.length, suspendedAt, 'nothing is begun')
      assert.equal(system.inspect('a')?.state, 'suspended')
    }
    if (stopsSuspended) {
      suspend()
      await world.advance(LONG_MS)
    } else {
      system.resume('a')
      await world.advance(LONG_MS)
      const messages = begun.filter((n) => n > 0)
      assert.deepEqual(
        messages,
        Array.from({ length: said }, (_, index) => index + 1),
      )
      assert.equal(begun.length, said + armed, 'each timer once')
    }
    const stopped = system.stop()
    await world.advance(0)
    assert.deepEqual(exits, ['a shutdown', 'root shutdown'], 'it stops at once')
    await stopped
  },
  {
    runs: 200,
    catches: [
      { name: 'suspended at the next drain only', file: cell, from: '    if (this.isSuspended) return null\n', to: '' },
      {
        name: 'resumed at the next message only',
        file: cell,
        from: '    if (this.mail !== null && !this.mail.isEmpty) this.wake()\n',
        to: '',
      },
      { name: 'suspended and not to be stopped', file: cell, from: '(this.isSuspended && this.ending === null)', to: 'this.isSuspended' },
      { name: 'suspended for ever', file: cell, from: 'this.isSuspended = false', to: 'this.isSuspended = this.isSuspended || false' },
    ],
  },
)
