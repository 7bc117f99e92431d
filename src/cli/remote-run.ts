import { fromBusEvent } from '../actors/bus-events.ts'
import { connect, type ControlClient } from '../client/client.ts'
import { type Clock, pause } from '../ports/clock.port.ts'
import { SignalboxError } from '../protocols/errors.ts'
import type { RecordedEvent } from '../protocols/events.ts'
import type { RunId, WorkspaceId } from '../protocols/ids.ts'
import type { RunSummary } from '../protocols/summary.ts'
import type { RunView } from '../protocols/view.ts'
import { openInspection } from '../runtime/inspection.ts'
import { createHistory } from '../runtime/history.ts'
import type { RunOverrides } from '../runtime/runtime.ts'
import type { Interruptible } from './interrupts.ts'
import type { Watched } from './watch.ts'

/** How often a live picture of the run is asked for. */
const VIEW_EACH_MS = 200

/** A run of another process, as if it were one of this. */
export type RemoteRun = Watched & Interruptible & { readonly runId: RunId }

export type RemoteRequest = {
  readonly socket: string
  readonly cwd: string
  /** Text of the plan. */
  readonly plan: string
  readonly overrides: Pick<RunOverrides, 'keep' | 'parallel'>
  /** Whether its view is wanted all the time. */
  readonly isLive: boolean
  readonly clock: Clock
}

/** The place of the newest event: what follows is read without a hole, whoever is quicker. */
const lastPosition = async (cwd: string): Promise<number> => {
  const inspection = await openInspection({ workspace: cwd })
  try {
    return (await inspection.events({ newest: true, limit: 1 }))[0]?.sequence ?? 0
  } finally {
    await inspection.close()
  }
}

const viewOf = async (client: ControlClient, runId: RunId): Promise<RunView | null> => (await client.call('runs.get', { run: runId })).view

const endOf = async (client: ControlClient, runId: RunId): Promise<RunSummary> => {
  const { summary } = (await client.call('runs.get', { run: runId })).run
  if (summary !== null) return summary
  throw new SignalboxError('ERR_CONTROL_LOST', `run ${runId} goes on, but what happens in it is told no more`, { context: { runId } })
}

/**
 * Starts a run in the orchestrator and follows it.
 * @throws ERR_CONTROL_NOT_RUNNING, ERR_CONTROL_LOST, ERR_PLAN_…; `finished` rejects when the orchestrator dies
 */
export const startRemoteRun = async ({ socket, cwd, plan, overrides, isLive, clock }: RemoteRequest): Promise<RemoteRun & Disposable> => {
  const client = await connect(socket, { name: `signalbox run (pid ${process.pid})` })
  const since = (await lastPosition(cwd)) + 1
  const { runId } = await client.call('runs.start', { plan, ...overrides })
  let view = await viewOf(client, runId)
  const history = createHistory()
  const ended = new AbortController()

  const follow = async (): Promise<RunSummary> => {
    for await (const { event } of client.subscribe({ since, live: false, signal: ended.signal })) {
      if (event?.ids?.runId !== runId) continue
      const recorded: RecordedEvent = fromBusEvent(event, client.server.workspaceId as WorkspaceId)
      history.push(recorded)
      if (recorded.type === 'run.ended') return recorded.payload['summary'] as RunSummary
    }
    return endOf(client, runId)
  }
  const look = async (): Promise<void> => {
    while (!ended.signal.aborted) {
      view = (await viewOf(client, runId).catch(() => null)) ?? view
      await pause(clock, VIEW_EACH_MS)
    }
  }
  const finished = follow().finally(() => {
    ended.abort()
    history.close()
  })
  finished.catch(() => undefined)
  if (isLive) void look()
  const stop = (kill: boolean): void => void client.call('runs.stop', { run: runId, kill }).catch(() => undefined)
  return {
    runId,
    finished,
    events: () => history.read(),
    view: () => view ?? { runId, startedAt: clock.now(), lanes: [] },
    stop: () => stop(false),
    kill: () => stop(true),
    [Symbol.dispose]: () => client.close(),
  }
}
