import { createServer, type Server, type Socket } from 'node:net'
import { existsSync, type FSWatcher, mkdirSync, watch } from 'node:fs'
import { dirname } from 'node:path'
import { createCgroups } from '../../adapters/cgroups.ts'
import { createProcessTable } from '../../adapters/process-table.ts'
import { closeInherited } from '../../adapters/linux/close-inherited.ts'
import { leaveTerminal } from '../../adapters/linux/leave-terminal.ts'
import { tryGate } from '../../adapters/sqlite/gate.ts'
import { systemClock } from '../../adapters/system/system-clock.adapter.ts'
import { createInProcessTerminalHost } from '../../terminal-host/in-process-host.ts'
import { HostServer } from '../../terminal-host/host-server.ts'
import { HOST_PROTOCOL, type Version } from '../../terminal-host/wire.ts'
import { listenPrivately } from '../control/socket.ts'
import { fileLog } from '../service/service-log.ts'
import { hostLockOf, hostRecordPath, type HostRecord, removeHostRecord, writeHostRecord } from './host-record.ts'

export type HostProcessOptions = {
  readonly commonDir: string
  readonly socket: string
  readonly log: string
  readonly version: string
  /** How long it goes on without a PTY and without an orchestrator. ms */
  readonly graceMs: number
  /** The same, with ends of PTYs that nobody has taken. ms @defaultValue an hour */
  readonly keptMs?: number
  /** What the rings of all its PTYs take together. @defaultValue 256 MB */
  readonly ringBudgetBytes?: number
  /** What it speaks. @defaultValue HOST_PROTOCOL; another one stands for another version of signalbox, in tests */
  readonly protocol?: Version
}

const LOG_BYTES = 10_000_000
/** For what runs when the host itself is asked to end. */
const END_GRACE_MS = 5_000

/** Terminals opened ahead: for who opens one, or splits one. Each holds a pseudo-terminal, three descriptors and some 100 KB. */
const PREWARMED = 2

/**
 * Is the terminal host of a repository until nobody needs it. There is one at most: who comes second ends at once.
 * @returns when nothing is left of it
 */
export const runTerminalHost = async (options: HostProcessOptions): Promise<void> => {
  closeInherited()
  leaveTerminal()
  const { commonDir, socket, version, graceMs, keptMs, ringBudgetBytes, protocol = HOST_PROTOCOL } = options
  using lock = tryGate(hostLockOf(commonDir))
  if (lock === null) return
  const log = fileLog(systemClock, options.log, LOG_BYTES)
  const processTable = createProcessTable()
  const identity = processTable.identify(process.pid)
  if (identity === null) throw new Error('this process is not in its own process table')
  const startedAt = systemClock.now()
  const record: HostRecord = { ...identity, socket, startedAt, version, log: options.log }
  const over = Promise.withResolvers<void>()
  const engine = createInProcessTerminalHost({
    clock: systemClock,
    processTable,
    cgroups: createCgroups(),
    prewarmed: PREWARMED,
    ...(ringBudgetBytes !== undefined && { ringBudgetBytes }),
  })
  const host = new HostServer({
    engine,
    clock: systemClock,
    processTable,
    hello: { protocol, version, identity, startedAt },
    graceMs,
    ...(keptMs !== undefined && { keptMs }),
    onOver: over.resolve,
    log: log.write,
  })
  const place = await Place.open(commonDir, record, (connection) => host.connect(connection), log.write)
  log.write(`terminal host ${version}, pid ${identity.pid}`)
  const end = (signal: string): void => {
    log.write(`${signal}: its terminals are ended`)
    void host.close(END_GRACE_MS).then(over.resolve)
  }
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => end(signal))
  process.on('SIGHUP', () => {}) // it has no terminal that could hang up
  await over.promise
  await place.close()
  await engine.close(0)
  log.write('ended: nobody needs it')
  log.close()
}

/** Where it is found: its socket and its record, made again when somebody removes them, as its PTYs must be found. */
class Place {
  readonly #commonDir: string
  readonly #record: HostRecord
  readonly #connected: (socket: Socket) => void
  readonly #said: (text: string) => void
  #server: Server | null = null
  #remove: () => Promise<void> = () => Promise.resolve()
  #watchers: FSWatcher[] = []
  #mending: Promise<void> | null = null
  #isClosed = false

  private constructor(commonDir: string, record: HostRecord, connected: (socket: Socket) => void, said: (text: string) => void) {
    this.#commonDir = commonDir
    this.#record = record
    this.#connected = connected
    this.#said = said
  }

  static async open(
    commonDir: string,
    record: HostRecord,
    connected: (socket: Socket) => void,
    said: (text: string) => void,
  ): Promise<Place> {
    const place = new Place(commonDir, record, connected, said)
    await place.#listen()
    writeHostRecord(commonDir, record)
    place.#watch()
    return place
  }

  async close(): Promise<void> {
    this.#isClosed = true
    for (const watcher of this.#watchers) watcher.close()
    await this.#mending
    removeHostRecord(this.#commonDir)
    await this.#stop()
  }

  async #listen(): Promise<void> {
    const server = createServer((connection) => this.#connected(connection))
    this.#remove = await listenPrivately(server, this.#record.socket)
    server.on('error', (error) => this.#said(`the socket: ${error.message}`))
    this.#server = server
  }

  /** Those who are connected stay so. */
  async #stop(): Promise<void> {
    this.#server?.close()
    this.#server = null
    await this.#remove().catch(() => undefined)
  }

  #watch(): void {
    for (const watcher of this.#watchers) watcher.close()
    const directories = new Set([dirname(this.#record.socket), dirname(hostRecordPath(this.#commonDir))])
    this.#watchers = [...directories].flatMap((directory) => {
      try {
        const watcher = watch(directory, () => this.#look())
        watcher.on('error', () => this.#look())
        return [watcher]
      } catch (error) {
        // Out of inotify: it can be found as long as nobody removes them.
        this.#said(`${directory} cannot be watched: ${String(error)}`)
        return []
      }
    })
  }

  #look(): void {
    if (this.#isClosed || this.#mending !== null || (existsSync(this.#record.socket) && existsSync(hostRecordPath(this.#commonDir)))) return
    this.#mending = this.#mend()
      .catch((error: unknown) => this.#said(`cannot be found any more: ${String(error)}`))
      .finally(() => (this.#mending = null))
  }

  async #mend(): Promise<void> {
    // A repository that was removed is not to be made again.
    if (!existsSync(this.#commonDir)) return
    if (!existsSync(this.#record.socket)) {
      await this.#stop()
      await this.#listen()
    }
    mkdirSync(dirname(hostRecordPath(this.#commonDir)), { recursive: true })
    writeHostRecord(this.#commonDir, this.#record)
    this.#watch()
    this.#said('its socket or record was removed, and is there again')
  }
}
