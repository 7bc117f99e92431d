import { describe, expectTypeOf, it } from 'vitest'
import {
  type ActorContext,
  type ActorDefinition,
  type ActorRef,
  type AskTypeOf,
  defineActor,
  type MessageOf,
  named,
  type ReplyOf,
  type TypeOf,
} from '../../src/kernel/types.ts'
import { type SupervisorProtocol, worker } from '../../src/kernel/child-spec.ts'
import type { System } from '../../src/supervisors/system.types.ts'

type Lane = {
  attach: { message: { agent: string }; reply: { attached: number } }
  close: { message: object }
  $done: { message: { code: number } }
}

/** Checked by tsc, never run: each `@ts-expect-error` is an error that must be one. */
const inAnActor = (ctx: ActorContext<Lane>, lane: ActorRef<Lane>): void => {
  ctx.tell(lane, 'attach', { agent: 'a' })
  ctx.tell(named<Lane>('lane'), 'close', {})
  // @ts-expect-error unknown type
  ctx.tell(lane, 'detach', {})
  // @ts-expect-error wrong message
  ctx.tell(lane, 'attach', { agent: 1 })
  // @ts-expect-error a message without a reply cannot be asked
  void ctx.ask(lane, 'close', {}, { timeoutMs: 1 })
  // @ts-expect-error an ask has a time limit
  void ctx.ask(lane, 'attach', { agent: 'a' })
  expectTypeOf(ctx.ask(lane, 'attach', { agent: 'a' }, { timeoutMs: 1 })).toEqualTypeOf<Promise<{ attached: number }>>()
  expectTypeOf(ctx.lookup<Lane>('lane')).toEqualTypeOf<ActorRef<Lane> | undefined>()
  // @ts-expect-error a watched exit must become a message of one's own protocol
  ctx.watch(lane, ['$nope', () => ({})])
  // @ts-expect-error an outcome must become a message of one's own protocol
  ctx.run(() => 1, { done: ['$nope', () => ({})], failed: ['$done', () => ({ code: 1 })] })
  // @ts-expect-error a timer's message has the type of its kind
  ctx.setTimer('t', 1, '$done', { code: 'x' })
  // @ts-expect-error a reference of one protocol is none of another
  const other: ActorRef<{ ping: { message: object } }> = lane
  void other
}
void inAnActor

/** As above, from outside. */
const inASystem = async (system: System): Promise<void> => {
  const lane = system.lookup<Lane>('lane')
  // @ts-expect-error perhaps nobody has the name
  system.tell(lane, 'close', {})
  if (lane === undefined) return
  expectTypeOf(lane).toEqualTypeOf<ActorRef<Lane>>()
  system.tell(lane, 'close', {})
  system.tell(named<Lane>('lane'), 'attach', { agent: 'a' })
  // @ts-expect-error unknown type
  system.tell(lane, 'detach', {})
  // @ts-expect-error wrong message
  system.tell(named<Lane>('lane'), 'attach', { agent: 1 })
  // @ts-expect-error a message that is missing
  system.tell(lane, 'attach')
  const answer = await system.ask(lane, 'attach', { agent: 'a' }, { timeoutMs: 1 })
  expectTypeOf(answer).toEqualTypeOf<{ attached: number }>()
  expectTypeOf(
    await system.ask(named<SupervisorProtocol>('root'), 'supervisor.stop-child', { name: 'a' }, { timeoutMs: 1 }),
  ).toEqualTypeOf<{
    stopped: boolean
  }>()
  // @ts-expect-error a message without a reply cannot be asked
  void system.ask(lane, 'close', {}, { timeoutMs: 1 })
  // @ts-expect-error an ask has a time limit
  void system.ask(lane, 'attach', { agent: 'a' })
  // @ts-expect-error wrong message
  void system.ask(lane, 'attach', { agents: ['a'] }, { timeoutMs: 1 })
  // @ts-expect-error a trace has an end
  system.trace({ actor: 'lane' }, () => {})
}
void inASystem

const on: ActorDefinition<Lane, number, null>['on'] = {
  attach: (_ctx, state, { agent }, reply) => {
    reply({ attached: agent.length })
    return state
  },
  close: (_ctx, state) => state,
  $done: async (_ctx, state, { code }) => state + code,
}

describe('types of messages', () => {
  it('follow from the protocol [SUP-7]', () => {
    expectTypeOf<TypeOf<Lane>>().toEqualTypeOf<'attach' | 'close' | '$done'>()
    expectTypeOf<AskTypeOf<Lane>>().toEqualTypeOf<'attach'>()
    expectTypeOf<MessageOf<Lane, 'attach'>>().toEqualTypeOf<{ agent: string }>()
    expectTypeOf<ReplyOf<Lane, 'attach'>>().toEqualTypeOf<{ attached: number }>()
  })

  it('make a definition without a handler, or with a wrong one, impossible [SUP-7]', () => {
    defineActor<Lane, number, null>({ kind: 'lane', init: () => 0, on })
    // @ts-expect-error a handler for close is missing
    defineActor<Lane, number, null>({ kind: 'lane', init: () => 0, on: { attach: on.attach, $done: on.$done } })
    // @ts-expect-error the state is a number
    defineActor<Lane, number, null>({ kind: 'lane', init: () => 'zero', on })
    const attach: typeof on.attach = (_ctx, state, _message, reply) => {
      // @ts-expect-error the reply has a shape
      reply({ attached: 'one' })
      return state
    }
    void attach
    // @ts-expect-error a handler for what nobody can send
    defineActor<Lane, number, null>({ kind: 'lane', init: () => 0, on: { ...on, detach: (_ctx, state) => state } })
    // @ts-expect-error a handler that forgets the state
    const close: typeof on.close = () => {}
    void close
  })

  it('tie the arguments of a child to its definition [SUP-3]', () => {
    const definition = defineActor<Lane, number, { id: string }>({ kind: 'lane', init: (_ctx, { id }) => id.length, on })
    worker('lane', definition, { id: 'a' })
    // @ts-expect-error wrong arguments
    worker('lane', definition, { id: 1 })
    // @ts-expect-error no such restart type
    worker('lane', definition, { id: 'a' }, { restart: 'always' })
  })
})
