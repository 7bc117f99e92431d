import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createProcessTable } from '../adapters/process-table.ts'
import { systemClock } from '../adapters/system/system-clock.adapter.ts'
import { checkHost } from '../runtime/host/drain.ts'
import { readRecord, recoveredText } from '../runtime/service/orchestrator-record.ts'
import { openEnvironment } from '../runtime/environment.ts'
import { ORCHESTRATOR_NODE_ARGS, type Started, startInBackground } from '../runtime/service/background.ts'
import { configurationOf } from './configuration-of.ts'
import { EXIT } from './exit-codes.ts'
import { type Io, printJson, printLines, safeWriter } from './io.ts'
import { pauseFor, untilSignal } from './until-signal.ts'
import { workspaceOf } from './workspace-of.ts'

/** How often it is looked whether a terminal host has ended. */
const LOOK_MS = 100

export type UpOptions = {
  readonly foreground?: boolean
  readonly drain?: boolean
  readonly json?: boolean
  readonly set?: readonly string[]
}

const told = ({ record, isNew }: Started): readonly string[] => [
  `${isNew ? 'started' : 'runs already'}: orchestrator, pid ${record.pid}, since ${new Date(record.startedAt).toISOString()}`,
  `  socket ${record.socket}`,
  `  log    ${record.log ?? 'on the terminal, or in the journal, where it was started'}`,
  ...(isNew && record.recovered !== null ? recoveredText(record.recovered).map((text) => `  ${text}`) : []),
]

/**
 * Where no orchestrator runs, a terminal host may that speaks another version: it is drained where that is wanted.
 * @returns false: somebody did not want to wait any longer
 */
const isHostReady = async ({ drain = false, set }: UpOptions, io: Io): Promise<boolean> => {
  // What would end it at once is better said here than by its last lines.
  const { settings } = await configurationOf(io, set)
  if (settings.terminals.host !== 'host') return true
  const table = createProcessTable()
  const { commonDir } = workspaceOf(io)
  if (readRecord(commonDir, table).living !== null) return true
  const host = await checkHost(commonDir, table, drain)
  if (host === null) return true
  safeWriter(io.err).write(
    `draining: the terminal host of signalbox ${host.version} (pid ${host.pid}) ends with its last terminal …\n` +
      'Ctrl-C stops waiting, and leaves it at that; `signalbox down` ends its terminals now.\n',
  )
  return untilSignal(async (signal) => {
    while (table.isAlive(host) && !signal.aborted) await pauseFor(systemClock, LOOK_MS, signal)
    return !signal.aborted
  })
}

/** `signalbox up`: 0 when an orchestrator is there, whoever started it. */
export const upCommand = async (options: UpOptions, io: Io): Promise<number> => {
  if (!(await isHostReady(options, io))) return EXIT.interrupted
  if (options.foreground === true) {
    const { runInForeground } = await import('./orchestrator.command.ts')
    return runInForeground(options.set, io)
  }
  const { worktrees, paths } = await openEnvironment({ workspace: io.cwd })
  const { commonDir, root } = worktrees.workspace
  const log = join(paths.directory, 'orchestrator.log')
  const program = fileURLToPath(new URL('../../bin/signalbox.js', import.meta.url))
  const settings = (options.set ?? []).flatMap((text) => ['--set', text])
  const argv = [process.execPath, ...ORCHESTRATOR_NODE_ARGS, program, 'orchestrator', ...settings, '--', log]
  const started = await startInBackground({ commonDir, root }, argv, io.env, log, { clock: systemClock, table: createProcessTable() })
  const { pid, socket, startedAt, state } = started.record
  if (options.json === true) printJson(io, { type: 'up', isNew: started.isNew, pid, socket, startedAt, state, log: started.record.log })
  else printLines(io, told(started))
  return EXIT.ok
}
