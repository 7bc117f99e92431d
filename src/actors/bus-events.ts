import type { BusEvent } from '../protocols/bus.ts'
import type { EventIds, RecordedEvent } from '../protocols/events.ts'
import type { WorkspaceId } from '../protocols/ids.ts'

const idsOf = ({ runId, laneId, terminalId, ptyId }: EventIds): EventIds => ({
  ...(runId !== undefined && { runId }),
  ...(laneId !== undefined && { laneId }),
  ...(terminalId !== undefined && { terminalId }),
  ...(ptyId !== undefined && { ptyId }),
})

/** A recorded event as it is published. */
export const toBusEvent = (event: RecordedEvent): BusEvent => ({
  id: `${event.type}#${event.topicSequence}`,
  ...(event.correlationId !== undefined && { correlation_id: event.correlationId }),
  ...(event.causationId !== undefined && { causation_id: event.causationId }),
  timestamp: event.at,
  topic: event.type,
  sequence: event.topicSequence,
  position: event.sequence,
  ids: idsOf(event),
  payload: event.payload,
})

/** The recorded event that was published; `toBusEvent` the other way round. */
export const fromBusEvent = (event: BusEvent, workspaceId: WorkspaceId): RecordedEvent => ({
  type: event.topic,
  at: event.timestamp,
  ...event.ids,
  ...(event.correlation_id !== undefined && { correlationId: event.correlation_id }),
  ...(event.causation_id !== undefined && { causationId: event.causation_id }),
  payload: event.payload,
  sequence: event.position ?? 0,
  topicSequence: event.sequence,
  workspaceId,
})
