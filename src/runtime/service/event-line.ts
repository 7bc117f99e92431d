import type { OrphanProcess } from '../../protocols/event-payloads.ts'
import type { RecordedEvent } from '../../protocols/events.ts'
import { listOf, orphanText } from '../event-text.ts'

/** What a reader of the log wants to know of; everything is in the records. */
const TOLD: ReadonlySet<string> = new Set([
  'run.started',
  'run.adopted',
  'run.stopping',
  'run.ended',
  'lane.created',
  'lane.ended',
  'pty.idled',
  'orphans.found',
  'actor.crashed',
  'supervisor.decided',
])

/** A recorded event as a line of the log, or null where it says too little. */
export const eventLine = (event: RecordedEvent): string | null => {
  const { type, runId, laneId, payload } = event
  if (!TOLD.has(type)) return null
  if (type === 'orphans.found') return `${type} ${listOf<OrphanProcess>(event, 'processes').map(orphanText).join('; ')}`
  const { lane, command, name, by } = payload
  const what = [lane ?? name, command].filter((part) => typeof part === 'string').join('/')
  return [type, what, laneId ?? runId ?? '', typeof by === 'string' ? `by ${by}` : ''].filter((part) => part !== '').join(' ')
}
