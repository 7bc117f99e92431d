import { describe, expect, it } from 'vitest'
import { SignalboxError } from '../../../src/protocols/errors.ts'
import { retryStart } from '../../../src/terminal-host/retry-start.ts'

const failure = (errno: string): SignalboxError =>
  new SignalboxError('ERR_PTY_SPAWN_FAILED', `failed with ${errno}.`, { context: { errno } })

/** A clock that waits for nothing and notes for how long it was asked to. */
const patient = () => {
  const waits: number[] = []
  const setTimer = (ms: number, run: () => void) => {
    waits.push(ms)
    queueMicrotask(run)
    return { cancel: () => {} }
  }
  return { waits, clock: { now: () => 0, monotonic: () => 0, setTimer } as never }
}

describe('a start that the system refuses', () => {
  it.each(['EMFILE', 'ENFILE', 'ENOSPC', 'EAGAIN', 'ENOMEM'])(
    '%s: is tried again with growing waits until it succeeds [PTY-4]',
    async (errno) => {
      const { waits, clock } = patient()
      let left = 3
      const start = (): Promise<string> => (left-- > 0 ? Promise.reject(failure(errno)) : Promise.resolve('started'))
      expect(await retryStart(start, { clock, delaysMs: [1, 2, 4, 8], isOver: () => false })).toBe('started')
      expect(waits).toEqual([1, 2, 4])
    },
  )

  it('that lasts is told with the cause and the number of tries [PTY-4]', async () => {
    const { waits, clock } = patient()
    const start = (): Promise<never> => Promise.reject(failure('ENFILE'))
    await expect(retryStart(start, { clock, delaysMs: [1, 2], isOver: () => false })).rejects.toMatchObject({
      code: 'ERR_PTY_SPAWN_FAILED',
      message: 'failed with ENFILE. It was tried 3 times.',
      retryable: true,
      context: { errno: 'ENFILE', tries: 3 },
    })
    expect(waits).toEqual([1, 2])
  })

  it.each(['EIO', 'E2BIG', 'EACCES'])('%s: is told at once, as waiting does not change it [PTY-4]', async (errno) => {
    const { waits, clock } = patient()
    const error = failure(errno)
    await expect(retryStart(() => Promise.reject(error), { clock, delaysMs: [1], isOver: () => false })).rejects.toBe(error)
    expect(waits).toEqual([])
  })

  it('is not tried again by a host that is being closed [PTY-4]', async () => {
    const { waits, clock } = patient()
    let tries = 0
    const start = (): Promise<never> => {
      tries += 1
      return Promise.reject(failure('EAGAIN'))
    }
    await expect(retryStart(start, { clock, delaysMs: [1, 2], isOver: () => tries > 0 })).rejects.toMatchObject({
      context: { errno: 'EAGAIN' },
    })
    expect({ tries, waits }).toEqual({ tries: 1, waits: [] })
  })
})
