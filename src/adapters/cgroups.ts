import type { Cgroups } from '../ports/cgroups.port.ts'
import { createLinuxCgroups } from './linux/linux-cgroups.adapter.ts'
import { noSupport } from './no-cgroups.ts'

/** The control groups of this platform. */
export const createCgroups = (): Cgroups =>
  process.platform === 'linux' ? createLinuxCgroups() : createNoCgroups(`${process.platform} has no control groups`)

/** None, for the reason given. */
export const createNoCgroups = (why: string): Cgroups => ({
  support: () => noSupport(why),
  create: () => null,
  reopen: () => Promise.resolve(null),
  find: () => Promise.resolve([]),
})
