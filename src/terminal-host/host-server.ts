import type { Socket } from 'node:net'
import type { Clock, Timer } from '../ports/clock.port.ts'
import type { ProcessIdentity, ProcessTable } from '../ports/process-table.port.ts'
import type { PtySpec } from '../ports/terminal-host.port.ts'
import { SignalboxError } from '../protocols/errors.ts'
import type { PtyId } from '../protocols/ids.ts'
import { sameProcess } from '../protocols/process-key.ts'
import { HostConnection, noPty } from './host-connection.ts'
import { HostEntries, type HostEntry, infoOf } from './host-entries.ts'
import type { InProcessTerminalHost } from './in-process-host.ts'
import { encodeBody, END_TAIL_BYTES, type HostHello, type HostMethod, type HostMethods, type HostRequest } from './wire.ts'

/** For an orchestrator that was killed to be started again, and to take what has ended meanwhile. */
const KEPT_MS = 3_600_000
/** Least time between two news of one PTY. */
const NEWS_MS = 200

export type HostServerOptions = {
  readonly engine: InProcessTerminalHost
  readonly clock: Clock
  readonly processTable: Pick<ProcessTable, 'isAlive'>
  readonly hello: HostHello
  /** How long it goes on without a PTY and without an orchestrator. ms */
  readonly graceMs: number
  /** The same, with PTYs that have ended and whose end nobody has taken: then it is lost. ms @defaultValue an hour */
  readonly keptMs?: number
  /** It is not needed any more. Called once. */
  readonly onOver: () => void
  readonly log: (text: string) => void
}

/** A start that is under way. */
type Start = { readonly mark: string; readonly owner: ProcessIdentity; readonly entry: Promise<HostEntry> }

type Handlers = { readonly [M in HostMethod]: (params: HostMethods[M]['params'], by: HostConnection) => Promise<HostMethods[M]['result']> }

/**
 * What a terminal host does for the orchestrators that connect to it. A PTY belongs to the orchestrator that started it,
 * and is another's to take over when that one's process has died.
 */
export class HostServer {
  readonly #options: HostServerOptions
  readonly #entries = new HostEntries()
  readonly #connections = new Set<HostConnection>()
  readonly #starting = new Map<PtyId, Start>()
  /** Of PTYs that put something out since they were last told of. */
  readonly #fresh = new Set<HostEntry>()
  /** How often an orchestrator took over. */
  #takeOvers = 0
  readonly #hello: Uint8Array
  #isNewsDue = false
  #graceTimer: Timer | null = null
  #isDraining = false
  /** Whoever comes next speaks another version, and cannot take the ends of its PTYs. */
  #isSucceeded = false
  #isOver = false

  constructor(options: HostServerOptions) {
    this.#options = options
    this.#hello = encodeBody(options.hello)
    this.#considerEnd()
  }

  connect(socket: Socket): void {
    const connection = new HostConnection(socket, {
      clock: this.#options.clock,
      hello: this.#hello,
      protocol: this.#options.hello.protocol,
      entry: (handle) => this.#entries.get(handle),
      carryOut: (request, by) => this.#carryOut(request, by),
      closed: () => {
        this.#connections.delete(connection)
        this.#considerEnd()
      },
      log: this.#options.log,
    })
    this.#connections.add(connection)
    this.#considerEnd()
  }

  /** Ends every PTY, and with it this. */
  async close(graceMs: number): Promise<void> {
    this.#isDraining = true
    await this.#options.engine.close(graceMs)
    for (const connection of this.#connections) connection.close()
  }

  readonly #handlers: Handlers = {
    spawn: async ({ spec, again }, by) => {
      const owner = by.client as ProcessIdentity
      const known = this.#entries.ofId(spec.ptyId)
      if (again && known !== undefined && known.mark === spec.mark && sameProcess(known.owner, owner)) return infoOf(known)
      const begun = this.#starting.get(spec.ptyId)
      if (again && begun?.mark === spec.mark && sameProcess(begun.owner, owner)) return infoOf(await begun.entry)
      if (this.#isDraining)
        throw new SignalboxError('ERR_HOST_DRAINING', 'The terminal host starts nothing more: it ends with its last PTY.')
      const start: Start = { mark: spec.mark, owner, entry: this.#start(spec, owner) }
      if (begun === undefined) this.#starting.set(spec.ptyId, start)
      try {
        return infoOf(await start.entry)
      } finally {
        if (this.#starting.get(spec.ptyId) === start) this.#starting.delete(spec.ptyId)
      }
    },
    adopt: (_, by) => {
      const owner = by.client as ProcessIdentity
      const mine = this.#entries.all().filter((entry) => sameProcess(entry.owner, owner) || !this.#isHeld(entry))
      this.#takeOvers += 1
      for (const entry of mine) entry.owner = owner
      return Promise.resolve({ ptys: mine.map(infoOf) })
    },
    write: async ({ handle, input, ...options }) => {
      await this.#entry(handle).pty.write(input, options)
      return {}
    },
    receipt: ({ handle, key }) => this.#entry(handle).pty.receipt(key),
    waiting: async ({ handle }) => ({ waiting: await this.#entry(handle).pty.waiting() }),
    list: () => Promise.resolve({ ptys: this.#entries.all().map(infoOf) }),
    resize: async ({ handle, cols, rows }) => {
      await this.#entry(handle).pty.resize(cols, rows)
      return {}
    },
    text: ({ handle, ...options }) => this.#entry(handle).pty.text(options),
    search: ({ handle, ...options }) => this.#entry(handle).pty.search(options),
    snapshot: ({ handle, ...options }) => this.#entry(handle).pty.snapshot(options),
    tail: async ({ handle, bytes }) => ({ bytes: await this.#entry(handle).pty.tail(bytes) }),
    signal: ({ handle, name, askedBy }) => this.#entry(handle).pty.signal(name, askedBy),
    signals: async ({ handle }) => ({ signals: await this.#entry(handle).pty.signals() }),
    terminate: ({ handle, graceMs, askedBy }) => {
      this.#entry(handle)
        .pty.terminate({ graceMs, askedBy })
        .catch(() => undefined) // told by an exit
      return Promise.resolve({})
    },
    release: ({ handle }) => {
      const entry = this.#entries.get(handle)
      if (entry?.end != null) {
        entry.pty.release()
        this.#entries.remove(entry)
        this.#considerEnd()
      }
      return Promise.resolve({})
    },
    leave: (_, by) => {
      const ends = this.#entries.size === 0 && [...this.#connections].every((connection) => connection === by)
      if (ends) this.#isDraining = true
      this.#considerEnd()
      return Promise.resolve({ ends })
    },
    drain: (_, by) => {
      this.#isDraining = true
      this.#isSucceeded ||= !by.isOurs
      this.#considerEnd()
      return Promise.resolve({})
    },
  }

  // oxlint-disable-next-line typescript/require-await -- what a handler throws is a rejection
  async #carryOut({ method, params }: HostRequest, by: HostConnection): Promise<unknown> {
    const handler = Object.hasOwn(this.#handlers, method) ? this.#handlers[method] : undefined
    if (handler === undefined) throw new SignalboxError('ERR_HOST_FAILED', `The terminal host knows no method ${String(method)}.`)
    return (handler as (params: unknown, by: HostConnection) => Promise<unknown>)(params, by)
  }

  async #start(spec: PtySpec, owner: ProcessIdentity): Promise<HostEntry> {
    const { engine } = this.#options
    const takeOvers = this.#takeOvers
    const pty = await engine.spawn(spec)
    const known = this.#entries.ofId(spec.ptyId)
    if (known !== undefined) this.#entries.remove(known) // it had ended: the engine would have refused else
    const entry = this.#entries.add(pty, spec.mark, owner)
    pty.onOutput(() => this.#grew(entry))
    pty.onPressure((pressure) => {
      for (const connection of this.#connections) if (isOf(connection, entry)) connection.pressure(entry.handle, pressure)
    })
    void pty.exited.then(async (exit) => {
      entry.end = { exit, signals: await pty.signals(), tail: await pty.tail(END_TAIL_BYTES) }
      const body = encodeBody(infoOf(entry))
      for (const connection of this.#connections) if (isOf(connection, entry)) connection.exit(entry.handle, body)
      this.#considerEnd()
    })
    // Whoever wanted it died, and whoever came after him took over what there was then: nobody will ever know of this one.
    if (takeOvers !== this.#takeOvers && !this.#isHeld(entry)) void pty.terminate({ graceMs: 0, askedBy: 'terminal host' })
    return entry
  }

  #entry(handle: number): HostEntry {
    const entry = this.#entries.get(handle)
    if (entry === undefined) throw noPty(handle)
    return entry
  }

  /** Whether its orchestrator is there, or may come back. */
  #isHeld({ owner }: HostEntry): boolean {
    return this.#options.processTable.isAlive(owner)
  }

  /** Told of within `NEWS_MS`, one timer for all PTYs, and none where nothing is put out. */
  #grew(entry: HostEntry): void {
    this.#fresh.add(entry)
    this.#tellSoon()
  }

  #tellSoon(): void {
    if (this.#isNewsDue) return
    this.#isNewsDue = true
    this.#options.clock.setTimer(NEWS_MS, () => {
      this.#isNewsDue = false
      for (const entry of this.#fresh) {
        const owners = [...this.#connections].filter((connection) => isOf(connection, entry))
        if (owners.every((connection) => connection.news(entry))) this.#fresh.delete(entry)
      }
      // Of those that could not be told: what is said then is what is true then.
      if (this.#fresh.size > 0) this.#tellSoon()
    })
  }

  #considerEnd(): void {
    const isEmpty = this.#entries.size === 0
    const isOver = this.#entries.all().every(({ end }) => end !== null)
    const isAlone = [...this.#connections].every((connection) => this.#isSucceeded && !connection.isOurs)
    const isIdle = isAlone ? isOver : isEmpty && this.#isDraining
    if (!isIdle) {
      this.#graceTimer?.cancel()
      this.#graceTimer = null
      return
    }
    const { graceMs, keptMs = KEPT_MS, clock } = this.#options
    this.#graceTimer?.cancel()
    const endsNow = this.#isSucceeded || (isEmpty && this.#isDraining)
    this.#graceTimer = clock.setTimer(endsNow ? 0 : isEmpty ? graceMs : keptMs, () => {
      if (this.#isOver) return
      this.#isOver = true
      this.#isDraining = true // for whoever comes in this very moment
      this.#options.onOver()
    })
  }
}

const isOf = (connection: HostConnection, { owner }: HostEntry): boolean =>
  connection.client !== null && sameProcess(connection.client, owner)
