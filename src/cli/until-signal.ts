import type { Clock } from '../ports/clock.port.ts'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Lets something end by itself at a signal that would end the process. */
export const untilSignal = async <T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> => {
  const ended = new AbortController()
  const end = (): void => ended.abort()
  for (const signal of SIGNALS) process.on(signal, end)
  try {
    return await work(ended.signal)
  } finally {
    for (const signal of SIGNALS) process.removeListener(signal, end)
  }
}

/** Waits so many ms, or until the signal. */
export const pauseFor = (clock: Clock, ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const done = (): void => {
      timer.cancel()
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = clock.setTimer(ms, done)
    signal.addEventListener('abort', done)
  })
