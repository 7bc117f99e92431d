/** The supervision engine alone, for programs that supervise actors of their own: `import { startSystem } from 'signalbox/supervision'`. */
export { directScheduler } from './adapters/schedulers/direct-scheduler.adapter.ts'
export { nactScheduler } from './adapters/schedulers/nact-scheduler.adapter.ts'
export { systemClock } from './adapters/system/system-clock.adapter.ts'
export { systemRandom } from './adapters/system/system-random.adapter.ts'
export {
  type ChildCounts,
  type ChildSpec,
  type Decision,
  type SupervisorProtocol,
  type SupervisorSpec,
  worker,
  type WorkerSpec,
} from './kernel/child-spec.ts'
export type { Evidence, HandledMessage } from './kernel/history.ts'
export type { TraceEvent, TraceHandle, TraceOptions } from './kernel/trace.types.ts'
export {
  type ActorContext,
  type ActorDefinition,
  type ActorRef,
  type AskOptions,
  type DeadLetter,
  defineActor,
  type Exit,
  type Named,
  named,
  type Overflow,
  type ReplyFunction,
} from './kernel/types.ts'
export type { Clock, Timer } from './ports/clock.port.ts'
export type { Random } from './ports/random.port.ts'
export type { Runnable, Scheduler, Slot } from './ports/scheduler.port.ts'
export { type ErrorCode, isSignalboxError, SignalboxError } from './protocols/errors.ts'
export { startSystem } from './supervisors/system.ts'
export type { Inspection, PhaseReport, ShutdownPhase, System, SystemObserver, SystemOptions, TreeNode } from './supervisors/system.types.ts'
