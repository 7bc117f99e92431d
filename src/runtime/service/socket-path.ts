import { dirname, join } from 'node:path'
import type { WorkspaceId } from '../../protocols/ids.ts'

/** `$XDG_RUNTIME_DIR/signalbox/<workspace>/control.sock`, or in the state directory of the workspace. */
export const socketPath = (env: NodeJS.ProcessEnv, stateDirectory: string, workspaceId: WorkspaceId): string => {
  const runtime = env['XDG_RUNTIME_DIR']
  const directory = runtime !== undefined && runtime.startsWith('/') ? join(runtime, 'signalbox', workspaceId) : stateDirectory
  return join(directory, 'control.sock')
}

/** Of the private tmux server: beside the control socket. */
export const tmuxDirectory = (controlSocket: string): string => join(dirname(controlSocket), 'tmux')
