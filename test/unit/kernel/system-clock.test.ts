import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, it, vi } from 'vitest'
import { systemClock } from '../../../src/adapters/system/system-clock.adapter.ts'
import { systemRandom } from '../../../src/adapters/system/system-random.adapter.ts'

describe('system clock', () => {
  it('fires once, not before its time, and not when cancelled [SUP-7]', async () => {
    let cancelled = 0
    const from = systemClock.monotonic()
    systemClock.setTimer(5, () => (cancelled += 1)).cancel()
    const fired = await new Promise<number>((resolve) => void systemClock.setTimer(20, () => resolve(systemClock.monotonic())))
    expect(fired - from).toBeGreaterThanOrEqual(20)
    expect(cancelled).toBe(0)
  })

  it('asks node for no negative time, of which it would warn [SUP-7]', async () => {
    using asked = vi.spyOn(globalThis, 'setTimeout')
    await new Promise<void>((resolve) => void systemClock.setTimer(0, resolve))
    expect(asked.mock.calls.map(([, ms]) => ms)).toEqual([0])
  })

  it('waits for longer than node’s timers can, and for ever [SUP-7]', async () => {
    let fired = 0
    const timers = [2 ** 31, 60 * 24 * 3_600_000, Infinity].map((ms) => systemClock.setTimer(ms, () => (fired += 1)))
    await new Promise<void>((resolve) => void systemClock.setTimer(20, resolve))
    await nextTurn()
    for (const timer of timers) timer.cancel()
    expect(fired).toBe(0)
  })

  it('fires a long timer when its time is over, across the stretches [SUP-7]', () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    try {
      let fired = 0
      const days = 30 * 24 * 3_600_000
      systemClock.setTimer(days, () => (fired += 1))
      const cancelled = systemClock.setTimer(days, () => (fired += 100))
      vi.advanceTimersByTime(days - 10)
      cancelled.cancel()
      expect(fired).toBe(0)
      vi.advanceTimersByTime(10)
      expect(fired).toBe(1)
    } finally {
      vi.useRealTimers()
    }
  })
})

describe('system random', () => {
  it('draws from [0, 1) [SUP-5]', () => {
    const drawn = Array.from({ length: 1_000 }, () => systemRandom.next())
    expect(drawn.every((value) => value >= 0 && value < 1)).toBe(true)
    expect(new Set(drawn).size).toBeGreaterThan(900)
  })
})
