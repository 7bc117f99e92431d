import { existsSync } from 'node:fs'
import { createProcessTable } from '../adapters/process-table.ts'
import { systemClock } from '../adapters/system/system-clock.adapter.ts'
import { type HostRecord, readHostRecord } from '../runtime/host/host-record.ts'
import { stopRunning } from '../runtime/service/background.ts'
import { defaultStateHome, statePaths } from '../runtime/paths.ts'
import type { FoundWorkspace } from '../runtime/service/find-workspace.ts'
import { readRecord } from '../runtime/service/orchestrator-record.ts'
import { socketPath, tmuxDirectory } from '../runtime/service/socket-path.ts'
import { EXIT } from './exit-codes.ts'
import { type Io, printJson, printLines, safeWriter } from './io.ts'
import { count } from './plural.ts'
import { workspaceOf } from './workspace-of.ts'

export type DownOptions = { readonly keep?: boolean; readonly json?: boolean }

/** Ends the terminals of orchestrators that died. @returns how many; null: that is not known */
const endHeld = async (host: HostRecord): Promise<number | null> => (await import('../runtime/host/end-held.ts')).endHeld(host)

/** The same of a private tmux server, if there is one. */
const endHeldInTmux = async ({ commonDir, id }: FoundWorkspace, env: NodeJS.ProcessEnv): Promise<number> => {
  if (id === null) return 0
  const { directory } = statePaths(defaultStateHome(env), id, commonDir)
  const tmux = tmuxDirectory(socketPath(env, directory, id))
  return existsSync(tmux) ? (await import('../runtime/host/end-held.ts')).endHeldInTmux(tmux) : 0
}

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
  // One that was killed may have left terminals.
  const host = options.keep === true ? null : readHostRecord(place.commonDir, table)
  const ended = host === null ? 0 : await endHeld(host)
  const inTmux = options.keep === true ? 0 : await endHeldInTmux(place, io.env)
  if (asJson) printJson(io, { type: 'down', pid: living?.pid ?? null, ended: (ended ?? 0) + inTmux })
  else
    printLines(io, [
      living === null ? 'no orchestrator runs here' : `stopped: orchestrator, pid ${living.pid}`,
      ...(host !== null && ended === null ? [`ended: the terminal host of another version (pid ${host.pid}), and its terminals`] : []),
      ...(host !== null && ended !== null && ended > 0
        ? [`ended: ${count(ended, 'terminal')} that the last one had left in the terminal host (pid ${host.pid})`]
        : []),
      ...(inTmux > 0 ? [`ended: ${count(inTmux, 'terminal')} that the last one had left in tmux`] : []),
    ])
  return EXIT.ok
}
