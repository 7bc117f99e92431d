import { existsSync, mkdirSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import { isWritable, readOrNull, write } from './cgroup-files.ts'
import { OWN_PLACE, PREFIX } from './cgroup-names.ts'
import type { Place } from './cgroup-places.ts'

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? String(error)
const words = (text: string | null): readonly string[] => (text ?? '').trim().split(/\s+/u)

/** @returns why no group can be made there and joined, or null: tried, not guessed */
export const tryPlace = (place: Place): string | null => {
  const { directory, version } = place
  const type = readOrNull(directory, 'cgroup.type')?.trim() // the root has none
  if (version === 2 && type !== undefined && type !== 'domain' && type !== 'domain threaded') return `${directory} is of type ${type}`
  // cpuset of v1: nothing can join a new group before its processors are set.
  if (place.controllers.includes('cpuset')) return `${directory} has the cpuset controller`
  // A process may be moved by whoever may write to the procs of both groups and of the one above both.
  if (!isWritable(join(directory, 'cgroup.procs'))) return `${directory}/cgroup.procs is not writable`
  const trial = join(directory, `${PREFIX}probe-${process.pid}`)
  try {
    mkdirSync(trial)
    rmdirSync(trial)
    return null
  } catch (error) {
    return `${directory}: ${codeOf(error)} (making a group)`
  }
}

const isRoot = ({ directory }: Place): boolean => !existsSync(join(directory, 'cgroup.type'))

/** Pids that stand in the way: a group that gives controllers on must hold no process itself, unless it is the root. */
const inTheWay = ({ directory }: Place): readonly string[] => words(readOrNull(directory, 'cgroup.procs')).filter((pid) => pid !== '')

/** @returns why a controller of v2 cannot be used; '' where it is not there; null where it can */
export const mayEnable = (place: Place, controller: string): string | null => {
  const { directory } = place
  if (!words(readOrNull(directory, 'cgroup.controllers')).includes(controller)) return ''
  if (words(readOrNull(directory, 'cgroup.subtree_control')).includes(controller)) return null
  if (!isWritable(join(directory, 'cgroup.subtree_control'))) return `${directory}/cgroup.subtree_control is not writable`
  const others = inTheWay(place).filter((pid) => Number(pid) !== process.pid)
  if (isRoot(place) || others.length === 0) return null
  return `other processes are in ${directory}, so that it cannot give the ${controller} controller on: start signalbox as a service of its own, with Delegate=yes`
}

/** Gives a controller on to the groups of terminals. @throws Error of the system */
export const enableController = (place: Place, controller: string): void => {
  const { directory } = place
  if (words(readOrNull(directory, 'cgroup.subtree_control')).includes(controller)) return
  if (!isRoot(place) && inTheWay(place).includes(String(process.pid))) {
    mkdirSync(join(directory, OWN_PLACE), { recursive: true })
    write(join(directory, OWN_PLACE), 'cgroup.procs', String(process.pid))
  }
  write(directory, 'cgroup.subtree_control', `+${controller}`)
}
