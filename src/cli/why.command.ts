import { openInspection } from '../runtime/inspection.ts'
import { EXIT } from './exit-codes.ts'
import { findPlace } from './find-run.ts'
import { type Io, paintFor, printJson, printLines } from './io.ts'
import { renderWhy } from './render-why.ts'
import { gatherEvidence } from './why.ts'

export type WhyOptions = { readonly run?: string; readonly json?: boolean }

/** `signalbox why LANE[/COMMAND]`: the recorded evidence, during a run or after it. */
export const whyCommand = async (place: string, options: WhyOptions, io: Io): Promise<number> => {
  const inspection = await openInspection({ workspace: io.cwd })
  try {
    const { run, lane, laneId, command } = findPlace(await inspection.runs(), place, options.run)
    const evidence = gatherEvidence(await inspection.events({ runId: run.id, laneId }), run.id, lane, command)
    if (options.json === true) printJson(io, evidence)
    else printLines(io, renderWhy(evidence, paintFor(io)))
    return EXIT.ok
  } finally {
    await inspection.close()
  }
}
