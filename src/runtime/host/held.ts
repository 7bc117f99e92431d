import type { Environment } from '../environment.ts'
import { knock } from './host-client.ts'
import { readHostRecord } from './host-record.ts'

/** What a terminal host holds, as one sees it who takes nothing over. */
export type Held = {
  /** Of the terminal host; null when there is none. */
  readonly pid: number | null
  /** Whether the process of this PTY lives there, or its end waits to be recorded. */
  readonly has: (ptyId: string) => boolean
}

export const NOTHING_HELD: Held = { pid: null, has: () => false }

/** Asks the terminal host of a workspace. Of one that lives and does not answer, everything counts as held: nothing of it may be touched. */
export const heldBy = async (env: Pick<Environment, 'processTable' | 'worktrees'>): Promise<Held> => {
  const host = readHostRecord(env.worktrees.workspace.commonDir, env.processTable)
  if (host === null) return NOTHING_HELD
  const { pid } = host
  try {
    const link = await knock(host, env.processTable)
    try {
      const { ptys } = await link.request('list', {})
      const ids = new Set<string>(ptys.map(({ ptyId }) => ptyId))
      return { pid, has: (ptyId) => ids.has(ptyId) }
    } finally {
      link.close()
    }
  } catch {
    return { pid, has: () => true }
  }
}
