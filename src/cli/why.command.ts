import { openInspection } from '../runtime/inspection.ts'
import { briefOf } from './crash-brief.ts'
import { EXIT } from './exit-codes.ts'
import { findPlace } from './find-run.ts'
import { type Io, paintFor, printJson, printLines } from './io.ts'
import { renderWhy } from './render-why.ts'
import { whatHolds } from './why-now.ts'
import { gatherEvidence } from './why.ts'

export type WhyOptions = { readonly run?: string; readonly json?: boolean }

/** `signalbox why LANE[/COMMAND]`: the recorded evidence, during a run or after it. */
export const whyCommand = async (place: string, options: WhyOptions, io: Io): Promise<number> => {
  const inspection = await openInspection({ workspace: io.cwd })
  try {
    const { run, lane, laneId, command } = findPlace(await inspection.runs(), place, options.run)
    const events = await inspection.events({ runId: run.id })
    const now = whatHolds({ run, events, lane, command, isAlive: inspection.isAlive(run.owner) })
    const own = events.filter((event) => event.laneId === laneId)
    const crash = (await inspection.crashes()).findLast((one) => one.laneId === laneId && (command === null || one.command === command))
    const evidence = gatherEvidence(own, run.id, lane, command, now, crash === undefined ? null : briefOf(crash))
    if (options.json === true) printJson(io, evidence)
    else printLines(io, renderWhy(evidence, paintFor(io)))
    return EXIT.ok
  } finally {
    await inspection.close()
  }
}
