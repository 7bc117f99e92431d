import type { ActorContext, ActorDefinition, ActorRef, Exit } from './types.ts'
import type { Backoff, Intensity, RestartType } from '../protocols/plan.ts'

export type { Decision } from '../protocols/decision.ts'

/** How long a child may take to stop: brutal kills at once, a number of ms, or infinity (for supervisors). @defaultValue 5,000 ms; infinity for supervisors (OTP) */
export type Shutdown = 'brutal' | 'infinity' | number

/**
 * What the way in which a child ended asks for. Never more than its restart type allows: `restart` and `wait` start again
 * only a child that its type starts again.
 */
export type Judgement =
  /** As its restart type says, after the backoff: what happens without a judgement. */
  | { readonly do: 'restart' }
  /**
   * A restart after `ms` instead of the backoff. Not counted as one, since nothing is broken; but only `atMost` of them in
   * a row (from 1): one more escalates. A child that lived through a stable period starts a new row.
   */
  | { readonly do: 'wait'; readonly ms: number; readonly atMost: number; readonly reason: string }
  /** No restart, whatever its type: another try cannot help. */
  | { readonly do: 'stop'; readonly reason: string }
  /** Its supervisor ends, as if the intensity were exceeded. */
  | { readonly do: 'escalate'; readonly reason: string }

type ChildOptions = {
  /** @defaultValue permanent (OTP) */
  readonly restart?: RestartType
  readonly shutdown?: Shutdown
  /** With `autoShutdown`, the supervisor ends when this child ends by itself. Not with permanent (OTP), unless `classify` may stop it. */
  readonly significant?: boolean
  /**
   * Judges each end that nobody asked for, a failed restart included, before the restart type counts. Pure: it is asked
   * more than once about the same end. One that throws escalates.
   * @param waits in a row before this end
   */
  readonly classify?: (exit: Exit, waits: number) => Judgement
}

export type WorkerSpec = ChildOptions & {
  readonly type: 'worker'
  /** Unique in the whole system: the name in the registry. */
  readonly name: string
  // oxlint-disable-next-line typescript/no-explicit-any -- a spec holds definitions of any protocol; `worker()` checks definition and args together
  readonly definition: ActorDefinition<any, any, any>
  readonly args: unknown
}

export type SupervisorSpec = ChildOptions & {
  readonly type: 'supervisor'
  readonly name: string
  /**
   * Who is restarted with a child: none; all others (one_for_all); those after it (rest_for_one). dynamic: one_for_one for
   * children added at run time, all independent, stopped in parallel.
   */
  readonly strategy: 'one_for_one' | 'one_for_all' | 'rest_for_one' | 'dynamic'
  /** @defaultValue 1 restart in 5,000 ms (SUP-4) */
  readonly intensity?: Intensity
  /** @defaultValue none: restart at once, as OTP does */
  readonly backoff?: Backoff
  /** any_significant: ends (reason shutdown) when a significant child ended and is not restarted. @defaultValue never */
  readonly autoShutdown?: 'never' | 'any_significant' | 'all_significant'
  /** Started left to right, stopped in reverse. A dynamic supervisor has none at first. */
  readonly children?: readonly ChildSpec[]
  /**
   * Of a dynamic supervisor: the children that each of its incarnations begins with, as the records tell. Started in this
   * order and not waited for; one that cannot start is left out. When such a supervisor crashes, its children are stopped
   * with reason handover: what is behind them lives on for the next incarnation.
   */
  readonly recover?: (ctx: RecoverContext) => readonly ChildSpec[] | Promise<readonly ChildSpec[]>
}

/** What finding children again may use; aborted when the supervisor stops. */
export type RecoverContext = Pick<ActorContext<object>, 'ask' | 'signal'>

export type ChildSpec = WorkerSpec | SupervisorSpec

/** A worker's child spec; definition and args are checked together. */
export const worker = <P, S, A>(name: string, definition: ActorDefinition<P, S, A>, args: A, options?: ChildOptions): WorkerSpec =>
  options === undefined ? { type: 'worker', name, definition, args } : { type: 'worker', name, definition, args, ...options }

/** As OTP counts: `active` have an actor now; the others include children that do not run. */
export type ChildCounts = { readonly specs: number; readonly active: number; readonly supervisors: number; readonly workers: number }

/** What may be asked of a running supervisor: OTP's functions of the same names. */
export type SupervisorProtocol = {
  /** Adds a child and starts it. Answered when its start is acknowledged. @throws ERR_SUPERVISOR_CHILD_EXISTS, ERR_SUPERVISOR_SPEC_INVALID, ERR_ACTOR_INIT_FAILED */
  'supervisor.start-child': { message: { spec: ChildSpec }; reply: { ref: ActorRef<unknown> } }
  /** Stops a child in its shutdown time and removes its spec. Answered when it has ended; `false` when there was none. */
  'supervisor.stop-child': { message: { name: string }; reply: { stopped: boolean } }
  /** Stops a child in its shutdown time and keeps its spec, unless it is temporary or its supervisor dynamic. Answered when it has ended. @throws ERR_SUPERVISOR_CHILD_NOT_FOUND */
  'supervisor.terminate-child': { message: { name: string }; reply: object }
  /** Starts a child that does not run, in its place; no other is touched. One that cannot start keeps its spec. @throws ERR_SUPERVISOR_CHILD_NOT_FOUND, ERR_SUPERVISOR_CHILD_RUNS, ERR_ACTOR_INIT_FAILED */
  'supervisor.restart-child': { message: { name: string }; reply: { ref: ActorRef<unknown> } }
  /** Removes the spec of a child that does not run. @throws ERR_SUPERVISOR_CHILD_NOT_FOUND, ERR_SUPERVISOR_CHILD_RUNS */
  'supervisor.delete-child': { message: { name: string }; reply: object }
  /** Stops a child and starts another spec in its place, of its name or a new one; no other child is touched. One that cannot start keeps the place. @throws ERR_SUPERVISOR_CHILD_NOT_FOUND, ERR_SUPERVISOR_CHILD_EXISTS, ERR_SUPERVISOR_SPEC_INVALID, ERR_ACTOR_INIT_FAILED */
  'supervisor.replace-child': { message: { name: string; spec: ChildSpec }; reply: { ref: ActorRef<unknown> } }
  'supervisor.children': {
    message: object
    reply: { children: readonly { name: string; ref: ActorRef<unknown> | null; restarting: boolean }[] }
  }
  'supervisor.count-children': { message: object; reply: ChildCounts }
}
