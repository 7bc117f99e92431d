import { event } from '../actors/journal.ts'
import type { Decision } from '../kernel/child-spec.ts'
import type { Clock } from '../ports/clock.port.ts'
import type { NewEvent } from '../protocols/events.ts'
import type { Exit } from '../protocols/exit.ts'
import type { Locate } from './locate.ts'
import type { SystemObserver } from '../supervisors/system.types.ts'

/** Turns what supervisors decide, and actors that crash, into recorded events. */
export const observe = (clock: Clock, locate: Locate, record: (event: NewEvent) => void): SystemObserver => {
  const expected = (exit: Exit): boolean => exit.reason !== 'crashed' && exit.reason !== 'timeout' && exit.reason !== 'init_failed'
  return {
    decided(decision: Decision) {
      if (decision.decision === 'remove' && expected(decision.exit)) return
      const { ids, payload } = locate(decision.child)
      record(event(clock.now(), 'supervisor.decided', ids, { ...payload, decision }))
    },
    exited({ name, incarnation, kind, exit }) {
      if (expected(exit) || kind === 'pty') return
      // It could not start because a child could not, which is told of itself.
      if (kind === 'supervisor' && exit.reason === 'init_failed') return
      const { ids, payload } = locate(name)
      record(event(clock.now(), 'actor.crashed', ids, { ...payload, name, incarnation, exit }))
    },
  }
}
