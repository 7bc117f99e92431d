import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type ActorDefinition, defineActor } from '../../../src/kernel/types.ts'
import { type ActorChecks, checkActor } from '../../../src/testing/check-actor.ts'

type Store = { save(total: number): Promise<void>; load(): number }
type Protocol = {
  add: { message: { n: number }; reply: number }
  later: { message: { ms: number } }
  $tick: { message: object }
  $saved: { message: { total: number } }
  $failed: { message: { error: unknown } }
}
type State = { readonly store: Store; readonly total: number; readonly saved: number; readonly ticks: number }

/** Saves beside its mail, and answers when that is done. */
const account: ActorDefinition<Protocol, State, Store> = defineActor<Protocol, State, Store>({
  kind: 'account',
  init: (_ctx, store) => ({ store, total: store.load(), saved: store.load(), ticks: 0 }),
  on: {
    add: (ctx, state, { n }, reply) => {
      const total = state.total + n
      ctx.run(() => state.store.save(total), {
        done: ['$saved', () => (reply(total), { total })],
        failed: ['$failed', (error) => (reply.fail(error), { error })],
      })
      return { ...state, total }
    },
    later: (ctx, state, { ms }) => {
      ctx.setTimer('tick', ms, '$tick', {})
      return state
    },
    $tick: (_ctx, state) => ({ ...state, ticks: state.ticks + 1 }),
    $saved: (_ctx, state, { total }) => ({ ...state, saved: Math.max(state.saved, total) }),
    $failed: (_ctx, state) => state,
  },
})
const memory = (): Store => {
  let kept = 0
  return {
    save: async (total) => {
      kept = total
    },
    load: () => kept,
  }
}

const checks: ActorChecks<Protocol, State, Store> = {
  args: (world) => world.port('store', memory()),
  messages: fc.oneof(
    fc.record({ n: fc.nat(100) }).map((message): ['add', { n: number }] => ['add', message]),
    fc.record({ ms: fc.nat(500) }).map((message): ['later', { ms: number }] => ['later', message]),
  ),
  told: ['later'],
  invariants: { 'never owes': ({ total }) => total >= 0, 'saves what it has': ({ saved, total }) => saved <= total },
  ports: [{ port: 'store', method: 'save' }],
  seed: 7,
  runs: 150,
}
const broken = (on: Partial<(typeof account)['on']>): ActorDefinition<Protocol, State, Store> => ({
  ...account,
  on: { ...account.on, ...on },
})
const problemsOf = async (definition: ActorDefinition<Protocol, State, Store>, more: Partial<typeof checks> = {}): Promise<string> =>
  (await checkActor(definition, { ...checks, ...more })).problems.join('\n')

describe('checkActor', () => {
  it('finds nothing in an actor that keeps its promises [SUP-7, SUP-10]', async () => {
    expect(await problemsOf(account)).toBe('')
  })

  it('finds a state that breaks an invariant, shortened, with seed, path and trace [SUP-10, Q-2]', async () => {
    const found = await problemsOf(broken({ $tick: (_ctx, state) => ({ ...state, total: -1 }) }))
    expect(found).toMatch(/^seed 7, path [\d:]+: .*"steps":\[\{"do":"tell","to":"checked","type":"later","message":\{"ms":0\}\}\]/)
    expect(found).toMatch(/"never owes" does not hold after "\$tick"/)
    expect(found).toMatch(/0 ms {2}started/)
  })

  it('finds an actor that forgets an answer [SUP-7]', async () => {
    expect(await problemsOf(broken({ add: (_ctx, state, { n }) => ({ ...state, total: state.total + n }) }), { faults: false })).toMatch(
      /"add" is never answered/,
    )
  })

  it('finds an actor that crashes when an effect fails [SUP-7]', async () => {
    const fragile = broken({
      $failed: () => {
        throw new Error('did not think of that')
      },
    })
    expect(await problemsOf(fragile, { faults: false })).toBe('')
    expect(await problemsOf(fragile)).toMatch(/it ended by itself: crashed: did not think of that/)
  })

  it('finds an actor that leaves a timer of its own behind, or takes chance from elsewhere [SUP-6]', async () => {
    const leaking = (args: { clock: { setTimer(ms: number, fire: () => void): unknown } }) =>
      broken({ add: (_ctx, state, { n }, reply) => (reply(n), args.clock.setTimer(1e9, () => {}), state) })
    const clock: { setTimer(ms: number, fire: () => void): unknown } = { setTimer: () => null }
    const args = (world: Parameters<typeof checks.args>[0]): Store => {
      clock.setTimer = (ms, fire) => world.clock.setTimer(ms, fire)
      return world.port('store', memory())
    }
    expect(await problemsOf(leaking({ clock }), { args, faults: false })).toMatch(/1 timers are left after the end/)
    let calls = 0
    const moody = broken({ add: (ctx, state, { n }, reply) => (reply((calls += 1)), { ...state, total: state.total + n }) })
    expect(await problemsOf(moody, { faults: false })).toMatch(/the same seed gives another trace/)
  })
})
