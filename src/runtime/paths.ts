import { homedir } from 'node:os'
import { join } from 'node:path'
import type { WorkspaceId } from '../protocols/ids.ts'

/** Where a workspace keeps what lasts. */
export type StatePaths = {
  readonly directory: string
  readonly database: string
  readonly logs: string
  /** Of the process that holds the terminals. */
  readonly hostLog: string
  /** One file a crash. */
  readonly crashes: string
  /** One file a living orchestrator; in the repository, so that those with another state home are seen too. */
  readonly owners: string
  /** One file an orchestrator that could not write into its state directory any more; elsewhere for that reason. */
  readonly failures: string
}

/** `$XDG_STATE_HOME`, or `~/.local/state`. Source: XDG Base Directory Specification; a relative value is to be ignored. */
export const defaultStateHome = (env: NodeJS.ProcessEnv): string => xdg(env['XDG_STATE_HOME']) ?? join(homedir(), '.local', 'state')

/** `$XDG_DATA_HOME`, or `~/.local/share`. */
export const defaultDataHome = (env: NodeJS.ProcessEnv): string => xdg(env['XDG_DATA_HOME']) ?? join(homedir(), '.local', 'share')

const xdg = (value: string | undefined): string | null => (value !== undefined && value.startsWith('/') ? value : null)

/** @param commonDir of the repository */
export const statePaths = (stateHome: string, workspaceId: WorkspaceId, commonDir: string): StatePaths => {
  const directory = join(stateHome, 'signalbox', workspaceId)
  return {
    directory,
    database: join(directory, 'signalbox.db'),
    logs: join(directory, 'logs'),
    hostLog: join(directory, 'terminal-host.log'),
    crashes: join(directory, 'crashes'),
    owners: join(commonDir, 'signalbox', 'owners'),
    failures: join(commonDir, 'signalbox', 'failures'),
  }
}
