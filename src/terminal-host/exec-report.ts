import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** What the exec helper said: `failed` at the directory or at the command, or exec has happened. */
export type ExecOutcome = { readonly ok: true } | { readonly ok: false; readonly stage: 'chdir' | 'exec'; readonly errno: number }

/** One start that is under way. */
export type ExecReport = {
  /** The first environment entry that the helper needs. */
  readonly entry: string
  /** Resolves when the helper has called in; it now waits for `go`. */
  readonly ready: Promise<void>
  /** Lets the helper go on; resolves when exec has succeeded or failed. */
  go(): Promise<ExecOutcome>
  /** Forgets this start; a helper that calls in later is turned away, and ends. */
  cancel(): void
}

const TOKEN_CHARS = 32

type Pending = { connected: (socket: Socket) => void }

/**
 * Where exec helpers report. A socket rather than an inherited pipe: node-pty's fork passes no descriptors, a named
 * socket needs none to be inherited (so none can leak into another child), and its end is as certain as its word.
 */
export class ExecReports {
  readonly #pending = new Map<string, Pending>()
  /** Connections that have not said a token yet. */
  readonly #strangers = new Set<Socket>()
  #server: Server | undefined
  #address = ''
  #directory: string | undefined
  #listening: Promise<void> | undefined

  /** Opens the socket, once. */
  listen(): Promise<void> {
    this.#listening ??= this.#open().catch((error: unknown) => {
      this.#listening = undefined // out of descriptors now, perhaps not later
      throw error
    })
    return this.#listening
  }

  #open(): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      const name = `signalbox-exec-${process.pid}-${randomBytes(16).toString('hex')}`
      // Linux: an abstract socket, of which a kill -9 leaves nothing. Elsewhere: a path in a directory of ours (0700).
      if (process.platform !== 'linux') this.#directory = mkdtempSync(join(tmpdir(), 'sbx-'))
      const path = this.#directory === undefined ? `\0${name}` : join(this.#directory, 's')
      this.#address = this.#directory === undefined ? `@${name}` : path
      const server = createServer((socket) => this.#accept(socket))
      this.#server = server
      server.once('error', reject)
      server.listen({ path, backlog: 1024 }, () => {
        server.off('error', reject)
        // Out of descriptors while accepting: libuv hangs up on the helper, which ends; the spawn fails on its exit.
        server.on('error', () => {})
        resolve()
      })
      server.unref()
    })
  }

  /** Expects one helper. Call after `listen`, before the fork. */
  expect(): ExecReport {
    const token = randomBytes(TOKEN_CHARS / 2).toString('hex')
    let socket: Socket | undefined
    let said = ''
    let ended = false
    let finish = (): void => {}
    const ready = new Promise<void>((resolve) => {
      this.#pending.set(token, {
        connected: (arrived) => {
          socket = arrived
          arrived.on('data', (chunk) => (said += chunk.toString('latin1')))
          arrived.once('close', () => {
            ended = true
            finish()
          })
          resolve()
        },
      })
    })
    return {
      entry: `SIGNALBOX_EXEC=${token}:${this.#address}`,
      ready,
      go: () =>
        new Promise((resolve) => {
          finish = (): void => resolve(parseReport(said))
          if (ended) finish()
          else socket?.write('G')
        }),
      cancel: () => {
        this.#forget(token)
        socket?.destroy()
      },
    }
  }

  close(): void {
    this.#server?.close()
    if (this.#directory !== undefined) rmSync(this.#directory, { recursive: true, force: true })
  }

  #accept(socket: Socket): void {
    // An abstract socket is open to every local user: whoever comes when nobody is expected is turned away, and who says
    // nothing stays no longer than the starts that are under way.
    if (this.#pending.size === 0) {
      socket.destroy()
      return
    }
    this.#strangers.add(socket)
    socket.once('close', () => this.#strangers.delete(socket))
    socket.on('error', () => {}) // a reset is an end: 'close' follows
    let head = ''
    const read = (chunk: Buffer): void => {
      head += chunk.toString('latin1')
      if (head.length < TOKEN_CHARS) return
      socket.off('data', read)
      const token = head.slice(0, TOKEN_CHARS)
      const pending = this.#pending.get(token)
      if (pending === undefined) {
        socket.destroy()
        return
      }
      this.#strangers.delete(socket)
      this.#forget(token)
      pending.connected(socket)
    }
    socket.on('data', read)
  }

  #forget(token: string): void {
    this.#pending.delete(token)
    if (this.#pending.size > 0) return
    for (const stranger of this.#strangers) stranger.destroy()
  }
}

function parseReport(text: string): ExecOutcome {
  const match = /^([CE]) (\d+)\n/.exec(text)
  if (match === null) return { ok: true }
  return { ok: false, stage: match[1] === 'C' ? 'chdir' : 'exec', errno: Number(match[2]) }
}
