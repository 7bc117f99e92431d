export { type ErrorCode, isSignalboxError, SignalboxError } from '../protocols/errors.ts'
export type { BusEvent, BusGap } from '../protocols/bus.ts'
export type { EventPayloads, EventType } from '../protocols/event-payloads.ts'
export type { ControlMethod, ControlMethods, ParamsOf, ResultOf } from '../protocols/control/methods.ts'
export type {
  ActorInfo,
  ActorNode,
  ActorState,
  DeadLetterInfo,
  LaneInfo,
  OrchestratorStatus,
  RestartWindow,
  RunInfo,
  TerminalInfo,
  TraceInfo,
} from '../protocols/control/views.ts'
export type { Attachment, AttachOptions, Output } from './attachment.ts'
export {
  type CallOptions,
  connect,
  type ConnectOptions,
  type ControlClient,
  type Happening,
  type Reconnect,
  type SubscribeOptions,
} from './client.ts'
