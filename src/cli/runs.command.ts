import { createProcessTable } from '../adapters/process-table.ts'
import { systemClock } from '../adapters/system/system-clock.adapter.ts'
import { openInspection } from '../runtime/inspection.ts'
import { EXIT } from './exit-codes.ts'
import { type Io, paintFor, printJson, printLines } from './io.ts'
import { renderRuns } from './render-runs.ts'

export type RunsOptions = { readonly json?: boolean }

/** `signalbox runs`: the runs that are remembered, oldest first. */
export const runsCommand = async (options: RunsOptions, io: Io): Promise<number> => {
  const inspection = await openInspection({ workspace: io.cwd })
  try {
    const runs = await inspection.runs()
    if (options.json === true) printJson(io, { type: 'runs', runs })
    else {
      const table = createProcessTable()
      const listed = runs.map((run) => ({ run, alive: run.endedAt === null && table.isAlive(run.owner) }))
      printLines(io, renderRuns(listed, systemClock.now(), paintFor(io)))
    }
    return EXIT.ok
  } finally {
    await inspection.close()
  }
}
