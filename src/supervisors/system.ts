import type { Parent } from '../kernel/incarnation.types.ts'
import { Kernel } from '../kernel/kernel.ts'
import type { Exit } from '../kernel/types.ts'
import { SignalboxError } from '../protocols/errors.ts'
import { Supervisor } from './supervisor.ts'
import { Inspector } from './inspect.ts'
import { Interventions } from './interventions.ts'
import { PhasedShutdown } from './shutdown.ts'
import type { PhaseReport, System, SystemObserver, SystemOptions } from './system.types.ts'
import { treeOf } from './tree-view.ts'

/**
 * Starts a supervision tree.
 * @returns the running system, once every static child has acknowledged its start
 * @throws ERR_OPTION_INVALID before anything starts; ERR_ACTOR_INIT_FAILED when the tree cannot start; what had started is stopped, and the scheduler closed
 */
export const startSystem = async (options: SystemOptions): Promise<System> => {
  const observer = guarded(options.observer ?? {})
  const kernel = new Kernel({ ...options, observer })
  const exited = Promise.withResolvers<Exit>()
  const started = Promise.withResolvers<void>()
  const above: Parent = {
    actor: null,
    shutdownOf: () => 'infinity',
    started: () => started.resolve(),
    exited: (_tag, _actor, exit, error) => {
      started.reject(startError(options.root.name, exit, error))
      kernel.tracing.close()
      exited.resolve(exit)
    },
    expectsRestart: () => false,
  }
  const root = new Supervisor({ kernel, decided: (decision) => observer.decided?.(decision) }, options.root, above, null)
  root.actor.begin(null)
  const closed = exited.promise.then(() => {
    kernel.deadlines.close()
    return options.scheduler.close()
  })
  try {
    await started.promise
  } catch (error) {
    await closed
    throw error
  }
  const inspector = new Inspector(kernel.clock, root)
  const interventions = new Interventions(kernel, root)
  return {
    lookup: (name) => kernel.lookup(name),
    tell: (target, type, message) => kernel.tell(null, target, type, message as object),
    ask: (target, type, message, how) => kernel.ask(null, target, type, message as object, how) as Promise<never>,
    tree: () => treeOf(root),
    inspect: (name) => inspector.inspect(name),
    inspectAll: ({ under } = {}) => inspector.inspectAll(under ?? options.root.name),
    trace: (what, sink) => kernel.tracing.open(root.actor, what, sink),
    deadLetters: () => kernel.dead.list(),
    terminate: (name, how) => interventions.terminate(name, how),
    restart: (name, how) => interventions.restart(name, how),
    kill: (name) => interventions.kill(name),
    suspend: (name) => interventions.suspend(name),
    resume: (name) => interventions.resume(name),
    retry: (letter) => interventions.retry(letter),
    exited: exited.promise,
    stop: async (reason = 'shutdown') => {
      root.actor.stop(reason, 'infinity')
      await closed
    },
    shutdown: async (phases, limitMs, onPhase, reason = 'shutdown') => {
      const steps = new PhasedShutdown(kernel, root)
      const reports: PhaseReport[] = []
      const over = (report: PhaseReport): void => {
        reports.push(report)
        onPhase?.(report)
      }
      for (const phase of phases) over(await steps.phase(phase))
      over(await steps.rest(limitMs, closed, reason))
      return reports
    },
  }
}

const startError = (root: string, exit: Exit, error: unknown): unknown =>
  error instanceof SignalboxError
    ? error
    : new SignalboxError('ERR_ACTOR_INIT_FAILED', `"${root}" could not start: ${exit.error?.message ?? exit.reason}`, {
        context: { supervisor: root },
        cause: error,
      })

/** Observers must not throw; one that does must not take an actor with it. */
const guarded = (observer: SystemObserver): SystemObserver => ({
  ...(observer.started && { started: quiet(observer.started.bind(observer)) }),
  ...(observer.exited && { exited: quiet(observer.exited.bind(observer)) }),
  ...(observer.decided && { decided: quiet(observer.decided.bind(observer)) }),
  ...(observer.deadLetter && { deadLetter: quiet(observer.deadLetter.bind(observer)) }),
})

const quiet =
  <T>(call: (value: T) => void) =>
  (value: T): void => {
    try {
      call(value)
    } catch {
      // Nothing that could be told: the observer is who would be told.
    }
  }
