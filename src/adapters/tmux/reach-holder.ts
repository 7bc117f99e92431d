import { connect, type Socket } from 'node:net'
import { type Clock, pause } from '../../ports/clock.port.ts'
import type { ProcessTable } from '../../ports/process-table.port.ts'
import { SignalboxError } from '../../protocols/errors.ts'
import { PaneLink } from './pane-link.ts'

const AGAIN_MS = 5
const LIMIT_MS = 5_000

/**
 * Connects to the holder of a pane, which may have just been started.
 * @throws ERR_TMUX_FAILED when it has ended, or does not answer
 */
export async function reachHolder(path: string, pid: number, clock: Clock, processTable: ProcessTable): Promise<PaneLink> {
  for (const limit = clock.monotonic() + LIMIT_MS; ;) {
    const socket = await connected(path).catch(() => null)
    if (socket !== null) return new PaneLink(socket)
    if (clock.monotonic() >= limit || processTable.identify(pid) === null) {
      throw new SignalboxError('ERR_TMUX_FAILED', `Process ${pid}, which holds a pane of tmux, does not answer.`, { context: { pid } })
    }
    await pause(clock, AGAIN_MS)
  }
}

/**
 * Whether a server is there: a socket stays when its server is killed. One that cannot be asked, as this process is out of
 * descriptors, counts as there.
 */
export const answers = async (path: string): Promise<boolean> => {
  try {
    const socket = await connected(path)
    socket?.destroy()
    return socket !== null
  } catch {
    return true
  }
}

/** @returns null where nobody listens. @throws what else the system says */
const connected = (path: string): Promise<Socket | null> =>
  new Promise((resolve, reject) => {
    const socket = connect(path)
    const failed = (error: NodeJS.ErrnoException): void => {
      if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED') resolve(null)
      else reject(error)
    }
    socket.once('error', failed)
    socket.once('connect', () => {
      socket.off('error', failed)
      resolve(socket)
    })
  })

/** Has the holder start a command. @returns its pid */
export const started = (link: PaneLink, start: () => void): Promise<number> =>
  new Promise((resolve, reject) => {
    link.listen({ started: resolve, closed: () => reject(new Error('the holder of its pane died')) })
    start()
  })
