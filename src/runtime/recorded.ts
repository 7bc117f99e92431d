import { fromBusEvent } from '../actors/bus-events.ts'
import type { Bus, BusEvent } from '../protocols/bus.ts'
import type { RecordedEvent } from '../protocols/events.ts'
import type { WorkspaceId } from '../protocols/ids.ts'

/** Calls `listener` for everything recorded from now on, in order. One that throws is left out from then on. @returns stops it */
export type ListenRecorded = (listener: (event: RecordedEvent) => void) => () => void

/** The bus as those see it who follow all that is recorded. */
export const recordedOf =
  (bus: Bus, workspaceId: WorkspaceId): ListenRecorded =>
  (listener) => {
    const next = (event: BusEvent): void => listener(fromBusEvent(event, workspaceId))
    // What was forgotten was never of this process.
    const { close } = bus.subscribe({ topics: ['*'], live: false }, { next, gap: () => undefined })
    return close
  }
