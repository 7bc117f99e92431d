import type { Clock } from '../../ports/clock.port.ts'
import type { ControlMethod, ParamsOf, ProgressOf, ResultOf } from '../../protocols/control/methods.ts'
import type { StopProgress } from '../../protocols/control/views.ts'
import type { Runtime } from '../runtime.ts'
import type { Connection, ControlLimits, TakeOver } from './connection.ts'

/** A request that is being carried out. */
export type Call<M extends ControlMethod = ControlMethod> = {
  /** Who asks, for people and records. */
  readonly by: string
  readonly connection: Connection
  /** The id that was chosen for what the call makes, of methods that have `assign`. */
  readonly assigned: string | null
  readonly progress: (progress: ProgressOf<M>) => void
  /** Lets the connection go on in frames once the call is answered. */
  readonly takeOver: (by: TakeOver) => void
  /** Calls this once the call is answered. */
  readonly afterwards: (then: () => void) => void
}

/** How a method is carried out. */
export type MethodOf<M extends ControlMethod> = {
  run(params: ParamsOf<M>, call: Call<M>): Promise<ResultOf<M>> | ResultOf<M>
  /** Chooses the id of what it makes before it does. */
  assign?(): string
  /** Whether a call that an orchestrator had begun that died was carried out: its answer, or null. */
  again?(assigned: string): Promise<ResultOf<M> | null>
}

export type Methods = { readonly [M in ControlMethod]: MethodOf<M> }

/** What methods work on. */
export type Served = {
  readonly runtime: Runtime
  readonly clock: Clock
  readonly version: string
  readonly startedAt: number
  readonly limits: ControlLimits
  readonly clients: () => number
  /** Ends everything; told how far it has come. */
  readonly stop: (onProgress: (progress: StopProgress) => void) => Promise<ResultOf<'orchestrator.stop'>>
  /** Once the answer to a stop was sent. */
  readonly stopped: () => void
}
