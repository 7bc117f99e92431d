import { reachableSocket } from '../../adapters/system/reachable-socket.ts'
import { systemClock } from '../../adapters/system/system-clock.adapter.ts'
import type { ProcessTable } from '../../ports/process-table.port.ts'
import { HostLink } from '../../terminal-host/host-link.ts'
import { type ClientHello, HOST_PROTOCOL } from '../../terminal-host/wire.ts'
import { ownIdentity } from '../owners.ts'
import { version } from '../version.ts'
import type { HostRecord } from './host-record.ts'

/** Who this process is, to a terminal host. */
export const hostClient = (table: ProcessTable): ClientHello => ({
  protocol: HOST_PROTOCOL,
  version: version(),
  identity: ownIdentity(table),
})

/** A connection to ask a question or two, of which nothing is heard without being asked. @throws ERR_HOST_UNREACHABLE */
export const knock = (host: HostRecord, table: ProcessTable): Promise<HostLink> =>
  HostLink.open(reachableSocket(host.socket), hostClient(table), { frame: () => undefined, closed: () => undefined }, systemClock)
