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

/** What happens only to some children. */
class Trouble {
  /** For the backoff. */
  restartsInARow = 0
  /** Restarts in a row that were judged to wait. */
  waitsInARow = 0
  lastExit: Exit | null = null
  /** What its last end was made of. */
  failure: unknown = undefined
  /** It is to end because somebody asked: then its spec goes, stays without an actor, or makes place for another. */
  leaving: 'no' | 'goes' | 'stays' | 'replaced' = 'no'
  /** It was started at somebody's request, beside its group: if that fails, it stays down. */
  isAlone = false
  /** It runs, and is to be stopped and started again with its group. */
  isRegrouped = false
  /** Told of its first start, or that there will be none. */
  startReplies: ReplyFunction<{ ref: ActorRef<unknown> }>[] | null = null
  /** Called when it has ended as somebody asked. */
  endReplies: (() => void)[] | null = null
}
const NO_TROUBLE: Readonly<Trouble> = new Trouble()

/** A child as its supervisor sees it. */
export class Child implements Trouble {
  readonly spec: ChildSpec
  phase: ChildPhase = 'down'
  actor: Incarnation | null = null
  /** Of a child that is a supervisor and runs. */
  subtree: Subtree | null = null
  /** Starts that were tried. */
  attempts = 0
  /** Whether a start was ever acknowledged. */
  hasStarted = false
  /** Monotonic ms of its last acknowledged start. */
  startedAt: number | null = null
  /** The last one that was tried. */
  incarnation = 0
  /** Shared until there is any: there may be 100,000 children, and most are never in trouble (ADR 7). */
  private trouble: Readonly<Trouble> = NO_TROUBLE

  constructor(spec: ChildSpec) {
    this.spec = spec
  }

  private own(): Trouble {
    if (this.trouble === NO_TROUBLE) this.trouble = new Trouble()
    return this.trouble
  }

  get restartsInARow(): number {
    return this.trouble.restartsInARow
  }

  set restartsInARow(value: number) {
    if (value !== this.trouble.restartsInARow) this.own().restartsInARow = value
  }

  get waitsInARow(): number {
    return this.trouble.waitsInARow
  }

  set waitsInARow(value: number) {
    if (value !== this.trouble.waitsInARow) this.own().waitsInARow = value
  }

  get lastExit(): Exit | null {
    return this.trouble.lastExit
  }

  set lastExit(value: Exit | null) {
    if (value !== this.trouble.lastExit) this.own().lastExit = value
  }

  get failure(): unknown {
    return this.trouble.failure
  }

  set failure(value: unknown) {
    if (value !== this.trouble.failure) this.own().failure = value
  }

  get leaving(): Trouble['leaving'] {
    return this.trouble.leaving
  }

  set leaving(value: Trouble['leaving']) {
    if (value !== this.trouble.leaving) this.own().leaving = value
  }

  get isAlone(): boolean {
    return this.trouble.isAlone
  }

  set isAlone(value: boolean) {
    if (value !== this.trouble.isAlone) this.own().isAlone = value
  }

  get isRegrouped(): boolean {
    return this.trouble.isRegrouped
  }

  set isRegrouped(value: boolean) {
    if (value !== this.trouble.isRegrouped) this.own().isRegrouped = value
  }

  get startReplies(): Trouble['startReplies'] {
    return this.trouble.startReplies
  }

  set startReplies(value: Trouble['startReplies']) {
    if (value !== this.trouble.startReplies) this.own().startReplies = value
  }

  get endReplies(): Trouble['endReplies'] {
    return this.trouble.endReplies
  }

  set endReplies(value: Trouble['endReplies']) {
    if (value !== this.trouble.endReplies) this.own().endReplies = value
  }
}

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
