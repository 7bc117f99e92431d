import { pause } from '../ports/clock.port.ts'
import type { ProcessIdentity } from '../ports/process-table.port.ts'
import type { Pty, PtySpec, ReadOptions, SurvivorRecord, TerminalCapabilities, TerminalHost } from '../ports/terminal-host.port.ts'
import { FRAME, type Frame, readOffsetBody } from '../protocols/control/frames.ts'
import { isSignalboxError, SignalboxError } from '../protocols/errors.ts'
import type { PtyId } from '../protocols/ids.ts'
import { sameProcess } from '../protocols/process-key.ts'
import type { PtyPressure } from '../protocols/pty-pressure.ts'
import { checkVersion, HostLink } from './host-link.ts'
import { LeftBehind, type LeftBehindParts } from './left-behind.ts'
import { RemotePty } from './remote-pty.ts'
import { type ReaderLink, RemoteReader } from './remote-reader.ts'
import { checkSpec } from './spawn-check.ts'
import {
  type ClientHello,
  decodeBody,
  encodeBody,
  failureOf,
  type HostAnswer,
  type HostMethod,
  type HostMethods,
  type OpenBody,
  type PtyInfo,
  readNews,
} from './wire.ts'

/** Where a terminal host is, and how one is started. */
export interface HostPlace {
  /** @returns the path of its socket and who it is; null when none runs */
  find(): { readonly socket: string; readonly identity: ProcessIdentity } | null
  /** Starts one, unless another does at the same moment, and waits until it can be found. @throws ERR_HOST_FAILED */
  start(): Promise<{ readonly socket: string; readonly identity: ProcessIdentity }>
  /** Takes away what one that died left to be found by; nothing where one runs, or starts. */
  clear(): void
}

export type RemoteHostOptions = LeftBehindParts & {
  readonly place: HostPlace
  readonly client: ClientHello
}

/** Between attempts to reach a host that lives, at first and at most. */
const AGAIN_MS = 50
const MOST_AGAIN_MS = 1_000
/** How long a host that was left is waited for, and one out of reach by who closes. */
const GONE_MS = 30_000
const LARGEST_CHANNEL = 0xff_ffff

type Reading = { readonly pty: RemotePty; readonly reader: RemoteReader }

/**
 * The PTYs of a terminal host in a process of its own, which outlives this one: another orchestrator takes them over. It
 * is started with the first PTY.
 */
export class RemoteTerminalHost implements TerminalHost {
  readonly keepsTerminals = true
  readonly capabilities: TerminalCapabilities = {
    outlivesOrchestrator: true,
    keepsOffsets: true,
    keepsLog: true,
    losslessReaders: true,
    byteExactOutput: true,
    exactEnvironment: true,
    answersQueries: false,
    attachCommand: false,
  }
  readonly #options: RemoteHostOptions
  readonly #byHandle = new Map<number, RemotePty>()
  readonly #byId = new Map<PtyId, RemotePty>()
  readonly #readings = new Map<number, Reading>()
  readonly #starting = new Set<Promise<unknown>>()
  #lastChannel = 0
  #link: HostLink | null = null
  #linking: Promise<HostLink> | null = null
  /** Until a connection that broke is made anew, or its host is known to be dead. */
  #regaining: Promise<void> | null = null
  #host: ProcessIdentity | null = null
  /** It starts nothing more. */
  #isClosed = false
  /** It does nothing more. */
  #isDetached = false

  private constructor(options: RemoteHostOptions) {
    this.#options = options
  }

  /**
   * Takes over the PTYs of a host that runs and whose orchestrator is gone. Starts none.
   * @throws ERR_HOST_VERSION, ERR_HOST_UNREACHABLE
   */
  static async open(options: RemoteHostOptions): Promise<RemoteTerminalHost> {
    const host = new RemoteTerminalHost(options)
    if (options.place.find() === null) options.place.clear()
    else {
      await host.#connected(false).catch((error: unknown) => {
        // One that was about to end, and has.
        if (options.place.find() !== null) throw error
      })
    }
    return host
  }

  async spawn(spec: PtySpec): Promise<Pty> {
    if (this.#isClosed) throw new SignalboxError('ERR_RUNTIME_CLOSED', `Cannot start ${spec.ptyId}: the terminal host is closed.`)
    checkSpec(spec)
    const starting = this.#spawn(spec)
    this.#starting.add(starting)
    try {
      return await starting
    } finally {
      this.#starting.delete(starting)
    }
  }

  get(ptyId: PtyId): Pty | undefined {
    return this.#byId.get(ptyId)
  }

  list(): readonly Pty[] {
    return [...this.#byId.values()].filter(({ isOver }) => !isOver)
  }

  async close(graceMs: number): Promise<void> {
    this.#isClosed = true
    await Promise.allSettled(this.#starting)
    await Promise.allSettled(this.list().map((pty) => pty.terminate({ graceMs, askedBy: 'host.close' })))
    const link = await this.#linking?.catch(() => null)
    if (link?.isOpen === true) {
      const releases = [...this.#byHandle.keys()].map((handle) => link.request('release', { handle }))
      await Promise.allSettled(releases)
      // Another orchestrator may hold terminals there: then it goes on for that one.
      const left = await link.request('leave', {}).catch(() => null)
      if (left?.ends === true) await this.#untilGone(link.hello.identity)
    }
    this.detach()
  }

  /** Leaves the PTYs to whoever comes next. */
  detach(): void {
    this.#isClosed = true
    this.#isDetached = true
    this.#link?.close()
    this.#link = null
  }

  async #spawn(spec: PtySpec): Promise<Pty> {
    for (let again = false; ; again = true) {
      let link: HostLink | undefined
      try {
        link = await this.#connected(true)
        let pty: RemotePty | undefined
        await link.request('spawn', { spec, again }, (info) => (pty = this.#adopt(info)))
        return pty as unknown as Pty
      } catch (error) {
        if (again) throw error
        if (link === undefined) {
          // It ended as it was found: then another is started.
          if (!isSignalboxError(error, 'ERR_HOST_UNREACHABLE') && !isSignalboxError(error, 'ERR_HOST_DISCONNECTED')) throw error
        } else if (isSignalboxError(error, 'ERR_HOST_DISCONNECTED')) await this.#lostSight(link)
        // About to end by itself, for want of terminals.
        else if (isSignalboxError(error, 'ERR_HOST_DRAINING') && this.list().length === 0) await this.#leave(link)
        else throw error
      }
    }
  }

  #adopt(info: PtyInfo): RemotePty {
    const known = this.#byHandle.get(info.handle)
    if (known !== undefined) {
      known.news(info.outputBytes, info.lastOutputAt, info.preview)
      if (info.end !== null) known.over(info.end)
      return known
    }
    const pty = new RemotePty(info, {
      request: (method, params) => this.#request(method, params),
      input: async (handle, bytes) => (await this.#connected(false)).input(handle, bytes),
      read: (of, options, over) => this.#read(of, options, over),
      released: (of) => this.#released(of),
    })
    this.#byHandle.set(pty.handle, pty)
    this.#byId.set(pty.ptyId, pty)
    return pty
  }

  /**
   * Asks again over a new connection, as long as the host lives, where asking twice does no harm.
   * @throws ERR_HOST_UNREACHABLE where it does not: then its PTYs have been told
   */
  async #request<M extends HostMethod>(method: M, params: HostMethods[M]['params']): Promise<HostMethods[M]['result']> {
    for (;;) {
      await this.#regaining
      const link = await this.#connected(false)
      try {
        return await link.request(method, params)
      } catch (error) {
        if (this.#isDetached || !isRepeatable(method, params) || !isSignalboxError(error, 'ERR_HOST_DISCONNECTED')) throw error
        await this.#lostSight(link)
      }
    }
  }

  #released(pty: RemotePty): void {
    this.#byHandle.delete(pty.handle)
    if (this.#byId.get(pty.ptyId) === pty) this.#byId.delete(pty.ptyId)
    this.#link?.request('release', { handle: pty.handle }).catch(() => undefined) // or the next who connects sees to it
  }

  #read(pty: RemotePty, { from, tail, mode, borrow = false }: ReadOptions, over: () => void): RemoteReader {
    do this.#lastChannel = this.#lastChannel === LARGEST_CHANNEL ? 1 : this.#lastChannel + 1
    while (this.#readings.has(this.#lastChannel))
    const channel = this.#lastChannel
    const begin: Omit<OpenBody, 'handle'> = {
      ...(from !== undefined && { from }),
      ...(tail !== undefined && { tail }),
      ...(mode !== undefined && { mode }),
    }
    const link: ReaderLink = {
      open: (position) => {
        const body: OpenBody = {
          handle: pty.handle,
          ...(position === null ? begin : { from: position, ...(mode !== undefined && { mode }) }),
        }
        this.#link?.send(FRAME.open, channel, 0, encodeBody(body))
      },
      used: (bytes) => this.#link?.send(FRAME.ack, channel, bytes),
      close: () => {
        this.#readings.delete(channel)
        this.#link?.send(FRAME.close, channel, 0)
      },
      over,
    }
    const reader = new RemoteReader(link, borrow)
    this.#readings.set(channel, { pty, reader })
    return reader
  }

  /** @param start whether one is started where none runs */
  #connected(start: boolean): Promise<HostLink> {
    if (this.#linking !== null) return this.#linking
    const linking = this.#connect(start)
    this.#linking = linking
    linking.catch(() => {
      if (this.#linking === linking) this.#linking = null
    })
    return linking
  }

  async #connect(start: boolean): Promise<HostLink> {
    const { place, client, clock } = this.#options
    const found = place.find() ?? (start ? await place.start() : null)
    if (found === null) throw new SignalboxError('ERR_HOST_UNREACHABLE', 'No terminal host runs.')
    const events = {
      frame: (frame: Frame) => {
        if (this.#link === link) this.#frame(frame)
      },
      closed: () => void this.#lostSight(link),
    }
    const link: HostLink = await HostLink.open(found.socket, client, events, clock)
    try {
      checkVersion(link.hello, client.protocol)
      const { identity } = link.hello
      // Numbers of terminals are those of one host.
      if (this.#host !== null && !sameProcess(this.#host, identity)) await this.#lostHost(this.#host)
      if (this.#isDetached) throw closed()
      this.#host = identity
      this.#link = link
      await link.request('adopt', {}, ({ ptys }) => {
        for (const info of ptys) this.#adopt(info)
      })
    } catch (error) {
      link.close()
      throw error
    }
    for (const { reader } of this.#readings.values()) reader.reopen()
    return link
  }

  #frame({ type, channel, offset, body }: Frame): void {
    switch (type) {
      case FRAME.output:
        this.#readings.get(channel)?.reader.output(offset, body)
        return
      case FRAME.gap:
        this.#readings.get(channel)?.reader.gap(offset, readOffsetBody({ type, channel, offset, body }))
        return
      case FRAME.end:
        this.#readings.get(channel)?.reader.end()
        this.#readings.delete(channel)
        return
      case FRAME.error: {
        const answer = decodeBody(body) as HostAnswer
        this.#readings.get(channel)?.reader.end('error' in answer ? failureOf(answer.error) : null)
        this.#readings.delete(channel)
        return
      }
      case FRAME.news: {
        const { lastOutputAt, preview } = readNews(body)
        this.#byHandle.get(channel)?.news(offset, lastOutputAt, preview)
        return
      }
      case FRAME.pressure:
        this.#byHandle.get(channel)?.pressed(decodeBody(body) as PtyPressure)
        return
      case FRAME.exit: {
        const info = decodeBody(body) as PtyInfo
        const pty = this.#byHandle.get(channel)
        pty?.news(info.outputBytes, info.lastOutputAt, info.preview)
        if (info.end !== null) pty?.over(info.end)
        return
      }
      default:
        throw new SignalboxError('ERR_CONTROL_LINE_INVALID', `the terminal host sent a frame of type ${type}`)
    }
  }

  /** A connection has ended: another is made, as long as the host lives. Resolves when one is there, or the host is dead. */
  #lostSight(link: HostLink): Promise<void> {
    if (this.#link === link) {
      this.#link = null
      this.#linking = null
      this.#regaining ??= this.#regain(link.hello.identity).finally(() => (this.#regaining = null))
    }
    return this.#regaining ?? Promise.resolve()
  }

  async #regain(host: ProcessIdentity): Promise<void> {
    const { clock, processTable } = this.#options
    let closedFor = 0
    for (let againMs = AGAIN_MS; !this.#isDetached && closedFor < GONE_MS; againMs = Math.min(2 * againMs, MOST_AGAIN_MS)) {
      if (!processTable.isAlive(host)) return this.#lostHost(host)
      if ((await this.#connected(false).catch(() => null)) !== null) return
      if (this.#isClosed) closedFor += againMs
      await pause(clock, againMs)
    }
  }

  /** The host is dead, and what it held with it: what is left of its process trees is found and ended, then all are told. */
  async #lostHost(identity: ProcessIdentity): Promise<void> {
    const ptys = [...this.#byHandle.values()]
    this.#byHandle.clear()
    this.#byId.clear()
    const readings = [...this.#readings.values()]
    this.#readings.clear()
    const left = new LeftBehind(
      ptys.map(({ mark }) => mark),
      this.#options,
    )
    const lost = async (pty: RemotePty): Promise<void> => {
      const survivors = pty.isOver ? [] : await left.end(pty.mark).catch((): readonly SurvivorRecord[] => [])
      const text = `${pty.ptyId} was lost with the terminal host (pid ${identity.pid}), which died.`
      const error = new SignalboxError('ERR_PTY_LOST', text, {
        context: { ptyId: pty.ptyId, pid: pty.identity.pid, host: identity.pid, survivors },
      })
      pty.lost(error)
      for (const { pty: of, reader } of readings) if (of === pty) reader.end(error)
    }
    await Promise.all(ptys.map(lost))
    this.#options.place.clear()
  }

  /** Lets go of a host that is about to end, and waits until it has. */
  async #leave(link: HostLink): Promise<void> {
    if (this.#link === link) {
      this.#link = null
      this.#linking = null
    }
    link.close()
    await this.#untilGone(link.hello.identity)
  }

  /** Waits for the end of a host that has nothing left to hold. */
  async #untilGone(host: ProcessIdentity): Promise<void> {
    const { clock, processTable } = this.#options
    for (const limit = clock.monotonic() + GONE_MS; clock.monotonic() < limit && processTable.isAlive(host);) await pause(clock, 5)
  }
}

const closed = (): SignalboxError => new SignalboxError('ERR_RUNTIME_CLOSED', 'The terminal host is closed.')

/** What may have been carried out before the connection broke is asked for again only where that does it once. */
const isRepeatable = (method: HostMethod, params: object): boolean =>
  method === 'write' ? 'key' in params && params.key !== undefined : method !== 'signal'
