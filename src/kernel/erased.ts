import type { ActorContext, ActorDefinition, Exit, Overflow, ReplyFunction } from './types.ts'

/** A context whose protocol is not known here. */
export type ErasedContext = ActorContext<Record<string, never>>

type ErasedHandler = (ctx: ErasedContext, state: unknown, message: object, reply: ReplyFunction<unknown>) => unknown

/** A definition without its types: the kernel moves messages and does not look into them. */
export type ErasedDefinition = {
  readonly kind: string
  init(ctx: ErasedContext, args: unknown): unknown
  readonly on: Readonly<Record<string, ErasedHandler>>
  terminate?(ctx: ErasedContext, state: unknown, exit: Exit): unknown
  readonly initLimitMs?: number
  readonly handlerLimitMs?: number
  readonly mailboxLimit?: number
  readonly overflow?: Overflow
}

/** The one place where the types of a definition are dropped; `worker()` has checked them. */
export const erase = <P, S, A>(definition: ActorDefinition<P, S, A>): ErasedDefinition => definition as unknown as ErasedDefinition

/** Never throws: what does not let itself be asked (a revoked proxy, a getter that fails) is no promise. */
export const isPromise = (value: unknown): value is PromiseLike<unknown> => {
  if (typeof value !== 'object' || value === null) return false
  try {
    return 'then' in value && typeof value.then === 'function'
  } catch {
    return false
  }
}
