import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createProcessTable } from '../adapters/process-table.ts'
import { systemClock } from '../adapters/system/system-clock.adapter.ts'
import { openEnvironment } from '../runtime/environment.ts'
import { ORCHESTRATOR_NODE_ARGS, type Started, startInBackground } from '../runtime/service/background.ts'
import { configurationOf } from './configuration-of.ts'
import { EXIT } from './exit-codes.ts'
import { type Io, printJson, printLines } from './io.ts'

export type UpOptions = { readonly foreground?: boolean; readonly json?: boolean; readonly set?: readonly string[] }

const told = ({ record, isNew }: Started): readonly string[] => [
  `${isNew ? 'started' : 'runs already'}: orchestrator, pid ${record.pid}, since ${new Date(record.startedAt).toISOString()}`,
  `  socket ${record.socket}`,
  `  log    ${record.log ?? 'on the terminal, or in the journal, where it was started'}`,
]

/** `signalbox up`: 0 when an orchestrator is there, whoever started it. */
export const upCommand = async (options: UpOptions, io: Io): Promise<number> => {
  if (options.foreground === true) {
    const { runInForeground } = await import('./orchestrator.command.ts')
    return runInForeground(options.set, io)
  }
  // What would end it at once is better said here than by its last lines.
  await configurationOf(io, options.set)
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
