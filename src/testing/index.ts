/** For those who test actors and trees of their own: `import { simulate } from 'signalbox/testing'`. */
export { type ActorContext, type ActorDefinition, defineActor, type Exit, named } from '../kernel/types.ts'
export { type ChildSpec, type SupervisorSpec, worker, type WorkerSpec } from '../supervisors/spec.ts'
export { type Fault, fault, type FaultKind, type FaultSite } from './fault.ts'
export { simulate, type Simulation, type SimulationResult, type SimulationStep } from './simulate.ts'
export type { World } from './simulated-world.ts'
export { formatTrace, type TraceEvent } from './trace.ts'
