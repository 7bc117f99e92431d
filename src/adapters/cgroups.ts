import type { Cgroups, Offer } from '../ports/cgroups.port.ts'
import { createLinuxCgroups } from './linux/linux-cgroups.adapter.ts'

/** The control groups of this platform. */
export const createCgroups = (): Cgroups =>
  process.platform === 'linux' ? createLinuxCgroups() : createNoCgroups(`${process.platform} has no control groups`)

/** None, for the reason given. */
export const createNoCgroups = (why: string): Cgroups => {
  const no: Offer = { ok: false, why }
  return {
    support: () => ({ contain: no, limits: { memoryBytes: no, cpus: no, processes: no } }),
    create: () => null,
    reopen: () => Promise.resolve(null),
    find: () => Promise.resolve([]),
  }
}
