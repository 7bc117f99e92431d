import type { Clock } from '../ports/clock.port.ts'
import type { RecordedEvent } from '../protocols/events.ts'
import type { RunSummary } from '../protocols/summary.ts'
import type { RunView } from '../protocols/view.ts'
import { type Io, jsonLine, paintFor, safeWriter } from './io.ts'
import { startLive } from './live.ts'
import { renderEvent } from './render-event.ts'
import { renderTree } from './render-tree.ts'
import { cut } from './text.ts'

export type WatchMode = 'live' | 'plain' | 'json'

/** The part of a run's handle that watching needs. */
export type Watched = {
  readonly finished: Promise<RunSummary>
  view(): RunView
  events(): AsyncIterable<RecordedEvent>
}

const STOPPING = 'stopping; Ctrl-C again kills'

const watchLive = async (run: Watched, io: Io, clock: Clock, stopping: () => boolean): Promise<RunSummary> => {
  const writer = safeWriter(io.out)
  const paint = paintFor(io)
  const live = startLive({
    out: io.out,
    write: writer.write,
    clock,
    render: ({ width, height }) => {
      const note = stopping() && height > 1 ? [paint('yellow', cut(STOPPING, width))] : []
      return [...renderTree(run.view(), { width, height: height - note.length, now: clock.now(), paint }), ...note]
    },
  })
  try {
    return await run.finished
  } finally {
    live.stop()
  }
}

const watchLines = async (run: Watched, io: Io, mode: 'plain' | 'json'): Promise<RunSummary> => {
  const writer = safeWriter(io.out)
  const { startedAt } = run.view()
  for await (const event of run.events()) {
    writer.write(mode === 'json' ? jsonLine(event) : `${renderEvent(event, startedAt)}\n`)
  }
  return run.finished
}

/**
 * Shows a run until it ends. A reader that goes away is no reason to end it.
 * @param stopping whether somebody has asked it to stop
 */
export const watch = (run: Watched, mode: WatchMode, io: Io, clock: Clock, stopping: () => boolean): Promise<RunSummary> =>
  mode === 'live' ? watchLive(run, io, clock, stopping) : watchLines(run, io, mode)
