import { type Clock, pause } from '../ports/clock.port.ts'
import { isSignalboxError, SignalboxError } from '../protocols/errors.ts'

/**
 * What is short now and may not be in a moment: descriptors of this process or of the system, terminals, processes, memory.
 * Somebody else's end gives them back.
 */
const TRANSIENT: ReadonlySet<unknown> = new Set(['EMFILE', 'ENFILE', 'ENOSPC', 'EAGAIN', 'ENOMEM'])

/** Waits between tries, ms: a second and a half in all. What lasts longer is for who asked: a supervisor, with its own backoff. */
export const RETRY_DELAYS_MS: readonly number[] = [50, 100, 200, 400, 800]

type Retrying = {
  readonly clock: Clock
  readonly delaysMs: readonly number[]
  /** Asked before each try but the first. */
  readonly isOver: () => boolean
}

/**
 * Starts again what the system could not start for want of something that comes back.
 * @returns what `start` does
 * @throws what it throws last; the number of tries in its context
 */
export async function retryStart<T>(start: () => Promise<T>, { clock, delaysMs, isOver }: Retrying): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await start()
    } catch (error) {
      if (!isSignalboxError(error, 'ERR_PTY_SPAWN_FAILED') || !TRANSIENT.has(error.context['errno'])) throw error
      const delayMs = delaysMs[tries - 1]
      if (delayMs === undefined || isOver()) throw tries === 1 ? error : after(error, tries)
      await pause(clock, delayMs)
      if (isOver()) throw after(error, tries)
    }
  }
}

const after = (error: SignalboxError, tries: number): SignalboxError =>
  new SignalboxError(error.code, `${error.message} It was tried ${tries} times.`, { context: { ...error.context, tries }, cause: error })
