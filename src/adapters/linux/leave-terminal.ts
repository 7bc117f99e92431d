import { write } from './cgroup-files.ts'
import { markOfName } from './cgroup-names.ts'
import { findPlaces } from './cgroup-places.ts'

/**
 * Moves this process out of the control group of the terminal that it was started in: what is to outlive its starter must
 * not end with it. Where that is not permitted it stays, as any program that is started there.
 */
export const leaveTerminal = (): void => {
  if (process.platform !== 'linux') return
  try {
    for (const { directory } of findPlaces().places) {
      const parts = directory.split('/')
      const ours = parts.findIndex((part) => markOfName(part) !== null)
      if (ours >= 0) write(parts.slice(0, ours).join('/'), 'cgroup.procs', String(process.pid))
    }
  } catch {
    // not permitted, or no control groups
  }
}
