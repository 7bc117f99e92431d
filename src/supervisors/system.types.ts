import type { ActorRef, AskTypeOf, DeadLetter, Exit, MessageOf, ReplyOf, Target, TypeOf } from '../kernel/types.ts'
import type { Clock } from '../ports/clock.port.ts'
import type { Random } from '../ports/random.port.ts'
import type { Scheduler } from '../ports/scheduler.port.ts'
import type { Decision, SupervisorSpec } from './spec.ts'

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
  ask<Q, T extends AskTypeOf<Q>>(
    target: Target<Q>,
    type: T,
    message: MessageOf<Q, T>,
    options: { readonly timeoutMs: number },
  ): Promise<ReplyOf<Q, T>>
  tree(): TreeNode
  /** The last 256, oldest first. */
  deadLetters(): readonly DeadLetter[]
  /** Resolves when the root has ended, by `stop` or by escalation to the top. */
  readonly exited: Promise<Exit>
  /** Stops the tree in reverse order of start, then the scheduler. Idempotent. */
  stop(reason?: 'shutdown' | 'handover'): Promise<void>
}
