import type { Socket } from 'node:net'
import { SignalboxError } from '../../protocols/errors.ts'

/** What the holder of a pane says at a connection. */
export type HolderState = {
  /** Of the command; 0: none yet. */
  readonly pid: number
  readonly state: 'new' | 'runs' | 'ended' | 'keeper'
  readonly exitCode: number
  readonly signal: number
}

export type LinkEvents = {
  readonly started?: (pid: number) => void
  readonly ended?: (exitCode: number, signal: number) => void
  /** The connection is over: the holder died, or left. */
  readonly closed?: () => void
}

/** The connection to the process that holds a pane (native/pane-holder.c says the protocol). */
export class PaneLink {
  readonly #socket: Socket
  #events: LinkEvents = {}
  #text = ''
  #closed = false
  #lowInput: PromiseWithResolvers<void> | undefined
  /** The program has ended: what it did not read nobody will. */
  #isUnread = false
  readonly #hello = Promise.withResolvers<HolderState | null>()

  constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (chunk) => this.#read(chunk.toString('latin1')))
    socket.on('error', () => {}) // its end follows
    socket.once('close', () => this.#over())
  }

  /** What the holder said first; null when it ended before. Only of a connection that was made to it. */
  get hello(): Promise<HolderState | null> {
    return this.#hello.promise
  }

  get isClosed(): boolean {
    return this.#closed
  }

  listen(events: LinkEvents): void {
    this.#events = events
  }

  /** Starts `argv` with exactly `env`. */
  start(argv: readonly string[], env: readonly string[], cols: number, rows: number): void {
    const head = Buffer.alloc(8)
    head.writeUInt16LE(cols, 0)
    head.writeUInt16LE(rows, 2)
    head.writeUInt32LE(argv.length, 4)
    this.#send('X', Buffer.concat([head, Buffer.from([...argv, ...env].map((text) => `${text}\0`).join(''))]))
  }

  resize(cols: number, rows: number): void {
    const payload = Buffer.alloc(4)
    payload.writeUInt16LE(cols, 0)
    payload.writeUInt16LE(rows, 2)
    this.#send('W', payload)
  }

  /** Stops the output of the terminal in the kernel: whoever writes to it blocks. */
  setPaused(paused: boolean): void {
    this.#send(paused ? 'S' : 'R')
  }

  /** Resolves when the program has read its input. @throws ERR_PTY_ENDED when it ends first */
  lowInput(): Promise<void> {
    if (this.#isUnread) return Promise.reject(unread())
    this.#lowInput ??= Promise.withResolvers()
    this.#send('I')
    return this.#lowInput.promise
  }

  /** Puts bytes out after all that was put out. */
  finish(words: Uint8Array): void {
    this.#send('F', words)
  }

  /** Ends the holder, and with it the pane. */
  quit(): void {
    this.#send('Q')
  }

  /** It does not keep this process alive. */
  unref(): void {
    this.#socket.unref()
  }

  close(): void {
    this.#socket.destroy()
  }

  #send(letter: string, payload: Uint8Array = new Uint8Array(0)): void {
    if (this.#closed) return
    const head = Buffer.alloc(5)
    head.write(letter, 'latin1')
    head.writeUInt32LE(payload.length, 1)
    this.#socket.write(Buffer.concat([head, payload]))
  }

  #read(text: string): void {
    this.#text += text
    for (let end = this.#text.indexOf('\n'); end >= 0; end = this.#text.indexOf('\n')) {
      const [word, ...rest] = this.#text.slice(0, end).split(' ')
      this.#text = this.#text.slice(end + 1)
      const numbers = rest.map(Number)
      if (word === 'P') this.#events.started?.(numbers[0] ?? 0)
      else if (word === 'E') this.#ended(numbers[0] ?? 0, numbers[1] ?? 0)
      else if (word === 'I') this.#inputIsLow()
      else if (word === 'H') {
        const state = rest[1] as HolderState['state']
        this.#hello.resolve({ pid: numbers[0] ?? 0, state, exitCode: numbers[2] ?? 0, signal: numbers[3] ?? 0 })
      }
    }
  }

  #inputIsLow(): void {
    this.#lowInput?.resolve()
    this.#lowInput = undefined
  }

  #ended(exitCode: number, signal: number): void {
    this.#readNoMore()
    this.#events.ended?.(exitCode, signal)
  }

  #readNoMore(): void {
    this.#isUnread = true
    this.#lowInput?.reject(unread())
  }

  #over(): void {
    this.#closed = true
    this.#readNoMore()
    this.#hello.resolve(null)
    this.#events.closed?.()
  }
}

const unread = (): SignalboxError => new SignalboxError('ERR_PTY_ENDED', 'The process of the terminal has ended: it takes no input.')
