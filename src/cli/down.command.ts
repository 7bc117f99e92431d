import { createProcessTable } from '../adapters/process-table.ts'
import { systemClock } from '../adapters/system/system-clock.adapter.ts'
import { stopRunning } from '../runtime/service/background.ts'
import { readRecord } from '../runtime/service/orchestrator-record.ts'
import { EXIT } from './exit-codes.ts'
import { type Io, printJson, printLines, safeWriter } from './io.ts'
import { workspaceOf } from './workspace-of.ts'

export type DownOptions = { readonly keep?: boolean; readonly json?: boolean }

/** `signalbox down`: 0 when none runs any more, also when none did. */
export const downCommand = async (options: DownOptions, io: Io): Promise<number> => {
  const place = workspaceOf(io)
  const table = createProcessTable()
  const { living } = readRecord(place.commonDir, table)
  const asJson = options.json === true
  if (living !== null) {
    const progress = safeWriter(io.err)
    const told = (phase: string): void => {
      if (!asJson) progress.write(`stopping: ${phase} …\n`)
    }
    await stopRunning(place, living, options.keep === true, told, { clock: systemClock, table })
  }
  if (asJson) printJson(io, { type: 'down', pid: living?.pid ?? null })
  else printLines(io, [living === null ? 'no orchestrator runs here' : `stopped: orchestrator, pid ${living.pid}`])
  return EXIT.ok
}
