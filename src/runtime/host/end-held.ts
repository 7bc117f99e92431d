import { createProcessTable } from '../../adapters/process-table.ts'
import { reachableSocket } from '../../adapters/system/reachable-socket.ts'
import { systemClock } from '../../adapters/system/system-clock.adapter.ts'
import { RemoteTerminalHost } from '../../terminal-host/remote-host.ts'
import { isSignalboxError } from '../../protocols/errors.ts'
import { endUnspoken } from './drain.ts'
import { hostClient } from './host-client.ts'
import type { HostRecord } from './host-record.ts'
import { openTmuxTerminalHost } from './tmux-host.ts'

/** From SIGTERM to SIGKILL, of commands of which nobody knows what their plan says. */
const GRACE_MS = 5_000
/** For a host of another version to end all that it holds. */
const UNSPOKEN_LIMIT_MS = 60_000

/**
 * Ends the terminals that orchestrators left which died, and with the last of them the terminal host.
 * @returns how many it ended; null where it speaks another version, and cannot be asked. @throws ERR_HOST_…
 */
export const endHeld = async (record: HostRecord): Promise<number | null> => {
  const processTable = createProcessTable()
  const found = { socket: reachableSocket(record.socket), identity: record }
  const place = { find: () => (processTable.isAlive(record) ? found : null), start: () => Promise.resolve(found), clear: () => {} }
  const host = await RemoteTerminalHost.open({ clock: systemClock, processTable, place, client: hostClient(processTable) }).catch(
    (error: unknown) => {
      if (isSignalboxError(error, 'ERR_HOST_VERSION')) return null
      throw error
    },
  )
  if (host === null) {
    await endUnspoken(record, processTable, UNSPOKEN_LIMIT_MS)
    return null
  }
  const left = host.list().length
  await host.close(GRACE_MS)
  return left
}

/**
 * The same of a private tmux server.
 * @param directory as of `tmuxDirectory`
 * @throws ERR_TMUX_…
 */
export const endHeldInTmux = async (directory: string): Promise<number> => {
  const host = await openTmuxTerminalHost({ clock: systemClock, processTable: createProcessTable(), directory })
  const left = host.list().length
  await host.close(GRACE_MS)
  return left
}
