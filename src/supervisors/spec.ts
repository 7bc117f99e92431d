// The vocabulary lies in kernel/, so that actors may name it (import rules). Import it from there.
export type { ChildSpec, Decision, Shutdown, SupervisorProtocol, SupervisorSpec } from '../kernel/child-spec.ts'
export { worker } from '../kernel/child-spec.ts'
