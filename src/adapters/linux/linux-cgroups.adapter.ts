import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Cgroup, Cgroups, CgroupSupport, Offer } from '../../ports/cgroups.port.ts'
import { LIMIT_NAMES, type LimitName } from '../../protocols/limits.ts'
import { noSupport } from '../no-cgroups.ts'
import { removeEmpty, write } from './cgroup-files.ts'
import { asked, CONTROLLERS, writesFor } from './cgroup-limits.ts'
import { findGroups, reopenGroup } from './cgroup-find.ts'
import { cgroupName } from './cgroup-names.ts'
import { groupOf, rankOf } from './cgroup-of.ts'
import { findPlaces, type Hidden, type Place } from './cgroup-places.ts'
import { enableController, mayEnable, tryPlace } from './cgroup-probe.ts'

type Found = { readonly support: CgroupSupport; readonly contain: Place | null; readonly limits: Readonly<Record<LimitName, Place | null>> }

/**
 * The control groups of Linux: v2 where it is mounted and may be written to, v1 for what v2 does not offer (a hybrid set-up
 * has processes in v2 and controllers in v1). Groups of terminals are made below the group of this process: that needs no
 * right over anybody else's.
 * @param proc where proc is mounted
 */
export const createLinuxCgroups = (proc = '/proc'): Cgroups => {
  let found: Found | undefined
  const look = (): Found => (found ??= probe(proc))
  return {
    support: () => look().support,
    create(mark, limits = {}) {
      const { contain, limits: placeOf } = look()
      const name = cgroupName(mark)
      const wanted = asked(limits)
      const missing = wanted.find(([limit]) => name === null || placeOf[limit] === null)
      if (missing !== undefined) throw new Error(`no control group for ${missing[0]}`)
      if (contain === null || name === null) return null
      return make(
        contain,
        name,
        wanted.map(([limit, value]) => ({ limit, value, place: placeOf[limit] ?? contain })),
      )
    },
    reopen: (mark) => reopenGroup(proc, mark),
    find: (prefix) => findGroups(proc, prefix),
  }
}

const probe = (proc: string): Found => {
  const none = (why: string): Found => ({
    support: noSupport(why),
    contain: null,
    limits: { memoryBytes: null, cpus: null, processes: null },
  })
  let seen: { readonly places: readonly Place[]; readonly hidden: readonly Hidden[] }
  try {
    seen = findPlaces(proc)
  } catch (error) {
    return none(`control groups cannot be looked for: ${String(error)}`)
  }
  const why = seen.hidden.map((one) => `${one.mount} ${one.why}`)
  const usable = seen.places.filter((place) => {
    const refused = tryPlace(place)
    if (refused !== null) why.push(refused)
    return refused === null
  })
  const contain = usable.toSorted((a, b) => rankOf(a) - rankOf(b))[0]
  if (contain === undefined) return none(why.length === 0 ? 'no cgroup file system is mounted' : why.join('; '))
  const limits = LIMIT_NAMES.map((name) => [name, limitPlace(usable, CONTROLLERS[name])] as const)
  return {
    support: {
      contain: { ok: true, how: `cgroup v${contain.version} below ${contain.directory}` },
      limits: Object.fromEntries(limits.map(([name, { offer }]) => [name, offer])) as Record<LimitName, Offer>,
    },
    contain,
    limits: Object.fromEntries(limits.map(([name, { place }]) => [name, place])) as Record<LimitName, Place | null>,
  }
}

const limitPlace = (usable: readonly Place[], controller: string): { readonly place: Place | null; readonly offer: Offer } => {
  let why = `no cgroup hierarchy that this process may use has the ${controller} controller`
  for (const place of usable) {
    if (place.version === 1 && !place.controllers.includes(controller)) continue
    if (place.version === 2) {
      const refused = mayEnable(place, controller)
      if (refused !== null) {
        if (refused !== '') why = refused
        continue
      }
    }
    return { place, offer: { ok: true, how: `cgroup v${place.version}, ${controller} controller` } }
  }
  return { place: null, offer: { ok: false, why } }
}

type Bound = { readonly limit: LimitName; readonly value: number; readonly place: Place }

const make = (contain: Place, name: string, bounds: readonly Bound[]): Cgroup => {
  const places = [...new Set([contain, ...bounds.map(({ place }) => place)])]
  const groups = places.map((place) => ({ place, directory: join(place.directory, name) }))
  const made: string[] = []
  try {
    for (const { limit, place } of bounds) if (place.version === 2) enableController(place, CONTROLLERS[limit])
    for (const { directory } of groups) {
      mkdirSync(directory)
      made.push(directory)
    }
    for (const { limit, value, place } of bounds) {
      for (const { file, value: text, optional } of writesFor(place.version, limit, value)) {
        try {
          write(join(place.directory, name), file, text)
        } catch (error) {
          if (optional !== true) throw error
        }
      }
    }
  } catch (error) {
    for (const directory of made) removeEmpty(directory)
    throw error
  }
  return groupOf(groups)
}
