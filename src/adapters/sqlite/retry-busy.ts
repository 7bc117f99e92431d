import { type Clock, pause } from '../../ports/clock.port.ts'
import { busyError, isBusy, toStoreError } from './sqlite-errors.ts'

/** How long a lock is waited for, in ms. A writer holds it for about a millisecond; a stopped process may hold it for ever. */
const LIMIT_MS = 30_000
const FIRST_DELAY_MS = 1
const LAST_DELAY_MS = 50

/**
 * Calls `attempt` until no other connection is in its way. The waiting is done by the clock, so the event loop is free.
 * @throws ERR_STORE_FAILED (context: busy) after 30 s; what `attempt` throws, with its code of the catalogue
 */
export const retryBusy = async <T>(clock: Clock, path: string, attempt: () => T | Promise<T>): Promise<T> => {
  const start = clock.monotonic()
  for (let delayMs = FIRST_DELAY_MS; ; delayMs = Math.min(delayMs * 2, LAST_DELAY_MS)) {
    try {
      return await attempt()
    } catch (error) {
      if (!isBusy(error)) throw toStoreError(error, path)
      const waitedMs = Math.round(clock.monotonic() - start)
      if (waitedMs >= LIMIT_MS) throw busyError(path, waitedMs, error)
    }
    await pause(clock, delayMs)
  }
}
