import { join } from 'node:path'
import type { Cgroup } from '../../ports/cgroups.port.ts'
import { pidsBelow, readOrNull, removeEmpty, write } from './cgroup-files.ts'
import type { Place } from './cgroup-places.ts'

/** A directory of one terminal, and the hierarchy that it is in. */
export type GroupPart = { readonly place: Pick<Place, 'version' | 'controllers'>; readonly directory: string }

/** Hierarchies of v1 by how well they serve to hold processes together: with `pids`, forks can be forbidden while all are ended. */
const V1_ORDER = ['pids', 'freezer', 'memory', 'cpu']

/** Lower is better to hold processes together. */
export const rankOf = ({ version, controllers }: GroupPart['place']): number =>
  version === 2 ? -1 : V1_ORDER.findIndex((name) => controllers.includes(name)) >>> 0

/** The control group that directories of one name make. @param parts one or more, of which the best holds the processes */
export const groupOf = (parts: readonly GroupPart[]): Cgroup => {
  const main = parts.toSorted((a, b) => rankOf(a.place) - rankOf(b.place))[0] as GroupPart
  return {
    joins: parts.map(({ directory }) => join(directory, 'cgroup.procs')),
    pids: () => pidsBelow(main.directory),
    killAll() {
      if (main.place.version === 1) {
        if (main.place.controllers.includes('pids')) tryWrite(main.directory, 'pids.max', '0') // nothing forks while all are ended one by one
        return false
      }
      return tryWrite(main.directory, 'cgroup.kill', '1')
    },
    memoryKills() {
      for (const { directory } of parts) {
        const count = /^oom_kill (\d+)$/mu.exec(
          `${readOrNull(directory, 'memory.events') ?? readOrNull(directory, 'memory.oom_control')}`,
        )?.[1]
        if (count !== undefined) return Number(count)
      }
      return null
    },
    remove: () => parts.map(({ directory }) => removeEmpty(directory)).every(Boolean),
  }
}

const tryWrite = (directory: string, file: string, value: string): boolean => {
  try {
    write(directory, file, value)
    return true
  } catch {
    return false
  }
}
