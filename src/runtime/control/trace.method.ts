import type { TraceInfo } from '../../protocols/control/views.ts'
import { findActor } from './find-actor.ts'
import type { MethodOf, Served } from './method.types.ts'

const DEFAULT_MAX = 1_000
const LONGEST_MS = 86_400_000

/** What actors do, as it happens, until the client has gone or says no more. One that does not keep up misses events: no actor waits for it. */
export const traceMethod = ({ runtime, clock }: Pick<Served, 'runtime' | 'clock'>): MethodOf<'trace.start'> => ({
  async run({ name, type, under, max = DEFAULT_MAX, forMs = LONGEST_MS }, { connection, progress }) {
    const options = {
      max,
      ...(name !== undefined && { actor: (await findActor(runtime, name)).name }),
      ...(under !== undefined && { under: (await findActor(runtime, under)).name }),
      ...(type !== undefined && { type }),
    }
    let missed = 0
    const trace = runtime.actors.trace(options, (event) => {
      if (connection.whenRead === undefined) progress(event satisfies TraceInfo)
      else missed += 1
    })
    let isLate = false
    const timer = clock.setTimer(forMs, () => {
      isLate = true
      trace.stop()
    })
    const until = [connection.ends, connection.lastWords]
    for (const ends of until) ends.add(trace.stop)
    // It may have gone while its actor was looked for.
    if (connection.isSilent) trace.stop()
    const ended = await trace.ended
    timer.cancel()
    for (const ends of until) ends.delete(trace.stop)
    return { ended: isLate ? 'time' : ended, count: trace.count, missed }
  },
})
