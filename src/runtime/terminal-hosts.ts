import { systemClock } from '../adapters/system/system-clock.adapter.ts'
import type { TerminalHost } from '../ports/terminal-host.port.ts'
import type { Settings } from '../protocols/config.schema.ts'
import { createInProcessTerminalHost } from '../terminal-host/in-process-host.ts'
import { RemoteTerminalHost } from '../terminal-host/remote-host.ts'
import type { Environment } from './environment.ts'
import { hostClient } from './host/host-client.ts'
import { hostPlace, hostSocketPath } from './host/host-place.ts'
import { openTmuxTerminalHost } from './host/tmux-host.ts'
import type { RuntimeOptions } from './options.ts'
import { socketPath, tmuxDirectory } from './service/socket-path.ts'
import { version } from './version.ts'

/** How long a terminal host goes on without a terminal and without an orchestrator. ms */
const HOST_GRACE_MS = 60_000

/** Of one that was never used: what it keeps goes on. */
export const letGo = async (host: TerminalHost): Promise<void> => {
  if (host.detach === undefined) await host.close(0)
  else host.detach()
}

/**
 * Opens the terminal host of a workspace; one in a process of its own is started with its first terminal.
 * @throws ERR_HOST_VERSION, ERR_HOST_UNREACHABLE
 */
export const openTerminalHost = async (
  kind: NonNullable<RuntimeOptions['terminals']>,
  { processTable, cgroups, paths, workspaceId, worktrees }: Environment,
  env: NodeJS.ProcessEnv,
  { ringBudgetBytes }: Pick<Settings['terminals'], 'ringBudgetBytes'>,
): Promise<TerminalHost> => {
  if (kind === 'in-process') return createInProcessTerminalHost({ clock: systemClock, processTable, cgroups, ringBudgetBytes })
  if (kind === 'tmux') {
    const directory = tmuxDirectory(socketPath(env, paths.directory, workspaceId))
    return openTmuxTerminalHost({ clock: systemClock, processTable, cgroups, directory, ringBudgetBytes })
  }
  const options = {
    commonDir: worktrees.workspace.commonDir,
    socket: hostSocketPath(socketPath(env, paths.directory, workspaceId)),
    log: paths.hostLog,
    version: version(),
    graceMs: HOST_GRACE_MS,
    ringBudgetBytes,
  }
  const place = hostPlace(options, { clock: systemClock, table: processTable, env })
  return RemoteTerminalHost.open({
    clock: systemClock,
    processTable,
    cgroups,
    place,
    client: hostClient(processTable),
  })
}
