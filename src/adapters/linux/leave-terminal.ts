import { join } from 'node:path'
import { write } from './cgroup-files.ts'
import { markOfName, OWN_PLACE } from './cgroup-names.ts'
import { findPlaces, type Place } from './cgroup-places.ts'

/**
 * Moves this process out of the control group of the terminal that it was started in: what is to outlive its starter must
 * not end with it. Where that is not permitted it stays, as any program that is started there.
 * @param proc where proc is mounted
 */
export const leaveTerminal = (proc = '/proc'): void => {
  if (process.platform !== 'linux') return
  for (const { directory } of placesOf(proc)) {
    const parts = directory.split('/')
    const ours = parts.findIndex((part) => markOfName(part) !== null)
    if (ours < 0) continue
    const above = parts.slice(0, ours).join('/')
    // One of v2 that gives controllers on takes no process: then the place is that of who made the terminal, below it.
    if (!tryJoin(above)) tryJoin(join(above, OWN_PLACE))
  }
}

const placesOf = (proc: string): readonly Place[] => {
  try {
    return findPlaces(proc).places
  } catch {
    return [] // no control groups
  }
}

const tryJoin = (directory: string): boolean => {
  try {
    write(directory, 'cgroup.procs', String(process.pid))
    return true
  } catch {
    return false // not permitted, or no process may be there
  }
}
