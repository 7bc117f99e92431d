import type { ProcessIdentity, Waiting } from '../ports/process-table.port.ts'
import type {
  InputReceipt,
  OutputChunk,
  Pty,
  PtyExit,
  ReadOptions,
  ScreenSnapshot,
  SignalRecord,
  SnapshotOptions,
  WriteOptions,
} from '../ports/terminal-host.port.ts'
import { SignalboxError } from '../protocols/errors.ts'
import type { AppliedLimits } from '../protocols/limits.ts'
import type { SearchOptions, SearchResult, TerminalText, TextOptions } from '../protocols/terminal-text.ts'
import type { PtyId } from '../protocols/ids.ts'
import type { PtyPressure } from '../protocols/pty-pressure.ts'
import { checkReading } from './output.ts'
import type { RemoteReader } from './remote-reader.ts'
import { checkSize } from './spawn-check.ts'
import type { HostMethod, HostMethods, PtyEnd, PtyInfo } from './wire.ts'

/** What a PTY needs of the connection that it is reached by. */
export type RemoteParts = {
  readonly request: <M extends HostMethod>(method: M, params: HostMethods[M]['params']) => Promise<HostMethods[M]['result']>
  readonly input: (handle: number, bytes: Uint8Array) => Promise<void>
  readonly read: (pty: RemotePty, options: ReadOptions, over: () => void) => RemoteReader
  readonly released: (pty: RemotePty) => void
}

/** A PTY of the terminal host. */
export class RemotePty implements Pty {
  readonly ptyId: PtyId
  readonly identity: ProcessIdentity
  readonly limits: AppliedLimits
  readonly mark: string
  readonly handle: number
  readonly exited: Promise<PtyExit>
  readonly #parts: RemoteParts
  readonly #end: PromiseWithResolvers<PtyExit> = Promise.withResolvers<PtyExit>()
  #preview: Uint8Array
  #outputBytes: number
  #lastOutputAt: number | null
  /** Given by this process. */
  #inputBytes = 0
  #inputQueuedBytes = 0
  #cols: number
  #rows: number
  #grew: (() => void) | null = null
  #told: ((pressure: PtyPressure) => void) | null = null
  #last: PtyEnd | null = null
  #isOver = false
  #isReleased = false
  /** Why nobody can be asked of it any more: its number may be another's now. */
  #gone: SignalboxError | null = null

  constructor(info: PtyInfo, parts: RemoteParts) {
    this.ptyId = info.ptyId
    this.identity = info.identity
    this.limits = info.limits
    this.mark = info.mark
    this.handle = info.handle
    this.exited = this.#end.promise
    this.exited.catch(() => {}) // whoever wants to know asks
    this.#parts = parts
    this.#preview = info.preview
    this.#outputBytes = info.outputBytes
    this.#lastOutputAt = info.lastOutputAt
    this.#cols = info.cols
    this.#rows = info.rows
    if (info.end !== null) this.over(info.end)
  }

  get isOver(): boolean {
    return this.#isOver
  }

  async write(bytes: Uint8Array, options?: WriteOptions): Promise<void> {
    if (this.#isOver) throw this.#ended('takes no input')
    const { length } = bytes
    this.#inputBytes += length
    this.#inputQueuedBytes += length
    try {
      if (options === undefined) await this.#parts.input(this.handle, bytes)
      else await this.#request('write', { ...options, handle: this.handle, input: bytes })
    } finally {
      this.#inputQueuedBytes -= length
    }
  }

  receipt(key: string): Promise<InputReceipt> {
    return this.#request('receipt', { handle: this.handle, key })
  }

  async waiting(): Promise<Waiting> {
    return this.#isOver ? 'unknown' : (await this.#request('waiting', { handle: this.handle })).waiting
  }

  async resize(cols: number, rows: number): Promise<void> {
    checkSize(this, cols, rows)
    if (this.#isOver) throw this.#ended('cannot be resized')
    await this.#request('resize', { handle: this.handle, cols, rows })
    this.#cols = cols
    this.#rows = rows
  }

  read(options: ReadOptions = {}): AsyncIterable<OutputChunk> {
    checkReading(options)
    return {
      [Symbol.asyncIterator]: () => {
        if (this.#gone !== null) return failing(this.#gone)
        const { signal } = options
        const stop = (): void => reader.stop()
        const reader = this.#parts.read(this, options, () => signal?.removeEventListener('abort', stop))
        if (signal?.aborted === true) stop()
        signal?.addEventListener('abort', stop, { once: true })
        return reader
      },
    }
  }

  async tail(bytes: number): Promise<Uint8Array> {
    const { tail } = this.#last ?? {}
    if (tail !== undefined && (bytes <= tail.length || tail.length === this.#outputBytes))
      return tail.slice(Math.max(0, tail.length - bytes))
    return (await this.#request('tail', { handle: this.handle, bytes })).bytes
  }

  snapshot(options: SnapshotOptions = {}): Promise<ScreenSnapshot> {
    return this.#request('snapshot', { ...options, handle: this.handle })
  }

  text(options: TextOptions = {}): Promise<TerminalText> {
    return this.#request('text', { ...options, handle: this.handle })
  }

  search(options: SearchOptions): Promise<SearchResult> {
    return this.#request('search', { ...options, handle: this.handle })
  }

  preview(): Uint8Array {
    return this.#preview
  }

  // oxlint-disable-next-line typescript/require-await -- what it throws is a rejection
  async signal(name: NodeJS.Signals, askedBy: string): Promise<SignalRecord> {
    if (this.#isOver) throw this.#ended('cannot be signalled')
    return this.#request('signal', { handle: this.handle, name, askedBy })
  }

  async terminate({ graceMs, askedBy }: { readonly graceMs: number; readonly askedBy: string }): Promise<PtyExit> {
    if (this.#isOver) return this.exited
    const asked = { handle: this.handle, graceMs: Math.min(graceMs, Number.MAX_SAFE_INTEGER), askedBy }
    await this.#request('terminate', asked).catch((error: unknown) => {
      if (!this.#isOver) throw error // else it was lost meanwhile
    })
    return this.exited
  }

  async signals(): Promise<readonly SignalRecord[]> {
    if (this.#last !== null) return this.#last.signals
    return (await this.#request('signals', { handle: this.handle })).signals
  }

  onPressure(told: ((pressure: PtyPressure) => void) | null): void {
    this.#told = told
  }

  onOutput(grew: (() => void) | null): void {
    this.#grew = grew
  }

  readonly stats: Pty['stats'] = () => ({
    outputBytes: this.#outputBytes,
    lastOutputAt: this.#lastOutputAt,
    inputBytes: this.#inputBytes,
    inputQueuedBytes: this.#inputQueuedBytes,
    cols: this.#cols,
    rows: this.#rows,
  })

  release(): void {
    if (!this.#isOver || this.#isReleased) return
    this.#isReleased = true
    this.#parts.released(this)
  }

  /** How far it is now. */
  news(outputBytes: number, lastOutputAt: number | null, preview: Uint8Array): void {
    if (outputBytes <= this.#outputBytes) return
    this.#outputBytes = outputBytes
    this.#lastOutputAt = lastOutputAt
    this.#preview = preview
    this.#grew?.()
  }

  /** Its output is not taken as fast as it comes. */
  pressed(pressure: PtyPressure): void {
    this.#told?.(pressure)
  }

  /** It has ended. Idempotent. */
  over(last: PtyEnd): void {
    this.#isOver = true
    this.#last = last
    this.#end.resolve(last.exit)
  }

  /** Its host is gone. Where it lived, nobody knows how it ended. Idempotent. */
  lost(error: SignalboxError): void {
    this.#isOver = true
    this.#isReleased = true
    this.#gone = error
    this.#end.reject(error)
  }

  #request<M extends HostMethod>(method: M, params: HostMethods[M]['params']): Promise<HostMethods[M]['result']> {
    return this.#gone === null ? this.#parts.request(method, params) : Promise.reject(this.#gone)
  }

  #ended(what: string): SignalboxError {
    return new SignalboxError('ERR_PTY_ENDED', `The process of ${this.ptyId} has ended: it ${what}.`, {
      context: { ptyId: this.ptyId, pid: this.identity.pid },
    })
  }
}

const failing = (error: SignalboxError): AsyncIterator<OutputChunk> => ({ next: () => Promise.reject(error) })
