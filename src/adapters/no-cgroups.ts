import type { CgroupSupport, Offer } from '../ports/cgroups.port.ts'

/** What is offered where there are no control groups. */
export const noSupport = (why: string): CgroupSupport => {
  const no: Offer = { ok: false, why }
  return { contain: no, limits: { memoryBytes: no, cpus: no, processes: no } }
}
