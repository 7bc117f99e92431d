import { systemClock } from '../adapters/system/system-clock.adapter.ts'
import { SignalboxError } from '../protocols/errors.ts'
import { EXIT } from './exit-codes.ts'
import { type Io, paintFor, wantsColours } from './io.ts'
import { orchestratorOf } from './orchestrator-client.ts'
import { pauseFor, untilSignal } from './until-signal.ts'

const load = async () => {
  // react's other build checks itself at each frame
  process.env['NODE_ENV'] ??= 'production'
  const [{ startTop }, { actorTable }, { renderInfo }] = await Promise.all([
    import('../tui/top.ts'),
    import('./render-actors.ts'),
    import('./render-info.ts'),
  ])
  return { startTop, actorTable, renderInfo }
}

/** `signalbox top`: the actors of the orchestrator, live. */
export const topCommand = async (io: Io): Promise<number> => {
  if (!process.stdin.isTTY || !process.stdout.isTTY || io.out !== process.stdout) {
    throw new SignalboxError('ERR_USAGE', 'top draws on a terminal, and this is none; signalbox tree --watch --json tells the same')
  }
  await using client = await orchestratorOf(io, 'top')
  const { startTop, actorTable, renderInfo } = await load()
  const paint = paintFor(io)
  await untilSignal((signal) =>
    startTop({
      client,
      stdin: process.stdin,
      stdout: process.stdout,
      pause: (ms, until) => pauseFor(systemClock, ms, until),
      signal,
      table: (width, sort) => actorTable(width, paint, sort),
      infoLines: renderInfo,
      colours: wantsColours(io.out, io.env),
    }),
  )
  return EXIT.ok
}
