/** The version of fast-check whose arbitraries the kit takes. */
export { default as fc } from 'fast-check'
/** For those who test actors and trees of their own: `import { simulate } from 'signalbox/testing'`. */
export { type ActorContext, type ActorDefinition, defineActor, type Exit, named } from '../kernel/types.ts'
export { type ChildSpec, type SupervisorSpec, worker, type WorkerSpec } from '../supervisors/spec.ts'
export { type ActorChecks, checkActor } from './check-actor.ts'
export { checkMachine, type Coverage, type MachineChecks, type MachineReport } from './check-machine.ts'
export { checkSupervisor, type SupervisorChecks } from './check-supervisor.ts'
export { conformance } from './conformance.ts'
export { type Fault, fault, type FaultKind, type FaultSite } from './fault.ts'
export type { CheckReport } from './report.ts'
export { simulate, type Simulation, type SimulationResult, type SimulationStep } from './simulate.ts'
export type { World } from './simulated-world.ts'
export { formatTrace, type TraceEvent } from './trace.ts'
