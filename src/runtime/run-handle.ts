import type { TerminalHost } from '../ports/terminal-host.port.ts'
import type { RecordedEvent } from '../protocols/events.ts'
import type { LaneId, RunId } from '../protocols/ids.ts'
import type { Plan } from '../protocols/plan.ts'
import type { RunSummary } from '../protocols/summary.ts'
import type { RunView } from '../protocols/view.ts'
import { createHistory } from './history.ts'
import { projectRun, type RunProjection } from './run-view.ts'

/** A run that goes on. */
export interface RunHandle {
  readonly runId: RunId
  /** Rejects only when the run could not be carried on or recorded: a lane that fails is in the summary. */
  readonly finished: Promise<RunSummary>
  /** The present state; cheap enough to be called at each redraw. */
  view(): RunView
  /** Everything recorded of this run, from its start to its end. */
  events(): AsyncIterable<RecordedEvent>
  /** Ends every lane gracefully, the last started first; then the run is over. Idempotent. */
  stop(by?: string): void
  /** As stop, but processes are killed at once. */
  kill(by?: string): void
}

/** The runtime's side of a handle. */
export type LiveRun = { readonly handle: RunHandle; apply(event: RecordedEvent): void; fail(error: unknown): void }

type Control = { readonly stop: (by: string) => void; readonly kill: (by: string) => void }

export const liveRun = (runId: RunId, plan: Plan, startedAt: number, terminals: TerminalHost, control: Control): LiveRun => {
  const history = createHistory()
  const { promise, resolve, reject } = Promise.withResolvers<RunSummary>()
  promise.catch(() => {})
  let projection: RunProjection = projectRun(runId, plan, startedAt, new Map(), terminals)
  const apply = (event: RecordedEvent): void => {
    if (event.type === 'run.started') {
      const lanes = event.payload['lanes'] as readonly { name: string; id: LaneId }[]
      projection = projectRun(runId, plan, event.at, new Map(lanes.map(({ name, id }) => [name, id])), terminals)
    }
    projection.apply(event)
    history.push(event)
    if (event.type !== 'run.ended') return
    history.close()
    resolve(event.payload['summary'] as RunSummary)
  }
  const handle: RunHandle = {
    runId,
    finished: promise,
    view: () => projection.view(),
    events: () => history.read(),
    stop: (by = 'the caller') => control.stop(by),
    kill: (by = 'the caller') => control.kill(by),
  }
  return {
    handle,
    apply,
    fail(error) {
      history.close()
      reject(error)
    },
  }
}
