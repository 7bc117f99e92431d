import { newActor } from '../kernel/cell.ts'
import { erase } from '../kernel/erased.ts'
import type { Incarnation, Parent, ShutdownTime } from '../kernel/incarnation.types.ts'
import type { Kernel } from '../kernel/kernel.ts'
import { type ActorContext, type ActorDefinition, defineActor, type Exit } from '../kernel/types.ts'
import { toErrorRecord } from '../protocols/errors.ts'
import { Child, hasActor, isOrdered, restartOf, shutdownOf, type Subtree } from './child.ts'
import { ChildCommands, type ChildKeeper, failStarts, tellEnded } from './child-commands.ts'
import { Children } from './children.ts'
import { RestartPolicy, type Verdict } from './restart-policy.ts'
import type { ChildSpec, Decision, SupervisorProtocol, SupervisorSpec } from '../kernel/child-spec.ts'
import type { RestartsInWindow } from './system.types.ts'
import { childExists, gaveUp, startFailed } from './supervisor-errors.ts'
import { handsOver, recovered } from './recover.ts'
import { validateChild, validateSpec } from './validate-spec.ts'

/** What a supervisor is told by the kernel and by its own timers. */
type Protocol = SupervisorProtocol & {
  $started: { message: { child: Child; actor: Incarnation } }
  $exited: { message: { child: Child; actor: Incarnation; exit: Exit; error: unknown } }
  $due: { message: { child: Child } }
}
type Context = ActorContext<Protocol>

/** What a supervisor needs from the system. */
export type SupervisorHost = { readonly kernel: Kernel; readonly decided: (decision: Decision) => void }

/**
 * Starts, restarts and stops children. An actor as any other, except that it starts actors. Its handlers never wait: the
 * end of a child, the acknowledgement of a start and the end of a delay are messages, and after each one `reconcile`
 * takes the next step towards "all that should run, runs". Only the first start and the stop of all do wait.
 */
export class Supervisor implements Subtree, ChildKeeper, Parent {
  readonly spec: SupervisorSpec
  readonly children: Children = new Children()
  readonly actor: Incarnation
  private readonly host: SupervisorHost
  private readonly policy: RestartPolicy
  private readonly commands: ChildCommands = new ChildCommands(this)
  /** Told of the next start or end of a child. */
  private readonly waiters = new Map<Child, () => void>()
  /** Its `init` runs at this moment, inside its start. */
  private beginning: Child | null = null
  private context: Context | null = null
  private isEnding = false

  /** Starts a supervisor, as any child is started: acknowledged when all its children are. */
  constructor(host: SupervisorHost, spec: SupervisorSpec, parent: Parent, tag: unknown) {
    this.host = host
    this.spec = spec
    this.policy = new RestartPolicy(spec, host.kernel)
    this.actor = newActor(host.kernel, parent, spec.name, erase(this.definition()), tag)
  }

  /** For the kernel, as are the three below: what is known of its children there is their tag. */
  shutdownOf(child: Child): ShutdownTime {
    return shutdownOf(child.spec)
  }

  started(child: Child, actor: Incarnation): void {
    child.hasStarted = true
    // Most inits are over when `begin` returns: that start needs no message.
    if (child === this.beginning) return this.acknowledged(child)
    this.actor.postSystem('$started', () => ({ child, actor }))
    this.tellWaiter(child)
  }

  exited(child: Child, actor: Incarnation, exit: Exit, error: unknown): void {
    child.failure = error
    child.lastExit = exit
    this.actor.postSystem('$exited', () => ({ child, actor, exit, error }))
    this.tellWaiter(child)
  }

  expectsRestart(child: Child, exit: Exit): boolean {
    return !this.isEnding && this.actor.endingReason === null && this.policy.expectsRestart(child, exit)
  }

  private definition(): ActorDefinition<Protocol, null, null> {
    return defineActor<Protocol, null, null>({
      kind: 'supervisor',
      initLimitMs: Infinity,
      init: async (ctx) => this.startAll(ctx),
      on: {
        ...this.commands.handlers(),
        $started: (_ctx, _state, { child, actor }) => {
          if (child.actor === actor && child.phase === 'starting') this.acknowledged(child)
          return this.reconcile(child)
        },
        $exited: (ctx, _state, { child, actor, exit, error }) => {
          if (child.actor === actor) this.onExited(ctx, child, exit, error)
          return this.reconcile(child)
        },
        $due: (_ctx, _state, { child }) => {
          if (child.phase === 'waiting') child.phase = 'down'
          return this.reconcile(child)
        },
      },
      terminate: (_ctx, _state, exit) => this.stopAll(handsOver(this.spec, exit) ? 'handover' : 'shutdown'),
    })
  }

  /** The first start: left to right, each acknowledged; one that fails takes those before it down again. */
  private async startAll(ctx: Context): Promise<null> {
    this.context = ctx
    validateSpec(this.spec)
    try {
      for (const spec of this.spec.children ?? []) await this.startFirst(ctx, spec)
      if (this.spec.recover !== undefined) this.addAll(await recovered(this.spec.recover, ctx))
    } catch (error) {
      await this.stopAll('shutdown')
      throw error
    }
    return null
  }

  private addAll(specs: readonly ChildSpec[]): void {
    for (const spec of specs) {
      validateChild(this.spec, spec)
      this.claim(spec.name)
      const child = new Child(spec)
      this.children.add(child)
      this.start(child)
    }
  }

  private async startFirst(ctx: Context, spec: ChildSpec): Promise<void> {
    ctx.signal.throwIfAborted()
    this.claim(spec.name)
    const child = new Child(spec)
    this.children.add(child)
    const actor = this.start(child)
    const stop = (): void => actor.stop(this.actor.endingReason === 'handover' ? 'handover' : 'shutdown', shutdownOf(spec))
    ctx.signal.addEventListener('abort', stop, { once: true })
    if (actor.phase === 'starting') await this.next(child)
    ctx.signal.removeEventListener('abort', stop)
    if (!child.hasStarted) throw startFailed(this.spec.name, spec.name, child.failure)
    // It may have ended since: that is a restart's business, when this start is over.
    if (child.phase === 'starting') this.acknowledged(child)
  }

  window(): RestartsInWindow {
    return this.policy.inWindow()
  }

  claim(name: string): void {
    if (!this.host.kernel.registry.claim(name, this.actor)) throw childExists(this.spec.name, name)
  }

  release(name: string): void {
    this.host.kernel.registry.release(name)
  }

  /** Stops all children: in reverse order, or at once where none depends on another. */
  private async stopAll(reason: 'shutdown' | 'handover'): Promise<void> {
    this.isEnding = true
    const children = this.children.list().toReversed()
    if (this.spec.strategy === 'dynamic') await Promise.all(children.map((child) => this.stopOne(child, reason)))
    else for (const child of children) await this.stopOne(child, reason)
  }

  private async stopOne(child: Child, reason: 'shutdown' | 'handover'): Promise<void> {
    const { actor } = child
    if (actor === null) return
    child.phase = 'stopping'
    actor.stop(reason, shutdownOf(child.spec))
    while (actor.exit === null) await this.next(child)
  }

  /** Resolves at the next start or end of a child. */
  private next(child: Child): Promise<void> {
    return new Promise((resolve) => this.waiters.set(child, resolve))
  }

  private tellWaiter(child: Child): void {
    const tell = this.waiters.get(child)
    this.waiters.delete(child)
    tell?.()
  }

  private acknowledged(child: Child): void {
    child.phase = 'running'
    child.isAlone = false
    child.startedAt = this.host.kernel.turn.monotonic()
    const replies = child.startReplies
    if (child.actor === null || replies === null) return
    const { ref } = child.actor
    child.startReplies = null
    for (const reply of replies) reply({ ref })
  }

  private onExited(ctx: Context, child: Child, exit: Exit, error: unknown): void {
    child.actor = null
    child.subtree = null
    const { isRegrouped, isAlone } = child
    child.isRegrouped = false
    child.isAlone = false
    if (child.leaving !== 'no') return this.commands.hasEnded(child, isRegrouped)
    // One that crashes before its turn to be stopped with its group has only been quicker.
    if (child.phase === 'stopping' || isRegrouped) {
      if (restartOf(child.spec) === 'temporary') this.remove(child, undefined)
      else child.phase = 'down'
    } else if (isAlone && this.spec.strategy !== 'dynamic' && restartOf(child.spec) !== 'temporary') {
      child.phase = 'done'
      failStarts(child, startFailed(this.spec.name, child.spec.name, error))
    } else if (child.hasStarted) {
      this.settle(ctx, child, exit)
    } else {
      this.remove(child, startFailed(this.spec.name, child.spec.name, error))
    }
  }

  /** A child ended by itself. */
  private settle(ctx: Context, child: Child, exit: Exit): void {
    const verdict = this.policy.judge(child, exit, this.children)
    const { decision, delayMs } = verdict
    this.report(child, exit, verdict)
    if (decision === 'restart' || decision === 'wait') {
      child.phase = delayMs > 0 ? 'waiting' : 'down'
      if (delayMs > 0) ctx.setTimer(`restart:${child.spec.name}`, delayMs, '$due', { child })
      return this.regroup(child)
    }
    child.phase = 'done'
    if (decision === 'escalate') {
      const error = gaveUp(this.spec.name, child.spec.name, verdict, this.policy.intensity)
      return this.endWith({ reason: 'escalated', error: toErrorRecord(error), cause: exit }, error)
    }
    if (restartOf(child.spec) === 'temporary' || this.spec.strategy === 'dynamic') this.remove(child, undefined)
    if (decision === 'auto-shutdown') this.endWith({ reason: 'shutdown' }, undefined)
  }

  private endWith(exit: Exit, error: unknown): void {
    this.isEnding = true
    this.actor.endWith(exit, error)
  }

  private report(child: Child, exit: Exit, verdict: Verdict): void {
    const restarts = verdict.decision === 'restart' || verdict.decision === 'wait'
    const group = restarts ? this.groupOf(child).filter(({ spec }) => restartOf(spec) !== 'temporary') : []
    this.host.decided({
      supervisor: this.spec.name,
      child: child.spec.name,
      incarnation: child.incarnation,
      exit,
      ...verdict,
      allowed: this.policy.intensity,
      group: group.map(({ spec }) => spec.name),
    })
  }

  /** Children that are stopped and started with this one. */
  private groupOf(child: Child): Child[] {
    if (!isOrdered(this.spec)) return []
    const all = this.children.list()
    return this.spec.strategy === 'one_for_all' ? all.filter((one) => one !== child) : all.slice(all.indexOf(child) + 1)
  }

  /** The group of a child that is to be restarted: what runs is to be stopped, the rest to be started, done ones too (OTP). */
  private regroup(child: Child): void {
    for (const one of this.groupOf(child)) {
      this.cancelDelay(one)
      if (hasActor(one)) one.isRegrouped = true
      else one.phase = 'down'
    }
  }

  /** Takes the next step after something happened to a child, if there is one that can be taken now. */
  reconcile(child: Child): null {
    if (this.isEnding) return null
    if (isOrdered(this.spec)) this.reconcileInOrder()
    else if (child.phase === 'down') this.start(child)
    return null
  }

  /** Groups are stopped from the right, then started from the left, one at a time. */
  private reconcileInOrder(): void {
    const children = this.children.list()
    const last = children.findLast(({ isRegrouped }) => isRegrouped)
    if (last !== undefined) {
      if (last.phase !== 'stopping') this.stop(last)
      return
    }
    if (children.some(({ phase }) => phase === 'waiting')) return
    for (const child of children) {
      const { phase, leaving, isAlone } = child
      if (phase === 'running' || phase === 'done' || leaving !== 'no' || isAlone) continue
      if (phase === 'down') this.start(child)
      // The next one's turn is when this one has started.
      if (child.phase !== 'running') return
    }
  }

  start(child: Child): Incarnation {
    const { spec } = child
    child.phase = 'starting'
    child.attempts += 1
    if (spec.type === 'worker') {
      const actor = newActor(this.host.kernel, this, spec.name, erase(spec.definition), child)
      return this.begin(child, actor, spec.args)
    }
    child.subtree = new Supervisor(this.host, spec, this, child)
    return this.begin(child, child.subtree.actor, null)
  }

  private begin(child: Child, actor: Incarnation, args: unknown): Incarnation {
    child.actor = actor
    child.incarnation = actor.incarnation
    this.beginning = child
    actor.begin(args)
    this.beginning = null
    return actor
  }

  stop(child: Child): void {
    child.phase = 'stopping'
    child.actor?.stop('shutdown', shutdownOf(child.spec))
  }

  remove(child: Child, error: unknown): void {
    this.cancelDelay(child)
    child.phase = 'done'
    this.children.remove(child)
    this.release(child.spec.name)
    failStarts(child, error ?? startFailed(this.spec.name, child.spec.name, undefined))
    tellEnded(child)
  }

  cancelDelay(child: Child): void {
    if (child.phase === 'waiting') this.context?.cancelTimer(`restart:${child.spec.name}`)
  }
}
