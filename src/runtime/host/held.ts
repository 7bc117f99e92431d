import { reachableSocket } from '../../adapters/system/reachable-socket.ts'
import { systemClock } from '../../adapters/system/system-clock.adapter.ts'
import { HostLink } from '../../terminal-host/host-link.ts'
import { HOST_PROTOCOL } from '../../terminal-host/wire.ts'
import type { Environment } from '../environment.ts'
import { ownIdentity } from '../owners.ts'
import { version } from '../version.ts'
import { readHostRecord } from './host-record.ts'

/** What a terminal host holds, as one sees it who takes nothing over. */
export type Held = {
  /** Of the terminal host; null when there is none. */
  readonly pid: number | null
  /** Whether the process of this PTY lives there, or its end waits to be recorded. */
  readonly has: (ptyId: string) => boolean
}

export const NOTHING_HELD: Held = { pid: null, has: () => false }

/** Asks the terminal host of a workspace. Of one that lives and does not answer, everything counts as held: nothing of it may be touched. */
export const heldBy = async (env: Pick<Environment, 'processTable' | 'worktrees'>): Promise<Held> => {
  const host = readHostRecord(env.worktrees.workspace.commonDir, env.processTable)
  if (host === null) return NOTHING_HELD
  const { pid } = host
  try {
    const client = { protocol: HOST_PROTOCOL, version: version(), identity: ownIdentity(env.processTable) }
    const link = await HostLink.open(reachableSocket(host.socket), client, { frame: () => undefined, closed: () => undefined }, systemClock)
    try {
      const { ptys } = await link.request('list', {})
      const ids = new Set<string>(ptys.map(({ ptyId }) => ptyId))
      return { pid, has: (ptyId) => ids.has(ptyId) }
    } finally {
      link.close()
    }
  } catch {
    return { pid, has: () => true }
  }
}
