import { FanOutLink } from '../actors/fan-out-link.ts'
import { createRedisFanOut } from '../adapters/redis/redis-fan-out.adapter.ts'
import type { WorkspaceId } from '../protocols/ids.ts'

/**
 * Joins the processes that have the same store. Loaded only where it is switched on.
 * @param self an id that no other process has
 */
export const openFanOut = (url: string, workspaceId: WorkspaceId, self: string): FanOutLink =>
  new FanOutLink(createRedisFanOut({ url, channel: `signalbox:${workspaceId}` }), self)
