import type { ActorRef, AskOptions, AskTypeOf, DeadLetter, Exit, ExitedActor, MessageOf, ReplyOf, Target, TypeOf } from '../kernel/types.ts'
import type { Load } from '../kernel/meter.ts'
import type { TraceEvent, TraceHandle, TraceOptions } from '../kernel/trace.types.ts'
import type { Look } from '../kernel/watcher.ts'
import type { Clock } from '../ports/clock.port.ts'
import type { Random } from '../ports/random.port.ts'
import type { Scheduler } from '../ports/scheduler.port.ts'
import type { Decision, SupervisorSpec } from '../kernel/child-spec.ts'

/** What a system tells about itself as it happens. Observers are called synchronously and must not throw. */
export type SystemObserver = {
  started?(actor: { readonly name: string; readonly incarnation: number; readonly kind: string; readonly supervisor: string | null }): void
  /** `evidence` is given for abnormal exits; what it returns is made when it is called. */
  exited?(actor: ExitedActor): void
  decided?(decision: Decision): void
  deadLetter?(letter: DeadLetter): void
}

/** suspended: it runs, and handles nothing until it is resumed. ended: it does not run, and its supervisor keeps its spec. */
export type ActorState = 'starting' | 'running' | 'suspended' | 'restarting' | 'stopping' | 'ended'

/** A node of the supervision tree, for people. */
export type TreeNode = {
  readonly name: string
  readonly incarnation: number
  readonly kind: string
  readonly state: Exclude<ActorState, 'ended'>
  readonly mailbox: { readonly now: number; readonly max: number }
  readonly restarts: number
  readonly children: readonly TreeNode[]
}

/** Restarts of a supervisor's children within its window as it is now. One more than `allowed`, and the supervisor ends. */
export type RestartsInWindow = { readonly used: number; readonly allowed: number; readonly withinMs: number }

/** One actor as it is now, for people. */
export type Inspection = {
  readonly name: string
  readonly incarnation: number
  readonly kind: string
  /** Null for the root. */
  readonly supervisor: string | null
  readonly state: ActorState
  /** Since the start of this incarnation was acknowledged; null where it does not run. */
  readonly upMs: number | null
  /** User mail: what waits, the most that ever did, what an overflow lost; the age of the oldest: at least, if it came before the first look. */
  readonly mailbox: {
    readonly now: number
    readonly most: number
    readonly limit: number
    readonly dropped: number
    readonly oldestMs: number | null
  }
  /** Messages since the start of this incarnation, system mail included. */
  readonly handled: number
  /** What it is at work on. */
  readonly handling: Look['handling']
  /** Since the first look at this incarnation that still holds. */
  readonly handlers: Load
  /** Starts that its supervisor tried, after the first. */
  readonly restarts: number
  /** What its supervisor may still do; null for the root. */
  readonly window: RestartsInWindow | null
  /** Of a supervisor that runs: what it may still do for its children. */
  readonly childWindow: RestartsInWindow | null
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
  /** Messages that each actor keeps, for the evidence of its end. Costs a little time for each message. @defaultValue 0 */
  readonly history?: number
}

/** A running supervision tree. Only supervisors start actors. Made by `startSystem(options): Promise<System>`, which rejects with ERR_ACTOR_INIT_FAILED when the tree cannot start (what had started is stopped). */
export interface System {
  lookup<Q>(name: string): ActorRef<Q> | undefined
  tell<Q, T extends TypeOf<Q>>(target: Target<Q>, type: T, message: MessageOf<Q, T>): void
  ask<Q, T extends AskTypeOf<Q>>(target: Target<Q>, type: T, message: MessageOf<Q, T>, options: AskOptions): Promise<ReplyOf<Q, T>>
  tree(): TreeNode
  /** Looks at an actor. Its handlers are timed and its mail is stamped for 60 s from then on: who looks again before sees all of the time between. Otherwise it costs nothing. */
  inspect(name: string): Inspection | undefined
  /** Looks at all, or at a supervisor and all below it, in the order of the tree; none when `under` is not there. */
  inspectAll(options?: { readonly under?: string }): readonly Inspection[]
  /**
   * Tells `sink` of what happens, as it happens, until `max` events. The sink is called by the actors: it must be quick. What
   * it does itself is not traced. Without a trace it costs nothing.
   * @throws ERR_OPTION_INVALID
   */
  trace(what: TraceOptions, sink: (event: TraceEvent) => void): TraceHandle
  /** The last 256, oldest first. */
  deadLetters(): readonly DeadLetter[]
  /**
   * Stops an actor or supervisor in its shutdown time, wherever in the tree; its spec stays unless it is temporary or its
   * supervisor dynamic. Resolves when it has ended.
   * @throws ERR_SUPERVISOR_CHILD_NOT_FOUND, also for the root; ERR_ACTOR_SUSPENDED for its supervisor; ERR_ASK_TIMEOUT
   */
  terminate(name: string, how: AskOptions): Promise<void>
  /**
   * Stops an actor or supervisor, if it runs, and starts it again in its place. Not counted as a restart.
   * @throws ERR_SUPERVISOR_CHILD_NOT_FOUND, also for the root; ERR_ACTOR_SUSPENDED for its supervisor; ERR_ACTOR_INIT_FAILED,
   *   ERR_ASK_TIMEOUT
   */
  restart(name: string, how: AskOptions): Promise<void>
  /**
   * Ends an actor at once, and all below it, without its shutdown: its supervisor then does what it does after any crash.
   * @returns false where it does not run now
   * @throws ERR_SUPERVISOR_CHILD_NOT_FOUND, also for the root
   */
  kill(name: string): boolean
  /**
   * Lets this incarnation of an actor handle nothing from the end of its present handler on, as `sys:suspend` of OTP: its mail
   * waits, within its limit, timers and outcomes too; a supervisor restarts nothing. It can still be stopped and killed; the
   * next incarnation is not suspended. Idempotent.
   * @returns false where it does not run now
   * @throws ERR_SUPERVISOR_CHILD_NOT_FOUND, also for the root
   */
  suspend(name: string): boolean
  /**
   * It goes on with what waited. Idempotent. @returns false where it does not run now
   * @throws ERR_SUPERVISOR_CHILD_NOT_FOUND, also for the root
   */
  resume(name: string): boolean
  /**
   * Sends a dead letter again, to the incarnation that has the name now, and takes it from the list; nobody waits for its answer
   * any more. One that is not taken again is a new dead letter.
   * @returns whom it was sent to
   * @throws ERR_DEAD_LETTER_NOT_FOUND, ERR_DEAD_LETTER_PRIVATE, ERR_ACTOR_NOT_FOUND when nobody has the name: then it stays
   */
  retry(letter: number): ActorRef<unknown>
  /** Resolves when the root has ended, by `stop` or by escalation to the top. */
  readonly exited: Promise<Exit>
  /** Stops the tree in reverse order of start, then the scheduler. Idempotent. */
  stop(reason?: 'shutdown' | 'handover'): Promise<void>
  /**
   * Stops in phases, one after the other, then what is left (phase `rest`) in reverse order of start, then the scheduler.
   * Never takes longer than all limits together.
   * @param limitMs for the rest
   * @param reason of the rest; handover: what is behind the actors lives on
   * @param onPhase called after each phase, and after the rest
   */
  shutdown(
    phases: readonly ShutdownPhase[],
    limitMs: number,
    onPhase?: (report: PhaseReport) => void,
    reason?: 'shutdown' | 'handover',
  ): Promise<readonly PhaseReport[]>
}
