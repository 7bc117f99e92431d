import { connect } from 'node:net'
import type { Clock } from '../../ports/clock.port.ts'
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
    const link = await connected(path)
    if (link !== null) return link
    if (clock.monotonic() >= limit || processTable.identify(pid) === null) {
      throw new SignalboxError('ERR_TMUX_FAILED', `Process ${pid}, which holds a pane of tmux, does not answer.`, { context: { pid } })
    }
    await new Promise<void>((resolve) => void clock.setTimer(AGAIN_MS, resolve))
  }
}

/** Whether a server is there: a socket stays when its server is killed. */
export const answers = async (path: string): Promise<boolean> => {
  const link = await connected(path)
  link?.close()
  return link !== null
}

const connected = (path: string): Promise<PaneLink | null> =>
  new Promise((resolve) => {
    const socket = connect(path)
    socket.once('error', () => resolve(null))
    socket.once('connect', () => resolve(new PaneLink(socket)))
  })

/** Has the holder start a command. @returns its pid */
export const started = (link: PaneLink, start: () => void): Promise<number> =>
  new Promise((resolve, reject) => {
    link.listen({ started: resolve, closed: () => reject(new Error('the holder of its pane died')) })
    start()
  })
