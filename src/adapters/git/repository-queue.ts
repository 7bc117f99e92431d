import type { Clock } from '../../ports/clock.port.ts'
import type { Random } from '../../ports/random.port.ts'
import { SignalboxError } from '../../protocols/errors.ts'
import { isPassing } from './git-failure.ts'

const tails = new Map<string, Promise<unknown>>()

/** The error of a call that was given up on request. */
export const interrupted = (doing: string, signal: AbortSignal): SignalboxError =>
  new SignalboxError('ERR_RUN_INTERRUPTED', `${doing}: stopped on request`, { cause: signal.reason })

/**
 * Runs one job at a time per repository, in the order of the calls: git's refs take no parallel writers, and parallel
 * check-outs are no faster (50 adds: 591 ms in parallel, 560 ms in sequence).
 * @param key the common git directory
 */
export const inTurn = async <T>(key: string, job: () => Promise<T>): Promise<T> => {
  const before = tails.get(key) ?? Promise.resolve()
  const turn = before.then(job, job)
  const tail = turn.catch(() => undefined)
  tails.set(key, tail)
  try {
    return await turn
  } finally {
    if (tails.get(key) === tail) tails.delete(key)
  }
}

export const delay = (clock: Clock, ms: number, signal?: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      timer.cancel()
      signal?.removeEventListener('abort', done)
      resolve()
    }
    const timer = clock.setTimer(ms, done)
    signal?.addEventListener('abort', done)
    if (signal?.aborted) done()
  })

/** 20 ms doubling to 1 s: about 4 s in all, each wait between half and all of that. */
const ATTEMPTS = 9

/** Repeats `job` while another process is in its way (mostly: holds a lock file of git), then lets its last failure through. */
export const retryLocked = async <T>(time: { clock: Clock; random: Random }, job: () => Promise<T>, signal?: AbortSignal): Promise<T> => {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await job()
    } catch (error) {
      if (!isPassing(error) || attempt === ATTEMPTS || signal?.aborted) throw error
      await delay(time.clock, Math.min(1_000, 20 * 2 ** (attempt - 1)) * (0.5 + time.random.next() / 2), signal)
    }
  }
}
