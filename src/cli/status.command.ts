import { duration } from '../protocols/words.ts'
import { createProcessTable } from '../adapters/process-table.ts'
import { systemClock } from '../adapters/system/system-clock.adapter.ts'
import { type OrchestratorRecord, readRecord } from '../runtime/service/orchestrator-record.ts'
import type { ResultOf } from '../protocols/control/methods.ts'
import { EXIT } from './exit-codes.ts'
import { type Io, paintFor, printJson, printLines } from './io.ts'
import { count } from './plural.ts'
import { workspaceOf } from './workspace-of.ts'

export type StatusOptions = { readonly json?: boolean }

type Counts = ResultOf<'status'>['counts']

const ANSWER_LIMIT_MS = 5_000

/** What it says itself; null when it does not answer, as while it recovers. */
const countsOf = async ({ state, socket }: OrchestratorRecord): Promise<Counts | null> => {
  if (state === 'recovering') return null
  const { connect } = await import('../client/client.ts')
  try {
    await using client = await connect(socket, { name: 'signalbox status', timeoutMs: ANSWER_LIMIT_MS })
    // this question itself is no client that anybody means
    const { counts } = await client.call('status', {})
    return { ...counts, clients: Math.max(0, counts.clients - 1) }
  } catch {
    return null
  }
}

const countsText = ({ lanes, terminals, runs, clients }: Counts): string =>
  [count(lanes, 'lane'), count(terminals, 'terminal'), count(runs, 'run'), count(clients, 'client')].join(', ')

/** In whole seconds. */
const since = (startedAt: number): string => duration(Math.floor((systemClock.now() - startedAt) / 1_000) * 1_000).replace('.0s', 's')

const leftText = (record: OrchestratorRecord): readonly string[] => {
  const {
    interruptedRuns = 0,
    lostTerminals = 0,
    openLanes = 0,
    keptLanes = 0,
    adoptedTerminals = 0,
    adoptedRuns = 0,
  } = record.recovered ?? {}
  return [
    ...(interruptedRuns + lostTerminals > 0
      ? [`  at its start: ${interruptedRuns} runs interrupted, ${lostTerminals} terminals lost with the process before it`]
      : []),
    ...(adoptedTerminals + adoptedRuns > 0
      ? [`  taken over from the process before it: ${count(adoptedTerminals, 'terminal')}, ${count(adoptedRuns, 'run')}`]
      : []),
    ...(keptLanes > 0 ? [`  ${count(keptLanes, 'lane')} of the process before it brought back`] : []),
    ...(openLanes > 0 ? [`  ${openLanes} lanes of such runs may still be there: signalbox doctor --fix`] : []),
    ...(record.pending.length > 0 ? [`  changed settings wait for the next start: ${record.pending.join(', ')}`] : []),
  ]
}

/** `signalbox status`: 0 when an orchestrator runs, 3 when none does. */
export const statusCommand = async (options: StatusOptions, io: Io): Promise<number> => {
  const { commonDir } = workspaceOf(io)
  const { living, dead } = readRecord(commonDir, createProcessTable())
  if (options.json === true) {
    const { pid = null, socket = null, startedAt = null, state = 'down', phase = null, log = null, version = null } = living ?? {}
    const { recovered = null, pending = [] } = living ?? {}
    const counts = living === null ? null : await countsOf(living)
    const died = dead?.pid ?? null
    printJson(io, { type: 'status', pid, socket, startedAt, state, phase, counts, log, version, recovered, pending, died })
    return living === null ? EXIT.notFound : EXIT.ok
  }
  const paint = paintFor(io)
  if (living === null) {
    const fate = dead === null ? '' : `; the last one, pid ${dead.pid}, died without a word (signalbox logs)`
    printLines(io, [`no orchestrator runs here${fate}`, 'next: signalbox up'])
    return EXIT.notFound
  }
  const { state, phase, pid, startedAt, socket, log, version } = living
  const counts = await countsOf(living)
  printLines(io, [
    `${paint(state === 'ready' ? 'green' : 'yellow', state)}${phase === null ? '' : ` (${phase})`}: orchestrator ${version}, pid ${pid}, for ${since(startedAt)}`,
    ...(counts === null ? [`  it does not answer${state === 'recovering' ? ' yet' : ''}`] : [`  ${countsText(counts)}`]),
    `  socket ${socket}`,
    `  log    ${log ?? 'on the terminal, or in the journal, where it was started'}`,
    ...leftText(living),
  ])
  return EXIT.ok
}
