import type { Incarnation } from '../kernel/incarnation.types.ts'
import { type ActorRef, type Exit, isCleanExit, type ReplyFunction } from '../kernel/types.ts'
import type { RestartType } from '../protocols/plan.ts'
import type { ChildSpec, Shutdown, SupervisorSpec } from '../kernel/child-spec.ts'
import type { RestartsInWindow } from './system.types.ts'

/** down: to be started; waiting: to be started after a delay; done: ended and not to be restarted, but its spec stays. */
type ChildPhase = 'down' | 'waiting' | 'starting' | 'running' | 'stopping' | 'done'

/** A supervisor that runs, as others see it. */
export interface Subtree {
  readonly spec: SupervisorSpec
  readonly actor: Incarnation
  readonly children: Iterable<Child> & { get(name: string): Child | undefined }
  /** Restarts as they count now. */
  window(): RestartsInWindow
}

/** A child as its supervisor sees it. */
export type Child = {
  readonly spec: ChildSpec
  phase: ChildPhase
  actor: Incarnation | null
  /** Of a child that is a supervisor and runs. */
  subtree: Subtree | null
  /** Starts that were tried. */
  attempts: number
  /** Its `init` runs at this moment, inside its supervisor's start of it. */
  isBeginning: boolean
  /** Whether a start was ever acknowledged. */
  hasStarted: boolean
  /** For the backoff. */
  restartsInARow: number
  /** Restarts in a row that were judged to wait. */
  waitsInARow: number
  /** Monotonic ms of its last acknowledged start. */
  startedAt: number
  /** The last one that was tried. */
  incarnation: number
  lastExit: Exit | null
  /** What its last end was made of. */
  failure: unknown
  /** It is to end because somebody asked: then its spec goes, stays without an actor, or makes place for another. */
  leaving: 'no' | 'goes' | 'stays' | 'replaced'
  /** It was started at somebody's request, beside its group: if that fails, it stays down. */
  isAlone: boolean
  /** It runs, and is to be stopped and started again with its group. */
  isRegrouped: boolean
  /** Told of its first start, or that there will be none. */
  startReplies: ReplyFunction<{ ref: ActorRef<unknown> }>[] | null
  /** Called when it has ended as somebody asked. */
  endReplies: (() => void)[] | null
}

export const newChild = (spec: ChildSpec): Child => ({
  spec,
  phase: 'down',
  actor: null,
  subtree: null,
  attempts: 0,
  isBeginning: false,
  hasStarted: false,
  restartsInARow: 0,
  waitsInARow: 0,
  startedAt: 0,
  incarnation: 0,
  lastExit: null,
  failure: undefined,
  leaving: 'no',
  isAlone: false,
  isRegrouped: false,
  startReplies: null,
  endReplies: null,
})

/** Source of the defaults: OTP. */
export const shutdownOf = (spec: ChildSpec): Shutdown => spec.shutdown ?? (spec.type === 'supervisor' ? 'infinity' : 5_000)
export const restartOf = (spec: ChildSpec): RestartType => spec.restart ?? 'permanent'

/** Whether a child that ended by itself is to be started again. */
export const isRestartable = (spec: ChildSpec, exit: Exit): boolean => {
  const restart = restartOf(spec)
  return restart === 'permanent' || (restart === 'transient' && !isCleanExit(exit))
}

/** Whether a child may wait for others of its supervisor. */
export const isOrdered = ({ strategy }: SupervisorSpec): boolean => strategy === 'one_for_all' || strategy === 'rest_for_one'

export const hasActor = ({ phase }: Child): boolean => phase === 'starting' || phase === 'running' || phase === 'stopping'

export const isRestarting = ({ phase, attempts }: Child): boolean =>
  phase === 'waiting' || phase === 'down' || (phase === 'starting' && attempts > 1)

/** For people. */
export const describeChild = (child: Child): { name: string; ref: ActorRef<unknown> | null; restarting: boolean } => ({
  name: child.spec.name,
  ref: child.actor?.ref ?? null,
  restarting: isRestarting(child),
})
