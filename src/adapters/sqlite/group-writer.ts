import { isSignalboxError, SignalboxError } from '../../protocols/errors.ts'
import type { OpenDatabase } from './open-database.ts'

/** Calls in one transaction at most: bounds how long the event loop and other processes wait. */
const MAX_GROUP = 500

type Job = {
  readonly work: (db: OpenDatabase) => unknown
  readonly resolve: (result: unknown) => void
  readonly reject: (error: unknown) => void
}

/** Runs `work` on the open file, waiting for locks. */
export type UseDatabase = <T>(work: (db: OpenDatabase) => T) => Promise<T>

export type GroupWriter = {
  /** Queues work for the next transaction. @throws ERR_STORE_CLOSED */
  write<T>(work: (db: OpenDatabase) => T): Promise<T>
  /** Refuses further work and resolves when all that was queued is written or refused. Never rejects. */
  close(): Promise<void>
  readonly isClosed: () => boolean
}

export const closedError = (): SignalboxError => new SignalboxError('ERR_STORE_CLOSED', 'the store was used after it was closed')

/** Group commit: calls of one turn of the event loop, and those made while another group waits, share one transaction, in order. */
export const groupWriter = (use: UseDatabase): GroupWriter => {
  let queue: Job[] = []
  let flushing: Promise<void> | null = null
  let closed = false

  const settle = async (jobs: readonly Job[]): Promise<void> => {
    try {
      const results = await use((db) => db.transaction(() => jobs.map(({ work }) => work(db))))
      jobs.forEach(({ resolve }, index) => resolve(results[index]))
    } catch (error) {
      const busy = isSignalboxError(error) && error.context['busy'] === true
      if (jobs.length === 1 || busy) return jobs.forEach(({ reject }) => reject(error))
      // One of them spoiled it for all: each on its own, so that only the bad one fails.
      for (const job of jobs) await settle([job])
    }
  }

  const flush = async (): Promise<void> => {
    // The end of the turn: whatever the calls of this turn lead to joins the group.
    await new Promise<void>((resolve) => void setImmediate(resolve))
    while (queue.length > 0) {
      const group = queue.slice(0, MAX_GROUP)
      queue = queue.slice(MAX_GROUP)
      await settle(group)
    }
    flushing = null
  }

  return {
    write: <T>(work: (db: OpenDatabase) => T) =>
      new Promise<T>((resolve, reject) => {
        if (closed) throw closedError()
        queue.push({ work, resolve: resolve as Job['resolve'], reject })
        flushing ??= flush()
      }),
    close: async () => {
      closed = true
      await flushing
    },
    isClosed: () => closed,
  }
}
