import { beforeEach, describe, expect, it } from 'vitest'
import { SeededScheduler } from '../../../src/adapters/schedulers/seeded-scheduler.adapter.ts'
import type { ProcessIdentity, ProcessTable } from '../../../src/ports/process-table.port.ts'
import { Usages } from '../../../src/runtime/crashes/usages.ts'

const identity = (pid: number): ProcessIdentity => ({ pid, startTime: '1', bootId: 'b' })

describe('usages', () => {
  let world: SeededScheduler
  let looks: { pid: number; at: number }[]
  /** CPU time of a process at a moment. */
  let cpuMs: (pid: number, at: number) => number
  let timers: number
  const make = (): Usages => {
    const table: Pick<ProcessTable, 'usage'> = {
      usage: ({ pid }) => {
        const at = world.clock.monotonic()
        looks.push({ pid, at })
        return { rssBytes: at, peakRssBytes: at, cpuMs: cpuMs(pid, at), fds: 3 }
      },
    }
    const clock = {
      ...world.clock,
      setTimer: (delayMs: number, fire: () => void) => {
        timers += 1
        return world.clock.setTimer(delayMs, fire)
      },
    }
    return new Usages(table as ProcessTable, clock)
  }
  beforeEach(() => {
    world = new SeededScheduler(1)
    looks = []
    timers = 0
    cpuMs = () => 0
  })

  it('look each 2 s at a process that works, and at one that idles ever less, once in 64 s at last [SUP-9]', async () => {
    cpuMs = (pid, at) => (pid === 1 ? at : 5)
    const usages = make()
    usages.began('pt_1', identity(1))
    usages.began('pt_2', identity(2))
    await world.advance(256_000)
    expect(looks.filter(({ pid }) => pid === 1)).toHaveLength(128)
    expect(looks.filter(({ pid }) => pid === 2).map(({ at }) => at / 1_000)).toEqual([2, 4, 8, 16, 32, 64, 128, 192, 256])
    expect(usages.ended('pt_1')).toMatchObject({ rssBytes: 256_000 })
  })

  it('look at many that idle together: one timer in 64 s for all of them [SUP-9]', async () => {
    const usages = make()
    for (let pid = 1; pid <= 100; pid += 1) {
      usages.began(`pt_${pid}`, identity(pid))
      await world.advance(37)
    }
    await world.advance(300_000)
    timers = 0
    await world.advance(640_000)
    expect(timers).toBe(10)
  })

  it('look each 2 s again at one that begins to work, and set no timer once none runs [SUP-9]', async () => {
    cpuMs = (_pid, at) => Math.max(0, at - 128_000)
    const usages = make()
    usages.began('pt_1', identity(1))
    await world.advance(192_000)
    looks = []
    await world.advance(20_000)
    expect(looks).toHaveLength(10)
    usages.ended('pt_1')
    timers = 0
    await world.advance(200_000)
    expect(timers).toBe(0)
    expect(looks).toHaveLength(10)
  })
})
