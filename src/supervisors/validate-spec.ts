import { restartOf } from './child.ts'
import type { ChildSpec, SupervisorSpec } from '../kernel/child-spec.ts'
import { childExists, specInvalid } from './supervisor-errors.ts'

/**
 * Refuses what OTP refuses: two children of one name, a significant child that is permanent or whose supervisor never
 * ends by itself, children of a dynamic supervisor before it runs, and numbers with which nothing could be counted.
 * @throws ERR_SUPERVISOR_CHILD_EXISTS, ERR_SUPERVISOR_SPEC_INVALID
 */
export const validateSpec = (spec: SupervisorSpec): void => {
  const { restarts, withinMs } = spec.intensity ?? { restarts: 1, withinMs: 1 }
  if (!(restarts >= 0)) throw specInvalid(spec.name, `allows ${restarts} restarts: that must be 0 or more`)
  if (!(withinMs > 0)) throw specInvalid(spec.name, `counts restarts within ${withinMs} ms: that must be above 0`)
  const names = new Set<string>()
  for (const child of spec.children ?? []) {
    if (names.has(child.name)) throw childExists(spec.name, child.name)
    names.add(child.name)
    validateChild(spec, child)
  }
  if (spec.strategy === 'dynamic' && names.size > 0) throw specInvalid(spec.name, 'is dynamic: its children are added when it runs')
  if (spec.strategy !== 'dynamic' && spec.recover !== undefined) throw specInvalid(spec.name, 'has recover, but is not dynamic')
}

/** @throws ERR_SUPERVISOR_SPEC_INVALID */
export const validateChild = (spec: SupervisorSpec, child: ChildSpec): void => {
  if (typeof child.shutdown === 'number' && !(child.shutdown >= 0))
    throw specInvalid(child.name, `has ${child.shutdown} ms to stop: that must be 0 or more`)
  if (child.significant !== true) return
  if (restartOf(child) === 'permanent' && child.classify === undefined)
    throw specInvalid(child.name, 'is significant and permanent: it never ends for good')
  if ((spec.autoShutdown ?? 'never') === 'never') throw specInvalid(child.name, `is significant, but "${spec.name}" has no autoShutdown`)
}
