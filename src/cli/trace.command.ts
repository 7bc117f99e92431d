import type { TraceInfo } from '../protocols/control/views.ts'
import { EXIT } from './exit-codes.ts'
import { type Io, jsonLine, safeWriter } from './io.ts'
import { orchestratorOf } from './orchestrator-client.ts'
import { count } from './plural.ts'
import { renderTrace } from './render-info.ts'
import { widthOfScreen } from './table.ts'
import { cut } from './text.ts'
import { untilSignal } from './until-signal.ts'

export type TraceOptions = {
  readonly type?: string
  readonly under?: string
  readonly max?: number
  /** Seconds. */
  readonly for?: number
  readonly json?: boolean
}

const ENDS = { max: 'as many as were asked for', time: 'the time is over', stopped: 'stopped', 'system-ended': 'the orchestrator ended' }
/** The orchestrator's own limit is a day, and it answers then. ms */
const ANSWER_LIMIT_MS = 86_410_000

/** `signalbox trace`: what actors do, a line each, as it happens; until `--max`, `--for` or Ctrl-C. */
export const traceCommand = async (name: string | undefined, options: TraceOptions, io: Io): Promise<number> => {
  await using client = await orchestratorOf(io, 'trace')
  const { type, under, max, for: seconds, json } = options
  const out = safeWriter(io.out)
  // a line each where somebody reads along; whole where a program or a file does
  const width = widthOfScreen(io.out)
  const err = safeWriter(io.err)
  let seen = 0
  const onProgress = (progress: TraceInfo): void => {
    seen += 1
    out.write(json === true ? jsonLine(progress) : `${cut(renderTrace(progress), width)}\n`)
    // nobody reads any more: the trace ends with the connection
    if (out.closed()) client.close()
  }
  const forMs = seconds === undefined ? undefined : Math.max(1, Math.round(seconds * 1_000))
  if (io.err.isTTY === true) err.write('tracing; Ctrl-C ends it\n')
  return await untilSignal(async (signal) => {
    try {
      const asked = { name, type, under, max, forMs }
      const result = await client.call('trace.start', asked, { onProgress, timeoutMs: ANSWER_LIMIT_MS, signal })
      if (json === true) out.write(jsonLine({ type: 'trace', ...result }))
      else {
        const missed = result.missed === 0 ? '' : `, ${result.missed} missed: they came faster than they were read`
        err.write(`${count(result.count, 'event')}: ${ENDS[result.ended]}${missed}\n`)
      }
    } catch (error) {
      if (signal.aborted) {
        if (json !== true) err.write(`${count(seen, 'event')}: ${ENDS.stopped}\n`)
        return EXIT.interrupted
      }
      if (!out.closed()) throw error
    }
    return EXIT.ok
  })
}
