import type { RecordedEvent } from './events.ts'

/** The bus hands out what was stored, and what is published on live topics. */
export type BusProtocol = {
  /** In order, without gaps of its own. Answered when every subscriber that keeps up has been given them. */
  'bus.publish': { message: { events: readonly RecordedEvent[] }; reply: object }
  /** Something waits: live events, or a subscriber that must be read for. */
  'bus.wake': { message: object }
  /** Another process has said something. */
  'bus.heard': { message: { text: string } }
  /** The channel to the other processes is connected, perhaps after it was lost. */
  'bus.connected': { message: object }
  /** What was read; `last`: the position of its last event. */
  $page: { message: { last: number; take: () => void } }
  $failed: { message: { error: unknown } }
}
