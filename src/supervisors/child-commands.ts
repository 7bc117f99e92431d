import { NO_REPLY } from '../kernel/ask.ts'
import type { Incarnation } from '../kernel/incarnation.types.ts'
import type { ReplyFunction } from '../kernel/types.ts'
import { Child, describeChild, hasActor, isOrdered, restartOf } from './child.ts'
import type { Children } from './children.ts'
import type { ChildSpec, SupervisorProtocol, SupervisorSpec } from '../kernel/child-spec.ts'
import { childNotFound, childRuns, startFailed } from './supervisor-errors.ts'
import { validateChild } from './validate-spec.ts'

type Reply<T extends keyof SupervisorProtocol> = ReplyFunction<SupervisorProtocol[T]['reply']>
type Handlers = {
  readonly [T in keyof SupervisorProtocol]: (ctx: unknown, state: null, message: SupervisorProtocol[T]['message'], reply: Reply<T>) => null
}

/** What the commands need of their supervisor. */
export interface ChildKeeper {
  readonly spec: SupervisorSpec
  readonly children: Children
  /** Takes a name for this supervisor. @throws ERR_SUPERVISOR_CHILD_EXISTS */
  claim(name: string): void
  release(name: string): void
  start(child: Child): Incarnation
  stop(child: Child): void
  remove(child: Child, error: unknown): void
  /** Of a child that waits for its restart. */
  cancelDelay(child: Child): void
  reconcile(child: Child): null
}

/** Children added, ended, started again and replaced at run time, as OTP's supervisor lets one. Never waits. */
export class ChildCommands {
  private readonly keeper: ChildKeeper

  constructor(keeper: ChildKeeper) {
    this.keeper = keeper
  }

  handlers(): Handlers {
    const { children } = this.keeper
    return {
      'supervisor.start-child': (_ctx, _state, { spec }, reply) => this.add(spec, reply),
      'supervisor.stop-child': (_ctx, _state, { name }, reply) => this.end(name, 'goes', (found) => reply({ stopped: found })),
      'supervisor.terminate-child': (_ctx, _state, { name }, reply) =>
        this.end(name, 'stays', (found) => (found ? reply({}) : reply.fail(childNotFound(this.keeper.spec.name, name)))),
      'supervisor.restart-child': (_ctx, _state, { name }, reply) => this.restart(name, reply),
      'supervisor.delete-child': (_ctx, _state, { name }, reply) => this.delete(name, reply),
      'supervisor.replace-child': (_ctx, _state, { name, spec }, reply) => this.replace(name, spec, reply),
      'supervisor.children': (_ctx, _state, _message, reply) => answer(reply, { children: children.list().map(describeChild) }),
      'supervisor.count-children': (_ctx, _state, _message, reply) => answer(reply, children.counts()),
    }
  }

  private add(spec: ChildSpec, reply: Reply<'supervisor.start-child'>): null {
    const { keeper } = this
    try {
      validateChild(keeper.spec, spec)
      keeper.claim(spec.name)
    } catch (error) {
      return refuse(reply, error)
    }
    const child = new Child(spec)
    keeper.children.add(child)
    if (reply !== NO_REPLY) (child.startReplies ??= []).push(reply)
    return keeper.reconcile(child)
  }

  private end(name: string, spec: 'goes' | 'stays', then: (found: boolean) => void): null {
    const { keeper } = this
    const child = keeper.children.get(name)
    if (child === undefined) {
      then(false)
      return null
    }
    const goes = spec === 'goes' || restartOf(child.spec) === 'temporary' || keeper.spec.strategy === 'dynamic'
    if (child.leaving !== 'goes') child.leaving = goes ? 'goes' : 'stays'
    ;(child.endReplies ??= []).push(() => then(true))
    if (!hasActor(child)) this.hasEnded(child, false)
    else if (child.phase !== 'stopping') keeper.stop(child)
    return keeper.reconcile(child)
  }

  /** What was asked for about a child that has no actor any more. @param isRegrouped whether its group is being restarted */
  hasEnded(child: Child, isRegrouped: boolean): void {
    const { keeper } = this
    if (child.leaving === 'goes') return keeper.remove(child, undefined)
    keeper.cancelDelay(child)
    child.phase = child.leaving === 'replaced' && isRegrouped ? 'down' : 'done'
    child.leaving = 'no'
    failStarts(child, startFailed(keeper.spec.name, child.spec.name, undefined))
    tellEnded(child)
  }

  private restart(name: string, reply: Reply<'supervisor.restart-child'>): null {
    const child = this.keeper.children.get(name)
    if (child === undefined) return refuse(reply, childNotFound(this.keeper.spec.name, name))
    if (child.phase !== 'done') return refuse(reply, childRuns(this.keeper.spec.name, child))
    ;(child.startReplies ??= []).push(reply)
    this.startAlone(child)
    return null
  }

  private delete(name: string, reply: Reply<'supervisor.delete-child'>): null {
    const child = this.keeper.children.get(name)
    if (child === undefined) return refuse(reply, childNotFound(this.keeper.spec.name, name))
    if (child.phase !== 'done') return refuse(reply, childRuns(this.keeper.spec.name, child))
    this.keeper.remove(child, undefined)
    return answer(reply, {})
  }

  /** Where it runs, it is ended first, and then this comes again: so that two at once replace one after the other. */
  private replace(name: string, spec: ChildSpec, reply: Reply<'supervisor.replace-child'>): null {
    const { keeper } = this
    const old = keeper.children.get(name)
    if (old === undefined) return refuse(reply, childNotFound(keeper.spec.name, name))
    try {
      validateChild(keeper.spec, spec)
      // A taken name is said before anything is ended.
      if (spec.name !== name) keeper.claim(spec.name)
    } catch (error) {
      return refuse(reply, error)
    }
    if (hasActor(old)) {
      if (spec.name !== name) keeper.release(spec.name)
      ;(old.endReplies ??= []).push(() => this.replace(name, spec, reply))
      if (old.leaving === 'no') old.leaving = 'replaced'
      if (old.phase !== 'stopping') keeper.stop(old)
      return null
    }
    const child = new Child(spec)
    keeper.children.replace(old, child)
    if (spec.name !== name) keeper.release(name)
    ;(child.startReplies ??= []).push(reply)
    if (old.phase === 'done' || !isOrdered(keeper.spec)) {
      keeper.cancelDelay(old)
      this.startAlone(child)
      return null
    }
    // It waits for its restart, or for its turn in its group: so does what comes in its place.
    keeper.cancelDelay(old)
    failStarts(old, startFailed(keeper.spec.name, name, undefined))
    child.hasStarted = old.hasStarted
    return keeper.reconcile(child)
  }

  /** As OTP does: no other child is touched, and a start that fails is the asker's business. */
  private startAlone(child: Child): void {
    child.isAlone = true
    this.keeper.start(child)
  }
}

export const failStarts = (child: Child, error: unknown): void => {
  const replies = child.startReplies
  child.startReplies = null
  for (const reply of replies ?? []) reply.fail(error)
}

export const tellEnded = (child: Child): void => {
  const replies = child.endReplies
  child.endReplies = null
  for (const reply of replies ?? []) reply()
}

const answer = <R>(reply: ReplyFunction<R>, value: R): null => {
  reply(value)
  return null
}

const refuse = (reply: { fail(error: unknown): void }, error: unknown): null => {
  reply.fail(error)
  return null
}
