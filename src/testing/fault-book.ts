import { type ErrorCode, SignalboxError } from '../protocols/errors.ts'
import type { Fault, FaultKind, FaultSite } from './fault.ts'

/** The site as a text, by which occurrences are counted. */
const keyOf = (site: FaultSite): string => {
  if ('clockAtMs' in site) return `clock at ${site.clockAtMs} ms`
  if ('port' in site) return `port ${site.port}.${site.method}`
  if ('effectsOf' in site) return `effects of ${site.effectsOf}`
  return 'init' in site ? `init of ${site.actor}` : `${site.on} of ${site.actor}`
}

/** Which faults strike now: counts what happens at each site. */
export class FaultBook {
  private readonly planned = new Map<string, Fault[]>()
  private readonly seen = new Map<string, number>()

  constructor(faults: readonly Fault[]) {
    for (const fault of faults) {
      const key = keyOf(fault.site)
      this.planned.set(key, [...(this.planned.get(key) ?? []), fault])
    }
  }

  /** One more occurrence at this site. @returns what strikes it */
  strike(site: FaultSite): readonly FaultKind[] {
    const key = keyOf(site)
    const planned = this.planned.get(key)
    if (planned === undefined) return []
    const nth = (this.seen.get(key) ?? 0) + 1
    this.seen.set(key, nth)
    return planned
      .filter((fault) => nth >= fault.nth && (fault.times === 'always' || nth < fault.nth + fault.times))
      .map(({ kind }) => kind)
  }
}

/** @param code what the outside would have failed with */
export const plantedFault = (what: FaultKind, site: FaultSite, code: ErrorCode = 'ERR_FAULT_PLANTED'): SignalboxError =>
  new SignalboxError(code, `${typeof what === 'string' ? what : JSON.stringify(what)}: ${keyOf(site)}`, {
    context: { site, kind: what },
  })

export const slowness = (strikes: readonly FaultKind[]): number =>
  strikes.reduce((sum, kind) => sum + (typeof kind === 'object' && 'slowMs' in kind ? kind.slowMs : 0), 0)
export const lateness = (strikes: readonly FaultKind[]): number =>
  strikes.reduce((sum, kind) => sum + (typeof kind === 'object' && 'lateMs' in kind ? kind.lateMs : 0), 0)
