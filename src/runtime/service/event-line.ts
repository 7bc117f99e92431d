import type { RecordedEvent } from '../../protocols/events.ts'

/** What a reader of the log wants to know of; everything is in the records. */
const TOLD: ReadonlySet<string> = new Set([
  'run.started',
  'run.adopted',
  'run.stopping',
  'run.ended',
  'lane.created',
  'lane.ended',
  'pty.idled',
  'actor.crashed',
  'supervisor.decided',
])

/** A recorded event as a line of the log, or null where it says too little. */
export const eventLine = ({ type, runId, laneId, payload }: RecordedEvent): string | null => {
  if (!TOLD.has(type)) return null
  const { lane, command, name, by } = payload
  const what = [lane ?? name, command].filter((part) => typeof part === 'string').join('/')
  return [type, what, laneId ?? runId ?? '', typeof by === 'string' ? `by ${by}` : ''].filter((part) => part !== '').join(' ')
}
