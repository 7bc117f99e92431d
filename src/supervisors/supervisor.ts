import type { Cell } from '../kernel/cell.ts'
import { erase } from '../kernel/erased.ts'
import type { Kernel } from '../kernel/kernel.ts'
import { type ActorContext, type ActorDefinition, type ActorRef, defineActor, type Exit, type ReplyFunction } from '../kernel/types.ts'
import { SignalboxError, toErrorRecord } from '../protocols/errors.ts'
import type { Intensity } from '../protocols/plan.ts'
import { restartDelay } from './backoff.ts'
import { type Child, hasActor, isRestartable, isRestarting, newChild, restartOf, shutdownOf } from './child.ts'
import { RestartWindow } from './restart-window.ts'
import type { ChildSpec, Decision, SupervisorProtocol, SupervisorSpec } from './spec.ts'
import { childExists, validateChild, validateSpec } from './validate-spec.ts'

/** What a supervisor is told by the kernel and by its own timers. */
type Protocol = SupervisorProtocol & {
  $started: { message: { child: Child; cell: Cell } }
  $exited: { message: { child: Child; cell: Cell; exit: Exit; error: unknown } }
  $due: { message: { child: Child } }
}
type Context = ActorContext<Protocol>
type ReplyOf<T extends keyof SupervisorProtocol> = ReplyFunction<SupervisorProtocol[T]['reply']>

/** SUP-4 */
const DEFAULT_INTENSITY: Intensity = { restarts: 1, withinMs: 5_000 }

/** What a supervisor needs from the system. */
export type SupervisorHost = { readonly kernel: Kernel; readonly decided: (decision: Decision) => void }
export type SpawnOptions = Omit<Parameters<Kernel['spawn']>[0], 'name' | 'definition' | 'args'>

/**
 * Starts, restarts and stops children. An actor as any other, except that it starts actors. Its handlers never wait: the
 * end of a child, the acknowledgement of a start and the end of a delay are messages, and after each one `reconcile`
 * takes the next step towards "all that should run, runs". Only the first start and the stop of all do wait.
 */
export class Supervisor {
  readonly spec: SupervisorSpec
  readonly children: Child[] = []
  readonly cell: Cell
  private readonly host: SupervisorHost
  private readonly intensity: Intensity
  private readonly window: RestartWindow
  /** Told of the next start or end of a child. */
  private readonly waiters = new Map<Child, () => void>()
  private context: Context | null = null
  private isEnding = false

  /** Starts a supervisor, as any child is started: acknowledged when all its children are. */
  constructor(host: SupervisorHost, spec: SupervisorSpec, options: SpawnOptions) {
    this.host = host
    this.spec = spec
    this.intensity = spec.intensity ?? DEFAULT_INTENSITY
    this.window = new RestartWindow(this.intensity)
    this.cell = host.kernel.spawn({ ...options, name: spec.name, definition: erase(this.definition()), args: null })
  }

  private definition(): ActorDefinition<Protocol, null, null> {
    return defineActor<Protocol, null, null>({
      kind: 'supervisor',
      initLimitMs: Infinity,
      init: async (ctx) => this.startAll(ctx),
      on: {
        'supervisor.start-child': (_ctx, _state, { spec }, reply) => this.onStartChild(spec, reply),
        'supervisor.stop-child': (_ctx, _state, { name }, reply) => this.onStopChild(name, reply),
        'supervisor.children': (_ctx, _state, _message, reply) => {
          reply({ children: this.children.map(describe) })
          return null
        },
        $started: (_ctx, _state, { child, cell }) => {
          if (child.cell === cell && child.phase === 'starting') this.acknowledged(child)
          return this.reconcile()
        },
        $exited: (ctx, _state, { child, cell, exit, error }) => {
          if (child.cell === cell) this.onExited(ctx, child, exit, error)
          return this.reconcile()
        },
        $due: (_ctx, _state, { child }) => {
          if (child.phase === 'waiting') child.phase = 'down'
          return this.reconcile()
        },
      },
      terminate: (_ctx, _state, exit) => this.stopAll(exit.reason === 'handover' ? 'handover' : 'shutdown'),
    })
  }

  /** The first start: left to right, each acknowledged; one that fails takes those before it down again. */
  private async startAll(ctx: Context): Promise<null> {
    this.context = ctx
    validateSpec(this.spec)
    for (const spec of this.spec.children ?? []) {
      const error = ctx.signal.aborted ? new Error('stopped while starting') : await this.startFirst(ctx, spec)
      if (error === null) continue
      await this.stopAll('shutdown')
      throw error
    }
    return null
  }

  /** @returns why it could not start, or null */
  private async startFirst(ctx: Context, spec: ChildSpec): Promise<Error | null> {
    if (!this.host.kernel.registry.claim(spec.name, this.cell)) return childExists(this.spec.name, spec.name)
    const child = newChild(spec)
    this.children.push(child)
    const cell = this.start(child)
    const stop = (): void => cell.stop(this.cell.endingReason === 'handover' ? 'handover' : 'shutdown', shutdownOf(spec))
    ctx.signal.addEventListener('abort', stop, { once: true })
    if (cell.exit === null) await this.next(child)
    ctx.signal.removeEventListener('abort', stop)
    if (!child.hasStarted) return startFailed(this.spec.name, spec.name, child.failure)
    // It may have ended since: that is a restart's business, when this start is over.
    this.acknowledged(child)
    return null
  }

  /** Stops all children: in reverse order, or at once where none depends on another. */
  private async stopAll(reason: 'shutdown' | 'handover'): Promise<void> {
    this.isEnding = true
    const children = this.children.toReversed()
    if (this.spec.strategy === 'dynamic') await Promise.all(children.map((child) => this.stopOne(child, reason)))
    else for (const child of children) await this.stopOne(child, reason)
  }

  private async stopOne(child: Child, reason: 'shutdown' | 'handover'): Promise<void> {
    const { cell } = child
    if (cell === null) return
    child.phase = 'stopping'
    cell.stop(reason, shutdownOf(child.spec))
    while (cell.exit === null) await this.next(child)
  }

  /** Resolves at the next start or end of a child. */
  private next(child: Child): Promise<void> {
    return new Promise((resolve) => this.waiters.set(child, resolve))
  }

  private onStartChild(spec: ChildSpec, reply: ReplyOf<'supervisor.start-child'>): null {
    try {
      validateChild(this.spec, spec)
      if (spec.type === 'supervisor') validateSpec(spec)
    } catch (error) {
      reply.fail(error)
      return null
    }
    if (!this.host.kernel.registry.claim(spec.name, this.cell)) {
      reply.fail(childExists(this.spec.name, spec.name))
      return null
    }
    const child = newChild(spec)
    child.startReplies.push(reply)
    this.children.push(child)
    return this.reconcile()
  }

  private onStopChild(name: string, reply: ReplyOf<'supervisor.stop-child'>): null {
    const child = this.children.find((one) => one.spec.name === name)
    if (child === undefined) {
      reply({ stopped: false })
      return null
    }
    child.isLeaving = true
    child.stopReplies.push(reply)
    if (!hasActor(child)) this.remove(child, undefined)
    else if (child.phase !== 'stopping') this.stop(child)
    return this.reconcile()
  }

  private acknowledged(child: Child): void {
    child.phase = 'running'
    child.startedAt = this.host.kernel.clock.monotonic()
    if (child.cell === null) return
    const { ref } = child.cell
    for (const reply of child.startReplies.splice(0)) reply({ ref })
  }

  private onExited(ctx: Context, child: Child, exit: Exit, error: unknown): void {
    const { phase } = child
    child.cell = null
    child.supervisor = null
    if (phase === 'stopping') {
      if (child.isLeaving || restartOf(child.spec) === 'temporary') this.remove(child, undefined)
      else child.phase = 'down'
    } else if (!child.hasStarted) {
      this.remove(child, startFailed(this.spec.name, child.spec.name, error))
    } else if (isRestartable(child.spec, exit)) {
      this.restart(ctx, child, exit, phase === 'running')
    } else {
      this.retire(child, exit)
    }
  }

  /** A child ended by itself and is to run again; a start that failed counts as one more try (OTP). */
  private restart(ctx: Context, child: Child, exit: Exit, hasRun: boolean): void {
    const now = this.host.kernel.clock.monotonic()
    const restarts = this.window.add(now)
    if (restarts > this.intensity.restarts) {
      child.phase = 'down'
      this.decide(child, exit, 'escalate', restarts, 0)
      const error = tooManyRestarts(this.spec.name, child.spec.name, restarts, this.intensity)
      this.endWith({ reason: 'escalated', error: toErrorRecord(error), cause: exit }, error)
      return
    }
    const { backoff } = this.spec
    if (backoff !== undefined && hasRun && now - child.startedAt >= backoff.resetAfterMs) child.restartsInARow = 0
    const delayMs = restartDelay(backoff, child.restartsInARow, backoff === undefined ? 0 : this.host.kernel.random.next())
    child.restartsInARow += 1
    child.phase = delayMs > 0 ? 'waiting' : 'down'
    this.decide(child, exit, 'restart', restarts, delayMs)
    if (delayMs > 0) ctx.setTimer(timerOf(child), delayMs, '$due', { child })
  }

  /** A child ended by itself for good. */
  private retire(child: Child, exit: Exit): void {
    const { autoShutdown = 'never' } = this.spec
    child.phase = 'done'
    const others = this.children.some((one) => one.spec.significant === true && one.phase !== 'done')
    const isLast =
      child.spec.significant === true && (autoShutdown === 'any_significant' || (autoShutdown === 'all_significant' && !others))
    this.decide(child, exit, isLast ? 'auto-shutdown' : 'remove', this.window.count(this.host.kernel.clock.monotonic()), 0)
    if (restartOf(child.spec) === 'temporary' || this.spec.strategy === 'dynamic') this.remove(child, undefined)
    if (isLast) this.endWith({ reason: 'shutdown' }, undefined)
  }

  private endWith(exit: Exit, error: unknown): void {
    this.isEnding = true
    this.cell.endWith(exit, error)
  }

  private decide(child: Child, exit: Exit, decision: Decision['decision'], restarts: number, delayMs: number): void {
    const { name } = child.spec
    const group = decision === 'restart' ? this.after(child).filter(({ spec }) => restartOf(spec) !== 'temporary') : []
    this.host.decided({
      supervisor: this.spec.name,
      child: name,
      incarnation: child.incarnation,
      exit,
      decision,
      restarts,
      allowed: this.intensity,
      delayMs,
      group: group.map(({ spec }) => spec.name),
    })
  }

  /** Children that depend on this one. */
  private after(child: Child): Child[] {
    return this.spec.strategy === 'rest_for_one' ? this.children.slice(this.children.indexOf(child) + 1) : []
  }

  /** Takes the next step, if there is one that can be taken now. */
  private reconcile(): null {
    if (this.isEnding) return null
    if (this.spec.strategy === 'rest_for_one') this.reconcileInOrder()
    else for (const child of this.children) if (child.phase === 'down') this.start(child)
    return null
  }

  /** rest_for_one: what comes after the first that does not run is stopped from the right, then started from the left. */
  private reconcileInOrder(): void {
    const first = this.children.find(({ phase, isLeaving }) => phase !== 'running' && phase !== 'done' && !isLeaving)
    if (first === undefined) return
    const after = this.after(first)
    const last = after.findLast(hasActor)
    if (last !== undefined) {
      if (last.phase !== 'stopping') this.stop(last)
      return
    }
    if (first.phase !== 'down' && first.phase !== 'waiting') return
    for (const child of after) {
      this.cancelDelay(child)
      child.phase = 'down'
    }
    if (first.phase === 'down') this.start(first)
  }

  private start(child: Child): Cell {
    const { spec } = child
    child.phase = 'starting'
    child.attempts += 1
    const options: SpawnOptions = {
      supervisor: this.cell,
      shutdown: shutdownOf(spec),
      onStarted: (cell) => {
        child.hasStarted = true
        this.cell.postSystem('$started', () => ({ child, cell }))
        this.waiters.get(child)?.()
      },
      onExit: (cell, exit, error) => {
        child.failure = error
        this.cell.postSystem('$exited', () => ({ child, cell, exit, error }))
        this.waiters.get(child)?.()
      },
      expectRestart: (exit) => this.expectsRestart(child, exit),
    }
    if (spec.type === 'supervisor') {
      child.supervisor = new Supervisor(this.host, spec, options)
      child.cell = child.supervisor.cell
    } else {
      child.cell = this.host.kernel.spawn({ ...options, name: spec.name, definition: erase(spec.definition), args: spec.args })
    }
    child.incarnation = child.cell.ref.incarnation
    return child.cell
  }

  private expectsRestart(child: Child, exit: Exit): boolean {
    if (this.isEnding || this.cell.endingReason !== null || this.cell.isClosed || child.isLeaving) return false
    if (child.phase === 'stopping') return restartOf(child.spec) !== 'temporary'
    return child.hasStarted && isRestartable(child.spec, exit) && !this.window.isUsedUp(this.host.kernel.clock.monotonic())
  }

  private stop(child: Child): void {
    child.phase = 'stopping'
    child.cell?.stop('shutdown', shutdownOf(child.spec))
  }

  private remove(child: Child, error: unknown): void {
    this.cancelDelay(child)
    this.children.splice(this.children.indexOf(child), 1)
    this.host.kernel.registry.release(child.spec.name)
    for (const reply of child.startReplies.splice(0)) reply.fail(error ?? startFailed(this.spec.name, child.spec.name, undefined))
    for (const reply of child.stopReplies.splice(0)) reply({ stopped: true })
  }
  private cancelDelay(child: Child): void {
    if (child.phase === 'waiting') this.context?.cancelTimer(timerOf(child))
  }
}

const timerOf = (child: Child): string => `restart:${child.spec.name}`

const describe = (child: Child): { name: string; ref: ActorRef<unknown> | null; restarting: boolean } => ({
  name: child.spec.name,
  ref: child.cell?.ref ?? null,
  restarting: isRestarting(child),
})

const startFailed = (supervisor: string, child: string, cause: unknown): SignalboxError =>
  new SignalboxError('ERR_ACTOR_INIT_FAILED', `"${child}" under "${supervisor}" could not start: ${textOf(cause)}`, {
    context: { supervisor, child },
    cause,
  })

const textOf = (cause: unknown): string => (cause instanceof Error ? cause.message : cause === undefined ? 'it was stopped' : String(cause))

const tooManyRestarts = (supervisor: string, child: string, restarts: number, { restarts: allowed, withinMs }: Intensity): SignalboxError =>
  new SignalboxError(
    'ERR_SUPERVISOR_INTENSITY',
    `"${child}" under "${supervisor}" failed again after ${allowed} restarts in ${withinMs} ms`,
    {
      context: { supervisor, child, restarts, allowed, withinMs },
    },
  )
