import type { ActorRef, AskOptions, AskTypeOf, DeadLetter, Exit, MessageOf, ReplyOf, Target, TypeOf } from '../kernel/types.ts'
import type { Clock } from '../ports/clock.port.ts'
import type { Random } from '../ports/random.port.ts'
import type { Scheduler } from '../ports/scheduler.port.ts'
import type { Decision, SupervisorSpec } from '../kernel/child-spec.ts'

/** What a system tells about itself as it happens. Observers are called synchronously and must not throw. */
export type SystemObserver = {
  started?(actor: { readonly name: string; readonly incarnation: number; readonly kind: string; readonly supervisor: string | null }): void
  exited?(actor: { readonly name: string; readonly incarnation: number; readonly kind: string; readonly exit: Exit }): void
  decided?(decision: Decision): void
  deadLetter?(letter: DeadLetter): void
}

/** A node of the supervision tree, for people. */
export type TreeNode = {
  readonly name: string
  readonly incarnation: number
  readonly kind: string
  readonly state: 'starting' | 'running' | 'restarting' | 'stopping'
  readonly mailbox: { readonly now: number; readonly max: number }
  readonly restarts: number
  readonly children: readonly TreeNode[]
}

/** One actor as it is now, for people. */
export type Inspection = {
  readonly name: string
  readonly incarnation: number
  readonly kind: string
  /** ended: it does not run, and its supervisor keeps its spec. */
  readonly state: 'starting' | 'running' | 'restarting' | 'stopping' | 'ended'
  /** User mail: what waits, the most that ever did, what an overflow lost; the age of the oldest, if it came since the first look. */
  readonly mailbox: {
    readonly now: number
    readonly most: number
    readonly limit: number
    readonly dropped: number
    readonly oldestMs: number | null
  }
  /** Messages since the start of this incarnation, system mail included. */
  readonly handled: number
  /** Handlers since the first look at this incarnation, `forMs` ago. */
  readonly handlers: { readonly forMs: number; readonly count: number; readonly sumMs: number; readonly maxMs: number }
  /** Starts that its supervisor tried, after the first. */
  readonly restarts: number
  /** Of the incarnation before. */
  readonly lastExit: Exit | null
}

/** A step of a coordinated shutdown: children, wherever in the tree, that end together. */
export type ShutdownPhase = {
  readonly name: string
  /** Names of actors or supervisors; one that does not run is passed over. */
  readonly stops: readonly string[]
  /** For all of them, whatever their own shutdown times are. ms */
  readonly limitMs: number
}

/** How a phase went. `late`: what did not stop in time and was killed. */
export type PhaseReport = { readonly phase: string; readonly tookMs: number; readonly late: readonly string[] }

export type SystemOptions = {
  readonly scheduler: Scheduler
  readonly clock: Clock
  readonly random: Random
  readonly root: SupervisorSpec
  readonly observer?: SystemObserver
}

/** A running supervision tree. Only supervisors start actors. Made by `startSystem(options): Promise<System>`, which rejects with ERR_ACTOR_INIT_FAILED when the tree cannot start (what had started is stopped). */
export interface System {
  lookup<Q>(name: string): ActorRef<Q> | undefined
  tell<Q, T extends TypeOf<Q>>(target: Target<Q>, type: T, message: MessageOf<Q, T>): void
  ask<Q, T extends AskTypeOf<Q>>(target: Target<Q>, type: T, message: MessageOf<Q, T>, options: AskOptions): Promise<ReplyOf<Q, T>>
  tree(): TreeNode
  /** Looks at an actor. Handlers are timed and mail is stamped from the first look at an incarnation on: before, it costs nothing. */
  inspect(name: string): Inspection | undefined
  /** The last 256, oldest first. */
  deadLetters(): readonly DeadLetter[]
  /** Resolves when the root has ended, by `stop` or by escalation to the top. */
  readonly exited: Promise<Exit>
  /** Stops the tree in reverse order of start, then the scheduler. Idempotent. */
  stop(reason?: 'shutdown' | 'handover'): Promise<void>
  /**
   * Stops in phases, one after the other, then what is left (phase `rest`) in reverse order of start, then the scheduler.
   * Never takes longer than all limits together.
   * @param limitMs for the rest
   * @param onPhase called after each phase, and after the rest
   */
  shutdown(phases: readonly ShutdownPhase[], limitMs: number, onPhase?: (report: PhaseReport) => void): Promise<readonly PhaseReport[]>
}
