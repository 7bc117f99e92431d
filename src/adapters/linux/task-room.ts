import { dirname } from 'node:path'
import { readOrNull } from './cgroup-files.ts'
import { findPlaces } from './cgroup-places.ts'

/** @param unknown where the file does not tell */
const numberIn = (file: string, pattern: RegExp, unknown: number): number => {
  const found = pattern.exec(readOrNull('/proc', file) ?? '')?.[1]
  if (found === undefined) return unknown
  return found === 'unlimited' ? Infinity : Number(found)
}

/** Of the place that this process had when it was asked last: mounts are read only when that has changed. */
let known: { readonly place: string; readonly groups: readonly string[] } | undefined

const limitedGroups = (): readonly string[] => {
  const place = readOrNull('/proc/self', 'cgroup') ?? ''
  if (known?.place !== place) known = { place, groups: findLimited() }
  return known.groups
}

/** Directories with a limit of processes: the group of this process and those above it. */
const findLimited = (): readonly string[] => {
  try {
    return findPlaces()
      .places.filter(({ version, controllers }) => version === 2 || controllers.includes('pids'))
      .flatMap(({ directory, mount }) => {
        const found: string[] = []
        for (let at = directory; at.startsWith(mount) && at.length > 1; at = dirname(at)) found.push(at)
        return found.filter((one) => readOrNull(one, 'pids.max') !== null)
      })
  } catch {
    return []
  }
}

const roomInGroup = (directory: string): number => {
  const [most, now] = ['pids.max', 'pids.current'].map((file) => readOrNull(directory, file)?.trim())
  return most === undefined || most === null || most === 'max' || now === undefined || now === null ? Infinity : Number(most) - Number(now)
}

/**
 * How many processes and threads this process may still start, by the limits of the system, its user and its control groups.
 * @param userTasks counts those of its user: asked only where the user's limit may be near
 */
export const taskRoom = (userTasks: () => number | null): number => {
  const total = numberIn('loadavg', /\/(\d+) /u, 0) // no user can have more than all have
  const ofSystem = Math.min(...['threads-max', 'pid_max'].map((name) => numberIn(`sys/kernel/${name}`, /(\d+)/u, Infinity))) - total
  const limit = process.getuid?.() === 0 ? Infinity : numberIn('self/limits', /^Max processes\s+(\S+)/mu, Infinity)
  const ofUser = limit - total > NEAR ? limit - total : limit - (userTasks() ?? 0)
  return Math.min(ofSystem, ofUser, ...limitedGroups().map(roomInGroup))
}

/** Beyond it nobody needs to count. */
const NEAR = 64
