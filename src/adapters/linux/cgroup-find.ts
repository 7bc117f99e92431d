import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Cgroup, FoundCgroup } from '../../ports/cgroups.port.ts'
import { pidsBelow, removeEmpty } from './cgroup-files.ts'
import { markOfName } from './cgroup-names.ts'
import { groupOf } from './cgroup-of.ts'
import { findPlaces } from './cgroup-places.ts'

type Directory = { readonly mark: string; readonly path: string; readonly madeAt: number }

/** Hundreds of directories on a usual machine, a few milliseconds. */
const walk = async (directory: string, prefix: string): Promise<Directory[]> => {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => [])
  const found: Directory[] = []
  for (const entry of entries) {
    if (!entry.isDirectory()) continue
    const path = join(directory, entry.name)
    const mark = markOfName(entry.name)
    if (mark?.startsWith(prefix) === true) {
      const { mtimeMs } = (await stat(path).catch(() => null)) ?? { mtimeMs: null }
      if (mtimeMs !== null) found.push({ mark, path, madeAt: mtimeMs })
    }
    found.push(...(await walk(path, prefix))) // signalbox in a terminal of signalbox: groups below groups
  }
  return found
}

/** Groups of ours anywhere in the hierarchies: who made them may have run in another place than who looks for them. */
export const findGroups = async (proc: string, prefix: string): Promise<readonly FoundCgroup[]> => {
  const mounts = new Set(findPlaces(proc).places.map(({ mount }) => mount))
  const directories = (await Promise.all([...mounts].map((mount) => walk(mount, prefix)))).flat()
  return [...Map.groupBy(directories, ({ mark }) => mark)].map(([mark, parts]) => ({
    mark,
    directories: parts.map(({ path }) => path),
    madeAt: Math.max(...parts.map(({ madeAt }) => madeAt)),
    pids: () => [...new Set(parts.flatMap(({ path }) => pidsBelow(path)))],
    remove: () => parts.map(({ path }) => removeEmpty(path)).every(Boolean),
  }))
}

/** The group of exactly this mark, for who takes its terminal over. */
export const reopenGroup = async (proc: string, mark: string): Promise<Cgroup | null> => {
  const { places } = findPlaces(proc)
  const found = await Promise.all(places.map(async (place) => (await walk(place.mount, mark)).map((one) => ({ ...one, place }))))
  const parts = found.flat().filter((one) => one.mark === mark)
  return parts.length === 0 ? null : groupOf(parts.map(({ place, path }) => ({ place, directory: path })))
}
