import { closeInherited } from '../adapters/linux/close-inherited.ts'
import { leaveTerminal } from '../adapters/linux/leave-terminal.ts'
import { systemClock } from '../adapters/system/system-clock.adapter.ts'
import { isSignalboxError } from '../protocols/errors.ts'
import { startControlServer } from '../runtime/control/server.ts'
import { runOrchestrator } from '../runtime/orchestrator.ts'
import { ANOTHER_RUNS } from '../runtime/service/background.ts'
import { fileLog, streamLog } from '../runtime/service/service-log.ts'
import { EXIT } from './exit-codes.ts'
import { type Io, safeWriter } from './io.ts'
import { version } from '../runtime/version.ts'

/** `signalbox up --foreground`: the orchestrator is this process, and logs to stderr. */
export const runInForeground = async (set: readonly string[] | undefined, io: Io): Promise<number> => {
  const { write } = safeWriter(io.err)
  await runOrchestrator({
    workspace: io.cwd,
    env: io.env,
    version: version(),
    set: set ?? [],
    openLog: () => streamLog(systemClock, write),
    logPath: null,
    startControl: startControlServer,
  })
  return EXIT.ok
}

/** What `signalbox up` starts: becomes the orchestrator, unless there is one. */
export const orchestratorCommand = async (log: string, set: readonly string[] | undefined, io: Io): Promise<number> => {
  closeInherited()
  leaveTerminal()
  try {
    await runOrchestrator({
      workspace: io.cwd,
      env: io.env,
      version: version(),
      set: set ?? [],
      openLog: (maxBytes) => fileLog(systemClock, log, maxBytes),
      logPath: log,
      startControl: startControlServer,
    })
    return EXIT.ok
  } catch (error) {
    if (isSignalboxError(error, 'ERR_ORCHESTRATOR_RUNS')) return ANOTHER_RUNS
    throw error
  }
}
