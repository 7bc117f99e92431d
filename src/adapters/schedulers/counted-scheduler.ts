import type { Scheduler } from '../../ports/scheduler.port.ts'

/** Wake tokens and what became of them. At rest `tokens` = `drains` + `forfeited`: none was lost, none counted twice. */
export type SchedulerCounts = {
  /** Drains asked for: by `wake`, or by a drain that said that mail is left. */
  tokens: number
  /** Drains run. */
  drains: number
  /** Tokens of actors that ended before their drain began. */
  forfeited: number
}

/** For tests and benchmarks: any scheduler, with its tokens and drains counted. One that is not wrapped counts nothing. */
export const countedScheduler = (scheduler: Scheduler): { readonly scheduler: Scheduler; readonly counts: SchedulerCounts } => {
  const counts: SchedulerCounts = { tokens: 0, drains: 0, forfeited: 0 }
  const attach: Scheduler['attach'] = (runnable) => {
    let open = 0
    let isReleased = false
    const asked = (): void => {
      counts.tokens += 1
      if (isReleased) counts.forfeited += 1
      else open += 1
    }
    const ran = (more: boolean): boolean => {
      // Of an actor that has ended no drain is owed.
      if (more && !isReleased) asked()
      return more
    }
    const slot = scheduler.attach({
      id: runnable.id,
      drain: (budget) => {
        counts.drains += 1
        open -= 1
        const more = runnable.drain(budget)
        return typeof more === 'boolean' ? ran(more) : more.then(ran)
      },
    })
    return {
      wake: () => {
        asked()
        slot.wake()
      },
      release: () => {
        if (!isReleased) counts.forfeited += open
        isReleased = true
        slot.release()
      },
    }
  }
  return { counts, scheduler: { name: scheduler.name, attach, close: () => scheduler.close() } }
}
