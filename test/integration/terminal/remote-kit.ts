import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createCgroups } from '../../../src/adapters/cgroups.ts'
import { createProcessTable } from '../../../src/adapters/process-table.ts'
import { systemClock } from '../../../src/adapters/system/system-clock.adapter.ts'
import type { ProcessIdentity, ProcessTable } from '../../../src/ports/process-table.port.ts'
import { hostPlace } from '../../../src/runtime/host/host-place.ts'
import { type HostRecord, readHostRecord } from '../../../src/runtime/host/host-record.ts'
import { RemoteTerminalHost } from '../../../src/terminal-host/remote-host.ts'
import { HOST_PROTOCOL } from '../../../src/terminal-host/wire.ts'

/** A place for a terminal host of its own, with a space and a letter outside ASCII in its path. */
export type HostWorld = {
  readonly directory: string
  /** The host that runs, or null. */
  readonly record: () => HostRecord | null
  /** Connects as an orchestrator; another identity is another process. @param through a socket that leads to the host's */
  readonly open: (identity?: ProcessIdentity, through?: string) => Promise<RemoteTerminalHost>
  readonly [Symbol.asyncDispose]: () => Promise<void>
}

export const processTable: ProcessTable = createProcessTable()

export const ownIdentity = (): ProcessIdentity => processTable.identify(process.pid) as ProcessIdentity

/** @param graceMs how long the host goes on without anybody */
export const openWorld = (graceMs = 60_000, keptMs = 60_000): HostWorld => {
  const directory = mkdtempSync(join(tmpdir(), 'sbx hóst-'))
  const options = {
    commonDir: directory,
    socket: join(directory, 's', 't.sock'),
    log: join(directory, 'host.log'),
    version: '0.0.0',
    graceMs,
    keptMs,
  }
  mkdirSync(join(directory, 'signalbox'))
  const record = (): HostRecord | null => readHostRecord(directory, processTable)
  const opened: RemoteTerminalHost[] = []
  return {
    directory,
    record,
    async open(identity = ownIdentity(), through) {
      const place = hostPlace(options, { clock: systemClock, table: processTable, env: process.env })
      const via = <T extends { readonly socket: string } | null>(found: T): T =>
        found === null || through === undefined ? found : { ...found, socket: through }
      const host = await RemoteTerminalHost.open({
        clock: systemClock,
        processTable,
        cgroups: createCgroups(),
        place: { ...place, find: () => via(place.find()), start: async () => via(await place.start()) },
        client: { protocol: HOST_PROTOCOL, version: '0.0.0', identity },
      })
      opened.push(host)
      return host
    },
    async [Symbol.asyncDispose]() {
      for (const host of opened) await host.close(0)
      const left = record()
      if (left !== null) processTable.signal(left, 'SIGKILL')
      rmSync(directory, { recursive: true, force: true })
    },
  }
}
