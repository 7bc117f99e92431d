import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as nodePty from 'node-pty'
import { createProcessTable } from '../src/adapters/process-table.ts'
import { systemClock } from '../src/adapters/system/system-clock.adapter.ts'
import { systemRandom } from '../src/adapters/system/system-random.adapter.ts'
import type { ProcessIdentity } from '../src/ports/process-table.port.ts'
import type { TerminalHost } from '../src/ports/terminal-host.port.ts'
import { createIdFactory } from '../src/protocols/id-factory.ts'
import type * as HostPlaces from '../src/runtime/host/host-place.ts'
import { readHostRecord } from '../src/runtime/host/host-record.ts'
import { createInProcessTerminalHost } from '../src/terminal-host/in-process-host.ts'
import { RemoteTerminalHost } from '../src/terminal-host/remote-host.ts'
import { HOST_PROTOCOL } from '../src/terminal-host/wire.ts'

/** A program on a terminal. */
export type Program = {
  write(bytes: Uint8Array): void
  /** Another lossless reader from the beginning, through another connection where one is given; only ours. */
  read?(onBytes: (count: number) => void, through?: TerminalHost): Promise<void>
  /** Ends it; resolves when it has ended. */
  end(): Promise<void>
}

/** What is measured, seen alike: raw node-pty, or a terminal host. */
export interface Subject {
  /** @param onBytes is told of all output from the first byte on. @returns once it was started */
  start(argv: readonly string[], onBytes: (count: number) => void): Promise<Program>
}

const cwd = tmpdir()
const environment = Object.fromEntries(Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined))

/** node-pty by its public API, as its users have it. */
export const raw: Subject = {
  start([file = '', ...args], onBytes) {
    const pty = nodePty.spawn(file, args, { cols: 120, rows: 30, cwd, env: environment, encoding: null })
    const ended = new Promise<void>((resolve) => pty.onExit(() => resolve()))
    pty.onData((data: unknown) => onBytes((data as Buffer).length))
    return Promise.resolve({
      write: (bytes: Uint8Array) => pty.write(Buffer.from(bytes)),
      end: () => {
        pty.kill('SIGKILL')
        return ended
      },
    })
  },
}

const ids = createIdFactory({ clock: systemClock, random: systemRandom })

/** A terminal host, read by one lossless reader that keeps nothing. */
export const subjectOf = (host: () => TerminalHost): Subject => ({
  async start(argv, onBytes) {
    const ptyId = ids.next('pty')
    const mark = `bench/${ptyId}/1`
    const pty = await host().spawn({ ptyId, argv, env: { ...environment, SIGNALBOX_MARK: mark }, cwd, mark })
    const read = async (tell: (count: number) => void, through?: TerminalHost): Promise<void> => {
      const source = through === undefined ? pty : through.get(ptyId)
      if (source === undefined) throw new Error('a connection does not know the terminal')
      for await (const chunk of source.read({ from: 0, mode: 'lossless', borrow: true })) if ('bytes' in chunk) tell(chunk.bytes.length)
    }
    const reading = read(onBytes)
    return {
      write: (bytes) => void pty.write(bytes).catch(() => {}),
      read,
      end: async () => {
        await pty.terminate({ graceMs: 0, askedBy: 'bench' })
        await reading
        pty.release()
      },
    }
  },
})

export const inProcess = (): TerminalHost => createInProcessTerminalHost({ clock: systemClock, processTable: createProcessTable() })

export type Hosts = {
  readonly host: TerminalHost
  /** Another connection, which knows the terminals that there are. */
  readonly connect: () => Promise<TerminalHost>
  /** Of the host's process. */
  readonly pid: () => number
  readonly close: () => Promise<void>
}

type Placing = Pick<typeof HostPlaces, 'hostPlace'>

/** As it is installed: from its sources a host would hold the compiler of Node, too. */
const built = async (): Promise<Placing> => {
  const root = join(import.meta.dirname, '..')
  execFileSync(process.execPath, [join(root, 'script/build.ts')], { stdio: ['ignore', 'ignore', 'inherit'] })
  return (await import(join(root, 'dist/runtime/host/host-place.js'))) as Placing
}

/** A terminal host in a process of its own, and connections to it. */
export const openHosts = async (): Promise<Hosts> => {
  const { hostPlace } = await built()
  const processTable = createProcessTable()
  const directory = mkdtempSync(join(tmpdir(), 'sbx-bench-'))
  mkdirSync(join(directory, 'signalbox'))
  const commonDir = directory
  const options = { commonDir, socket: join(directory, 's', 't.sock'), log: join(directory, 'log'), version: '0.0.0', graceMs: 60_000 }
  const opened: RemoteTerminalHost[] = []
  const connect = async (): Promise<RemoteTerminalHost> => {
    const host = await RemoteTerminalHost.open({
      clock: systemClock,
      processTable,
      place: hostPlace(options, { clock: systemClock, table: processTable, env: process.env }),
      client: { protocol: HOST_PROTOCOL, version: '0.0.0', identity: processTable.identify(process.pid) as ProcessIdentity },
    })
    opened.push(host)
    return host
  }
  return {
    host: await connect(),
    connect,
    pid: (): number => readHostRecord(directory, processTable)?.pid ?? 0,
    close: async (): Promise<void> => {
      for (const host of opened) await host.close(0)
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

/** Resident memory of a process in MB; 0 where the platform does not tell. */
export const residentMegabytes = (pid: number): number => {
  try {
    return Number(/^VmRSS:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1_024
  } catch {
    return 0
  }
}
