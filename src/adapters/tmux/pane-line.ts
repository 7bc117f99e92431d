import { randomBytes } from 'node:crypto'
import { rm, writeFile } from 'node:fs/promises'
import type { Clock } from '../../ports/clock.port.ts'
import type { LeaderExit, TerminalLine } from '../../ports/terminal-lines.port.ts'
import { SignalboxError } from '../../protocols/errors.ts'
import type { PtyId } from '../../protocols/ids.ts'
import { LastWords } from './last-words.ts'
import type { PaneLink } from './pane-link.ts'

/** The most input handed to tmux at once; what it holds for a program that does not read is no more than twice this. */
const CHUNK_BYTES = 16_384
/** How long the last words of a terminal may take: its server or its connection may be gone. */
const DRAIN_LIMIT_MS = 10_000

export type Pane = { readonly ptyId: PtyId; readonly paneId: string; readonly windowId: string }

/** What a line needs of the server. */
export type PaneServer = {
  readonly clock: Clock
  run(...words: readonly (string | Uint8Array)[]): Promise<readonly Buffer[]>
  /** A path in the private directory that only this line uses. */
  inputFile(pane: Pane): string
  /** Nothing of it is wanted any more. */
  forget(pane: Pane): void
}

/** One pane of the private server, seen as a terminal. */
export class PaneLine implements TerminalLine {
  readonly pid: number
  readonly exited: Promise<LeaderExit>
  readonly pane: Pane
  readonly #server: PaneServer
  readonly #link: PaneLink
  readonly #exit = Promise.withResolvers<LeaderExit>()
  /** Output from before somebody listened. */
  #early: Uint8Array[] = []
  #onBytes: ((bytes: Uint8Array) => void) | undefined
  #onClosed: (() => void) | undefined
  #paused = false
  #held = false
  #closed = false
  /** Input handed on since the program was last known to have read all. */
  #unread = 0
  #last: { readonly words: LastWords; readonly found: PromiseWithResolvers<void> } | undefined

  /** @param exit of a command that ended before this process met it */
  constructor(pane: Pane, pid: number, link: PaneLink, server: PaneServer, exit?: LeaderExit) {
    this.pane = pane
    this.pid = pid
    this.exited = this.#exit.promise
    this.exited.catch(() => {}) // whoever started it hears of it; nobody has to
    this.#link = link
    this.#server = server
    if (exit !== undefined) this.#exit.resolve(exit)
    link.listen({
      ended: (exitCode, signal) => this.#exit.resolve({ exitCode, signal }),
      closed: () => this.#lost(),
    })
    if (link.isClosed) this.#lost()
  }

  /** Output as it comes; also the rows that were there when this process met it. */
  take(bytes: Uint8Array): void {
    if (this.#closed) return
    if (this.#last !== undefined) {
      this.#hand(this.#last.words.push(bytes))
      if (this.#last.words.isFound) this.#last.found.resolve()
      return
    }
    this.#hand(bytes)
  }

  start(onBytes: (bytes: Uint8Array) => void, onClosed: () => void): void {
    this.#onBytes = onBytes
    this.#onClosed = onClosed
    for (const bytes of this.#early) onBytes(bytes)
    this.#early = []
  }

  setPaused(paused: boolean): void {
    this.#paused = paused
    this.#flow()
  }

  /** Stops output while nobody could hear of it, as the connection to the server is being made anew. */
  hold(isHeld: boolean): void {
    if (this.#closed || this.#held === isHeld) return
    this.#held = isHeld
    if (this.#last === undefined) this.#flow()
    // The last words may have been said to nobody.
    else if (!isHeld && !this.#last.words.isFound) this.#link.finish(this.#last.words.words)
  }

  #flow(): void {
    if (this.#last === undefined) this.#link.setPaused(this.#paused || this.#held)
  }

  async drain(): Promise<void> {
    if (this.#link.isClosed || this.#closed) return
    const found = Promise.withResolvers<void>()
    const words = new LastWords(randomBytes(16).toString('hex'))
    this.#last = { words, found }
    const timer = this.#server.clock.setTimer(DRAIN_LIMIT_MS, () => found.resolve())
    if (!this.#held) this.#link.finish(words.words)
    await found.promise
    timer.cancel()
    this.#hand(words.rest())
  }

  async write(bytes: Uint8Array): Promise<number> {
    const chunk = bytes.subarray(0, CHUNK_BYTES)
    if (this.#unread + chunk.length > CHUNK_BYTES) {
      await this.#link.lowInput()
      this.#unread = 0
    }
    const buffer = `in-${this.pane.paneId.slice(1)}`
    // Not by keys: those of a pane whose history somebody reads go to that reading, not to the program.
    const file = chunk.includes(0) ? this.#server.inputFile(this.pane) : undefined
    if (file !== undefined) await writeFile(file, chunk, { mode: 0o600 })
    const set =
      file === undefined ? this.#server.run('set-buffer', '-b', buffer, chunk) : this.#server.run('load-buffer', '-b', buffer, file)
    const pasted = this.#server.run('paste-buffer', '-d', '-r', '-b', buffer, '-t', this.pane.paneId)
    try {
      await Promise.all([set, pasted])
    } finally {
      if (file !== undefined) await rm(file, { force: true })
    }
    this.#unread += chunk.length
    return chunk.length
  }

  async resize(cols: number, rows: number): Promise<void> {
    await this.#server.run('resize-window', '-t', this.pane.windowId, '-x', `${cols}`, '-y', `${rows}`)
    this.#link.resize(cols, rows) // tmux itself may wait up to 250 ms
  }

  async remember(memo: string): Promise<void> {
    const { paneId } = this.pane
    await this.#server.run('set-option', '-p', '-t', paneId, '@signalbox', Buffer.from(memo).toString('base64url'))
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#early = []
    this.#onClosed?.()
    this.#link.unref()
  }

  release(): void {
    this.#link.quit()
    this.#server.forget(this.pane)
  }

  /** The next process is to find it as it is. */
  leave(): void {
    this.#closed = true
    this.#link.listen({})
    this.#link.close()
  }

  #hand(bytes: Uint8Array): void {
    if (bytes.length === 0) return
    if (this.#onBytes === undefined) this.#early.push(Uint8Array.from(bytes))
    else this.#onBytes(bytes)
  }

  #lost(): void {
    const { ptyId } = this.pane
    const text = `The pane of ${ptyId} is gone: its tmux server, or the process that holds it there, was killed.`
    this.#exit.reject(new SignalboxError('ERR_PTY_LOST', text, { context: { ptyId, pid: this.pid } }))
    this.#server.forget(this.pane)
    this.#last?.found.resolve()
    this.#onClosed?.()
  }
}
