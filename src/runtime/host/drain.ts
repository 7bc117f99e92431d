import { systemClock } from '../../adapters/system/system-clock.adapter.ts'
import type { ProcessTable } from '../../ports/process-table.port.ts'
import { pause } from '../../ports/clock.port.ts'
import { isSignalboxError, SignalboxError } from '../../protocols/errors.ts'
import { checkVersion } from '../../terminal-host/host-link.ts'
import { HOST_PROTOCOL } from '../../terminal-host/wire.ts'
import { knock } from './host-client.ts'
import { type HostRecord, readHostRecord } from './host-record.ts'

/**
 * Looks whether the terminal host that runs can be used.
 * @param drain one that speaks another version of the protocol is asked to start nothing more and to end with its last terminal
 * @returns that one, or null where there is none
 * @throws ERR_HOST_VERSION, where it was not to be drained
 */
export const checkHost = async (commonDir: string, table: ProcessTable, drain: boolean): Promise<HostRecord | null> => {
  const host = readHostRecord(commonDir, table)
  // Who does not answer is the orchestrator's business, which tries for longer.
  const link = host === null ? null : await knock(host, table).catch(() => null)
  if (host === null || link === null) return null
  try {
    checkVersion(link.hello, HOST_PROTOCOL)
    return null
  } catch (error) {
    if (!drain || !isSignalboxError(error, 'ERR_HOST_VERSION')) throw error
    await link.request('drain', {})
    return host
  } finally {
    link.close()
  }
}

/** Of a host that speaks another version: what it holds is ended with it, by the one signal that every version understands. */
export const endUnspoken = async (host: HostRecord, table: ProcessTable, limitMs: number): Promise<void> => {
  table.signal(host, 'SIGTERM')
  for (const limit = systemClock.monotonic() + limitMs; table.isAlive(host);) {
    if (systemClock.monotonic() > limit) {
      const text = `the terminal host, pid ${host.pid}, has not ended within ${limitMs / 1_000} s of SIGTERM`
      throw new SignalboxError('ERR_HOST_FAILED', text, { context: { pid: host.pid, log: host.log } })
    }
    await pause(systemClock, 25)
  }
}
