import { existsSync } from 'node:fs'
import { type Clock, pause } from '../../ports/clock.port.ts'
import type { ProcessTable } from '../../ports/process-table.port.ts'
import type { FoundLine, LeaderExit, LineRequest, TerminalLines } from '../../ports/terminal-lines.port.ts'
import { isSignalboxError } from '../../protocols/errors.ts'
import type { PtyId } from '../../protocols/ids.ts'
import { ControlClient, tmuxFailed } from './control-client.ts'
import { type Expected, MeetingPlace } from './meeting-place.ts'
import { notStarted } from './not-started.ts'
import { type Pane, PaneLine, type PaneServer } from './pane-line.ts'
import type { PaneLink } from './pane-link.ts'
import { rowsOf } from './pane-rows.ts'
import { PrivateDirectory } from './private-directory.ts'
import { answers, reachHolder, started } from './reach-holder.ts'

/** The session that has all windows; people get sessions of their own in its group. */
const SESSION = 'signalbox'
const KEEPER = 'keeper'
const AGAIN_MS = 5
/** Between tries to reach a server again: doubled each time, up to the limit. */
const RECONNECT_MS = 10
const RECONNECT_LIMIT_MS = 1_000
const LEAVE_LIMIT_MS = 5_000
/** A server that is about to end is met at most this often in a row. */
const OPEN_TRIES = 5

export type TmuxLinesOptions = {
  readonly clock: Clock
  readonly processTable: ProcessTable
  /** Made with 0700 and removed at the end; holds nothing else. */
  readonly directory: string
  /** `native/build/pane-holder` */
  readonly holderPath: string
  /** @defaultValue `tmux`, from the PATH */
  readonly tmux?: string
}

type Row = { readonly pane: Pane; readonly holderPid: number; readonly name: string; readonly memo: string }

/** Terminals in the panes of a private tmux server, which outlives this process. */
export class TmuxLines implements TerminalLines, PaneServer {
  readonly clock: Clock
  readonly #options: TmuxLinesOptions
  readonly #place: PrivateDirectory
  readonly #meeting: MeetingPlace
  readonly #lines = new Map<string, PaneLine>()
  /** Output of panes whose line is about to be made. */
  readonly #early = new Map<string, Uint8Array[]>()
  /** By the window of a holder that has not called in. */
  readonly #expected = new Map<string, Expected>()
  /** The one that is attached: of two, each would be told all output. */
  #client: ControlClient | undefined
  #connecting: Promise<void> | undefined
  #reconnecting: Promise<void> | undefined
  #keeper: PaneLink | undefined
  #closing = false

  private constructor(options: TmuxLinesOptions, place: PrivateDirectory, meeting: MeetingPlace) {
    this.clock = options.clock
    this.#options = options
    this.#place = place
    this.#meeting = meeting
  }

  /**
   * Takes the directory. A server that runs there is met, and its terminals are handed over with the rows that they show;
   * else one is started with the first terminal.
   * @throws ERR_TMUX_MISSING, ERR_TMUX_IN_USE, ERR_TMUX_FAILED
   */
  static async open(options: TmuxLinesOptions): Promise<{ readonly lines: TmuxLines; readonly found: readonly FoundLine[] }> {
    const place = new PrivateDirectory(options.directory, options.processTable)
    let lines: TmuxLines | undefined
    try {
      place.sweep()
      lines = new TmuxLines(options, place, await MeetingPlace.open(place.path, options.clock))
      return { lines, found: (await answers(place.socketPath)) ? await lines.#adopt() : [] }
    } catch (error) {
      if (lines === undefined) place.leave()
      else lines.detach()
      throw error
    }
  }

  async open(request: LineRequest): Promise<PaneLine> {
    const { ptyId, helperPath, cwd, file, argv, env, cols, rows } = request
    const expected = this.#meeting.expect()
    let paneId = ''
    let windowId = ''
    let link: PaneLink | undefined
    try {
      const holder = [this.#options.holderPath, 'hold', this.#place.path, this.#meeting.path, expected.token]
      const format = '#{pane_id} #{window_id}'
      const opened = ([answer]: readonly Buffer[]): void => {
        ;[paneId = '', windowId = ''] = String(answer).split(' ')
        this.#early.set(paneId, [])
        this.#expected.set(windowId, expected)
      }
      const client = await this.#connected()
      await client.ask(opened, 'new-window', '-d', '-P', '-F', format, '-t', `${SESSION}:`, '-n', ptyId, '-c', '/', ...holder)
      ;({ link } = await expected.met)
      // tmux is to know the size before the command can ask for it; the holder sets it, too.
      await this.run('resize-window', '-t', windowId, '-x', `${cols}`, '-y', `${rows}`)
      const pid = await started(link, () => link?.start([helperPath, cwd, file, ...argv], env, cols, rows))
      return this.#lineOf({ ptyId, paneId, windowId }, pid, link)
    } catch (error) {
      expected.cancel()
      link?.quit()
      this.#early.delete(paneId)
      throw isSignalboxError(error) && error.code === 'ERR_TMUX_MISSING' ? error : notStarted(request, error)
    } finally {
      this.#expected.delete(windowId)
    }
  }

  attachCommand(ptyId: PtyId): readonly string[] | null {
    for (const { pane } of this.#lines.values()) {
      if (pane.ptyId !== ptyId) continue
      // A session of his own in the group: the windows are the same, and each looks at the one he likes.
      const session = [
        'new-session',
        '-t',
        SESSION,
        ';',
        'set-option',
        'destroy-unattached',
        'on',
        ';',
        'select-window',
        '-t',
        `:${pane.windowId}`,
      ]
      return [this.#options.tmux ?? 'tmux', '-S', this.#place.socketPath, ...session]
    }
    return null
  }

  detach(): void {
    this.#closing = true
    for (const line of this.#lines.values()) line.leave()
    this.#lines.clear()
    this.#keeper?.close()
    this.#meeting.close()
    this.#place.leave()
    const leave = (): void => this.#client?.close()
    if (this.#connecting === undefined) leave()
    else void this.#connecting.then(leave, leave)
  }

  async close(): Promise<void> {
    this.#closing = true
    try {
      await this.#connecting?.catch(() => {})
      if (this.#client !== undefined || existsSync(this.#place.socketPath)) await this.#killServer()
      for (const limit = this.clock.monotonic() + LEAVE_LIMIT_MS; this.#place.holders() > 0 && this.clock.monotonic() < limit;) {
        await pause(this.clock, AGAIN_MS)
      }
    } finally {
      this.#meeting.close()
      this.#place.remove()
    }
  }

  /** One command to the server, which is started where there is none. */
  async run(...words: readonly (string | Uint8Array)[]): Promise<readonly Buffer[]> {
    return (await this.#connected()).run(...words)
  }

  inputFile(pane: Pane): string {
    return this.#place.inputFile(pane.paneId.slice(1))
  }

  forget({ paneId }: Pane): void {
    this.#lines.delete(paneId)
  }

  #lineOf(pane: Pane, pid: number, link: PaneLink, exit?: LeaderExit): PaneLine {
    const line = new PaneLine(pane, pid, link, this, exit)
    this.#lines.set(pane.paneId, line)
    for (const bytes of this.#early.get(pane.paneId) ?? []) line.take(bytes)
    this.#early.delete(pane.paneId)
    if (this.#reconnecting !== undefined) line.hold(true)
    return line
  }

  async #connected(): Promise<ControlClient> {
    while (this.#client === undefined) {
      this.#connecting ??= this.#connect().finally(() => (this.#connecting = undefined))
      await this.#connecting
    }
    return this.#client
  }

  async #connect(): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      let client: ControlClient | undefined
      try {
        client = await this.#attach(['new-session', '-A', '-s', SESSION, '-n', KEEPER, '-c', '/', ...this.#keeperCommand])
        await this.#keep(client)
        if (client.isOver) throw tmuxFailed('new-session', 'it ended in that moment')
        this.#client = client
        for (const line of this.#lines.values()) line.hold(false)
        return
      } catch (error) {
        client?.close()
        // A server without terminals ends by itself: this one met it in that moment.
        if (tries >= OPEN_TRIES || (isSignalboxError(error) && error.code === 'ERR_TMUX_MISSING')) throw error
      }
    }
  }

  /** It is expected by nobody: this process connects to it, be it new or not. */
  get #keeperCommand(): readonly string[] {
    return [this.#options.holderPath, 'keep', this.#place.path, this.#meeting.path, KEEPER]
  }

  #attach(command: readonly string[]): Promise<ControlClient> {
    return ControlClient.open({
      tmux: this.#options.tmux ?? 'tmux',
      holderPath: this.#options.holderPath,
      socketPath: this.#place.socketPath,
      configPath: this.#place.configPath,
      attach: command,
      output: (paneId, bytes) => this.#output(paneId, bytes),
      notice: (name, rest) => this.#notice(name, rest),
      ended: (client) => this.#ended(client),
    })
  }

  /** Sees to it that the server does not end while this process is connected, be it without a terminal. */
  async #keep(client: ControlClient): Promise<void> {
    let pid = (await this.#rows(client)).find(({ name }) => name === KEEPER)?.holderPid
    if (pid === undefined) {
      const window = ['new-window', '-d', '-P', '-F', '#{pane_pid}', '-t', `${SESSION}:`, '-n', KEEPER, '-c', '/']
      pid = Number((await client.run(...window, ...this.#keeperCommand))[0])
    }
    this.#keeper = await this.#reach(pid)
    this.#keeper.unref()
  }

  async #adopt(): Promise<FoundLine[]> {
    const client = await this.#connected()
    const found: FoundLine[] = []
    for (const row of await this.#rows(client)) {
      if (row.name === KEEPER) continue
      const line = await this.#adoptRow(client, row)
      if (line !== null) found.push({ line, memo: row.memo })
    }
    return found
  }

  async #adoptRow(client: ControlClient, { pane, holderPid, memo }: Row): Promise<PaneLine | null> {
    const link = await this.#reach(holderPid).catch(() => null)
    if (link === null) return null // ended meanwhile
    const state = await link.hello
    if (state === null || memo === '' || state.pid === 0) {
      link.quit() // its host died before the command began
      return null
    }
    link.setPaused(true)
    try {
      await rowsOf(client, pane.paneId, (rows) => this.#early.set(pane.paneId, rows))
    } catch (error) {
      link.close() // which lets it go on, too
      throw error
    }
    link.setPaused(false)
    const exit = state.state === 'ended' ? { exitCode: state.exitCode, signal: state.signal } : undefined
    return this.#lineOf(pane, state.pid, link, exit)
  }

  async #rows(client: ControlClient): Promise<readonly Row[]> {
    const format = '#{pane_id} #{window_id} #{pane_pid} #{window_name} #{@signalbox}'
    return (await client.run('list-panes', '-s', '-t', SESSION, '-F', format)).map((line) => {
      const [paneId = '', windowId = '', pid = '', name = '', tag = ''] = line.toString().split(' ')
      const memo = Buffer.from(tag, 'base64url').toString()
      return { pane: { ptyId: name as PtyId, paneId, windowId }, holderPid: Number(pid), name, memo }
    })
  }

  #reach(pid: number): Promise<PaneLink> {
    return reachHolder(this.#place.holderPath(pid), pid, this.clock, this.#options.processTable)
  }

  #output(paneId: string, bytes: Uint8Array): void {
    const line = this.#lines.get(paneId)
    if (line !== undefined) line.take(bytes)
    else this.#early.get(paneId)?.push(Uint8Array.from(bytes))
  }

  #notice(name: string, windowId: string): void {
    if (name === 'window-close' || name === 'unlinked-window-close') this.#expected.get(windowId)?.died()
  }

  /** The connection ended. The server may live on: then it is made anew, and until then nothing is put out. */
  #ended(client: ControlClient): void {
    if (client !== this.#client) return // who waits for it hears of it
    this.#client = undefined
    if (this.#closing || this.#lines.size === 0) return
    for (const line of this.#lines.values()) line.hold(true)
    this.#reconnecting ??= this.#reconnect().finally(() => (this.#reconnecting = undefined))
  }

  /** Until there is a connection, be it one that a start made. Where the server is gone, each holder says so by its end. */
  async #reconnect(): Promise<void> {
    for (let waitMs = RECONNECT_MS; await this.#isCutOff(); waitMs = Math.min(2 * waitMs, RECONNECT_LIMIT_MS)) {
      const isMade = await this.#connected().then(
        () => true,
        () => false,
      )
      if (!isMade) await pause(this.clock, waitMs)
    }
    if (this.#client === undefined) for (const line of this.#lines.values()) line.hold(false)
  }

  async #isCutOff(): Promise<boolean> {
    return !this.#closing && this.#client === undefined && this.#lines.size > 0 && (await answers(this.#place.socketPath))
  }

  async #killServer(): Promise<void> {
    const client = this.#client ?? (await this.#attach(['attach-session', '-t', SESSION]).catch(() => null))
    if (client === null) return // there is none any more
    await client.run('kill-server').catch(() => {})
    await client.untilOver()
  }
}
