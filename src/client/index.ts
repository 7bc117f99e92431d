export { type ErrorCode, isSignalboxError, SignalboxError } from '../protocols/errors.ts'
export type { BusEvent, BusGap } from '../protocols/bus.ts'
export type { EventPayloads, EventType, LiveEventPayloads } from '../protocols/event-payloads.ts'
export type { ControlMethod, ControlMethods, ParamsOf, ProgressOf, ResultOf } from '../protocols/control/methods.ts'
export type {
  ActorInfo,
  ActorNode,
  ActorState,
  DeadLetterInfo,
  LaneInfo,
  LivedInfo,
  OrchestratorStatus,
  RestartWindow,
  RunInfo,
  StopPhaseInfo,
  StopProgress,
  TerminalInfo,
  TraceInfo,
} from '../protocols/control/views.ts'
export type { AttachedScreen, Attachment, AttachOptions, Output } from './attachment.ts'
export {
  type CallOptions,
  connect,
  type ConnectOptions,
  type ControlClient,
  type Happening,
  type Reconnect,
  type SubscribeOptions,
} from './client.ts'
