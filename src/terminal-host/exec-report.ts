import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** What the exec helper failed at: joining a control group, setting a limit, the directory, the command. */
export type ExecStage = 'join' | 'limit' | 'chdir' | 'exec'

/** What the exec helper said: a failure, or exec has happened. */
export type ExecOutcome =
  | { readonly ok: true; /** A control group that it could not join, and went on. */ readonly notJoined: number | null }
  | { readonly ok: false; readonly stage: ExecStage; readonly errno: number }

/** What the exec helper does before the command runs. */
export type ExecOrders = {
  /** Files of control groups; absolute, without line ends. */
  readonly joins: readonly string[]
  /** Whether one that cannot be joined fails the start. */
  readonly mustJoin: boolean
  /** For each process (RLIMIT_DATA). */
  readonly dataBytes?: number
  /** Processes of the user (RLIMIT_NPROC). */
  readonly userProcesses?: number
}

/** What a helper that waits on a line opened ahead is to execute. */
export type ExecWork = {
  readonly cwd: string
  readonly file: string
  readonly argv: readonly string[]
  /** `NAME=value`; there is nothing else. */
  readonly env: readonly string[]
}

/** One start that is under way. */
export type ExecReport = {
  /** The first environment entry that the helper needs. */
  readonly entry: string
  /** Resolves when the helper has called in; it now waits for `go`. */
  readonly ready: Promise<void>
  /** Lets the helper go on; resolves when exec has succeeded or failed. `work`: of one that was not told when it was started. */
  go(orders: ExecOrders, work?: ExecWork): Promise<ExecOutcome>
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
      go: (orders, work) =>
        new Promise((resolve) => {
          finish = (): void => resolve(parseReport(said))
          if (ended) finish()
          else socket?.write(work === undefined ? orderText(orders) : Buffer.concat([workText(work), Buffer.from(orderText(orders))]))
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

const orderText = ({ joins, mustJoin, dataBytes, userProcesses }: ExecOrders): string =>
  [
    ...joins.map((path) => `${mustJoin ? 'J' : 'j'}${path}`),
    ...(dataBytes === undefined ? [] : [`D${dataBytes}`]),
    ...(userProcesses === undefined ? [] : [`P${userProcesses}`]),
    'G\n',
  ].join('\n')

const workText = ({ cwd, file, argv, env }: ExecWork): Buffer => {
  const words = [String(argv.length + 2), cwd, file, ...argv, ...env]
  const text = Buffer.from(words.map((word) => `${word}\0`).join(''))
  return Buffer.concat([Buffer.from(`X${text.length}\n`), text])
}

const STAGES: Readonly<Record<string, ExecStage>> = { J: 'join', R: 'limit', C: 'chdir', E: 'exec' }

function parseReport(text: string): ExecOutcome {
  const [, letter = '', errno] = /^([A-Z]) (\d+)$/m.exec(text) ?? []
  const stage = STAGES[letter]
  if (stage !== undefined) return { ok: false, stage, errno: Number(errno) }
  const [, notJoined] = /^j (\d+)$/m.exec(text) ?? []
  return { ok: true, notJoined: notJoined === undefined ? null : Number(notJoined) }
}
