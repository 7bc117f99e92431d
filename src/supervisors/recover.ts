import type { ChildSpec, RecoverContext, SupervisorSpec } from '../kernel/child-spec.ts'
import type { Exit } from '../kernel/types.ts'

/** What `recover` finds; rejects when the supervisor is stopped before it has found it. */
export const recovered = async (recover: NonNullable<SupervisorSpec['recover']>, ctx: RecoverContext): Promise<readonly ChildSpec[]> => {
  const { promise, reject } = Promise.withResolvers<never>()
  const stop = (): void => reject(ctx.signal.reason)
  ctx.signal.addEventListener('abort', stop, { once: true })
  try {
    return await Promise.race([recover(ctx), promise])
  } finally {
    ctx.signal.removeEventListener('abort', stop)
  }
}

/** Whether what is behind the children of a supervisor that ends lives on: the next incarnation finds them again. */
export const handsOver = ({ recover }: SupervisorSpec, { reason }: Exit): boolean =>
  reason === 'handover' || (reason === 'crashed' && recover !== undefined)
