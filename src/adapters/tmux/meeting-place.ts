import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import type { Clock } from '../../ports/clock.port.ts'
import { SignalboxError } from '../../protocols/errors.ts'
import { PaneLink } from './pane-link.ts'

/** How long a holder may take from the start of its pane to its first word. */
const LIMIT_MS = 30_000

/** Said of a holder that never called in; nothing was started by it. */
export const ENDED_EARLY = 'ended before it called in'

/** A holder that called in. */
export type Met = { readonly link: PaneLink; readonly pid: number }

export type Expected = {
  /** What the holder is to say. */
  readonly token: string
  readonly met: Promise<Met>
  /** It ended before it called in, or was hung up on as this process was out of descriptors. */
  readonly died: () => void
  /** Nobody waits for it any more. */
  readonly cancel: () => void
}

/** Where the holders of new panes call in: a socket in the private directory, gone with its host. */
export class MeetingPlace {
  readonly path: string
  readonly #clock: Clock
  readonly #server: Server
  readonly #expected = new Map<string, (met: Met) => void>()

  private constructor(path: string, clock: Clock) {
    this.path = path
    this.#clock = clock
    this.#server = createServer((socket) => this.#accept(socket))
  }

  static open(directory: string, clock: Clock): Promise<MeetingPlace> {
    const place = new MeetingPlace(join(directory, `${process.pid}-${randomBytes(4).toString('hex')}.h`), clock)
    return new Promise((resolve, reject) => {
      place.#server.once('error', reject)
      place.#server.listen({ path: place.path, backlog: 1_024 }, () => {
        place.#server.off('error', reject)
        place.#server.on('error', () => {}) // out of descriptors: the holder is hung up on, and its pane ends
        place.#server.unref()
        resolve(place)
      })
    })
  }

  /** Expects one holder. */
  expect(): Expected {
    const token = randomBytes(16).toString('hex')
    const { promise, resolve, reject } = Promise.withResolvers<Met>()
    promise.catch(() => {})
    const timer = this.#clock.setTimer(LIMIT_MS, () => {
      this.#expected.delete(token)
      reject(new SignalboxError('ERR_TMUX_FAILED', `The holder of a new pane of tmux did not call in within ${LIMIT_MS / 1_000} s.`))
    })
    const cancel = (): void => {
      timer.cancel()
      this.#expected.delete(token)
    }
    this.#expected.set(token, (met) => {
      cancel()
      resolve(met)
    })
    const died = (): void => {
      cancel()
      reject(new SignalboxError('ERR_TMUX_FAILED', `The holder of a new pane of tmux ${ENDED_EARLY}.`))
    }
    return { token, met: promise, died, cancel }
  }

  close(): void {
    this.#server.close()
    rmSync(this.path, { force: true })
  }

  #accept(socket: Socket): void {
    let head = ''
    const read = (chunk: Buffer): void => {
      head += chunk.toString('latin1')
      const [line, rest] = head.split('\n')
      if (rest === undefined) return
      socket.off('data', read)
      const [token = '', pid] = (line ?? '').split(' ')
      const expected = this.#expected.get(token)
      if (expected === undefined) socket.destroy()
      else expected({ link: new PaneLink(socket), pid: Number(pid) })
    }
    socket.on('error', () => {})
    socket.on('data', read)
  }
}
