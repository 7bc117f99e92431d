import type { EventIds } from '../protocols/events.ts'
import type { LaneId, TerminalId } from '../protocols/ids.ts'
import type { ListenRecorded } from './recorded.ts'

/** What is known of a terminal, so that a supervisor's decision can be told by lane and command. */
type Known = { readonly ids: EventIds; readonly lane: string; readonly command: string }

type Located = { readonly ids: EventIds; readonly payload: { readonly lane?: string; readonly command?: string } }

/** Where in a run an actor belongs, by its name. */
export type Locate = (name: string) => Located

/**
 * Names of actors end in the id of what they stand for; the terminals and lanes behind the ids are learnt from the events
 * that pass.
 */
export const createLocate = (listen: ListenRecorded): Locate => {
  const terminals = new Map<string, Known>()
  const lanes = new Map<string, { readonly ids: EventIds; readonly lane: string }>()
  listen(({ type, runId, laneId, terminalId, payload }) => {
    if (laneId === undefined) return
    const ids: EventIds = { ...(runId !== undefined && { runId }), laneId }
    if (type === 'lane.created') lanes.set(laneId, { ids, lane: String(payload['name']) })
    if (type === 'lane.ended') forget(laneId)
    if (type === 'pty.state-changed' && terminalId !== undefined) {
      terminals.set(terminalId, { ids, lane: String(payload['lane']), command: String(payload['command']) })
    }
  })
  const forget = (laneId: LaneId): void => {
    lanes.delete(laneId)
    for (const [id, known] of terminals) if (known.ids.laneId === laneId) terminals.delete(id)
  }
  return (name) => {
    const id = name.slice(name.lastIndexOf(':') + 1)
    const terminal = terminals.get(id)
    if (terminal !== undefined) {
      const { lane, command, ids } = terminal
      return { ids: { ...ids, terminalId: id as TerminalId }, payload: { lane, command } }
    }
    const lane = lanes.get(id)
    return lane === undefined ? { ids: {}, payload: {} } : { ids: lane.ids, payload: { lane: lane.lane } }
  }
}
