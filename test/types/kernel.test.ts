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
import { worker } from '../../src/kernel/child-spec.ts'

type Lane = {
  attach: { message: { agent: string }; reply: { attached: number } }
  close: { message: object }
  $done: { message: { code: number } }
}

/** Checked by tsc, never run: each `@ts-expect-error` is an error that must be one. */
const neverRun = (ctx: ActorContext<Lane>, lane: ActorRef<Lane>): void => {
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
  // @ts-expect-error an outcome must become a message of one's own protocol
  ctx.run(() => 1, { done: ['$nope', () => ({})], failed: ['$done', () => ({ code: 1 })] })
  // @ts-expect-error a timer's message has the type of its kind
  ctx.setTimer('t', 1, '$done', { code: 'x' })
  // @ts-expect-error a reference of one protocol is none of another
  const other: ActorRef<{ ping: { message: object } }> = lane
  void other
}
void neverRun

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
