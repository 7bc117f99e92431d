import nact from 'nact'
import type { Runnable, Scheduler, Slot } from '../../ports/scheduler.port.ts'

/** How much mail an actor handles before another has its turn. */
const BUDGET = 16
const TOKEN = null

/**
 * Runs each actor as a nact actor, flat under one nact system, woken by tokens only: see ADR 0001 for why no more of
 * nact is used. At idle it holds no timer and no handle.
 */
export const nactScheduler = (): Scheduler => {
  const system = nact.start()
  return {
    name: 'nact',
    attach: (runnable) => attach(system, runnable),
    close: async () => nact.stop(system),
  }
}

const attach = (system: nact.ActorSystemRef, runnable: Runnable): Slot => {
  let released = false
  const turn = async (): Promise<void> => {
    if (released) return
    const more = await runnable.drain(BUDGET)
    if (more && !released) nact.dispatch(ref, TOKEN)
  }
  const ref = nact.spawn(system, turn, runnable.id, { onCrash: stopQuietly })
  return {
    wake: () => {
      if (!released) nact.dispatch(ref, TOKEN)
    },
    release: () => {
      if (released) return
      released = true
      nact.stop(ref)
    },
  }
}

/** `drain` never rejects; should it, nact must neither resume nor log (FACTS, nact defects 4, 5 and 8). */
const stopQuietly: NonNullable<nact.ActorProps<unknown, unknown, nact.ActorSystemRef>['onCrash']> = (_message, _error, ctx) => ctx.stop
