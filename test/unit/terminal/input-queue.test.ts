import { describe, expect, it } from 'vitest'
import type { Clock } from '../../../src/ports/clock.port.ts'
import { InputQueue } from '../../../src/terminal-host/input-queue.ts'

const fail = (code: string): never => {
  throw Object.assign(new Error(code), { code })
}

/** A descriptor that takes so many bytes, then none; timers are fired by hand. */
function queueOf(room = Infinity) {
  const timers: { delayMs: number; fire: () => void }[] = []
  const clock: Clock = {
    now: () => 0,
    monotonic: () => 0,
    setTimer: (delayMs, fire) => {
      const timer = { delayMs, fire }
      timers.push(timer)
      return { cancel: () => void timers.splice(timers.indexOf(timer), 1) }
    },
  }
  const kernel = { room, taken: '', calls: 0, fails: '' }
  const write = (bytes: Uint8Array): number => {
    kernel.calls += 1
    if (kernel.fails !== '') fail(kernel.fails)
    const count = Math.min(kernel.room, bytes.length)
    kernel.room -= count
    kernel.taken += Buffer.from(bytes.subarray(0, count)).toString()
    return count
  }
  const queue = new InputQueue('pt_1', { write }, clock)
  const tick = (): number | undefined => {
    const timer = timers.shift()
    timer?.fire()
    return timer?.delayMs
  }
  return { queue, kernel, tick, timers }
}
const bytes = (text: string): Buffer => Buffer.from(text)

describe('input with receipts', () => {
  it('is applied once under a key, whoever sends it again [PTY-5]', async () => {
    const { queue, kernel, tick } = queueOf(3)
    const first = queue.write(bytes('hello'), { key: 'k' })
    expect(queue.receipt('k')).toEqual({ state: 'queued', appliedBytes: 3, offset: 3 })
    const again = queue.write(bytes('hello'), { key: 'k' })
    expect(again).toBe(first)
    const other = queue.write(bytes('!'))
    kernel.room = 100
    tick()
    await Promise.all([first, again, other])
    await queue.write(bytes('hello'), { key: 'k' })
    expect(kernel.taken).toBe('hello!')
    expect(queue.receipt('k')).toEqual({ state: 'applied', appliedBytes: 5, offset: 5 })
    expect(queue.receipt('other')).toEqual({ state: 'unknown', appliedBytes: 0, offset: null })
  })

  it('refuses a key that is none, or that stands for other bytes [PTY-5]', async () => {
    const { queue, kernel } = queueOf()
    await queue.write(bytes('hello'), { key: 'k' })
    for (const [text, key] of [
      ['hallo', 'k'],
      ['hello', ''],
      ['hello', 'x'.repeat(129)],
    ] as const) {
      await expect(queue.write(bytes(text), { key })).rejects.toMatchObject({ code: 'ERR_PTY_INVALID_ARGUMENT' })
    }
    expect(kernel.taken).toBe('hello')
  })

  it('says at the end how much of each was applied, and writes nothing after it [PTY-5]', async () => {
    const { queue, kernel, timers } = queueOf(7)
    await queue.write(bytes('one'), { key: '1' })
    const two = queue.write(bytes('second'), { key: '2' })
    const three = queue.write(bytes('third'), { key: '3' })
    queue.close()
    await expect(two).rejects.toMatchObject({ code: 'ERR_PTY_ENDED', context: { appliedBytes: 4 } })
    await expect(two).rejects.toThrow('after 4 of 6 bytes')
    await expect(three).rejects.toMatchObject({ code: 'ERR_PTY_ENDED', context: { appliedBytes: 0 } })
    await expect(queue.write(bytes('second'), { key: '2' })).rejects.toMatchObject({ context: { appliedBytes: 4 } })
    await expect(queue.write(bytes('four'), { key: '4' })).rejects.toMatchObject({ code: 'ERR_PTY_ENDED' })
    expect([1, 2, 3, 4].map((key) => queue.receipt(String(key)))).toEqual([
      { state: 'applied', appliedBytes: 3, offset: 3 },
      { state: 'dropped', appliedBytes: 4, offset: 7 },
      { state: 'dropped', appliedBytes: 0, offset: null },
      { state: 'unknown', appliedBytes: 0, offset: null },
    ])
    expect({ taken: kernel.taken, timers: timers.length }).toEqual({ taken: 'oneseco', timers: 0 })
  })

  it('remembers the last 1,024 keys that are over, and all that wait [PTY-5]', async () => {
    const { queue, kernel, tick } = queueOf(0)
    const waiting = Array.from({ length: 2_000 }, (_, index) => queue.write(bytes('x'), { key: String(index) }))
    expect(queue.receipt('0').state).toBe('queued')
    kernel.room = Infinity
    tick()
    await Promise.all(waiting)
    expect(queue.receipt('975').state).toBe('unknown')
    expect(queue.receipt('976')).toEqual({ state: 'applied', appliedBytes: 1, offset: 977 })
    expect(queue.receipt('1999').state).toBe('applied')
  })

  it('refuses over 1 MB, or over 16,384 writes, as a whole; the key of what was refused is free [PTY-5]', async () => {
    const { queue, kernel, tick } = queueOf(0)
    const large = queue.write(Buffer.alloc(1_048_570))
    await expect(queue.write(bytes('seven 7'), { key: 'k' })).rejects.toMatchObject({ code: 'ERR_PTY_INPUT_FULL' })
    expect(queue.receipt('k').state).toBe('unknown')
    kernel.room = Infinity
    tick()
    await large
    await queue.write(bytes('seven 7'), { key: 'k' })
    kernel.room = 0
    const empty = Array.from({ length: 16_384 }, () => queue.write(bytes('')))
    await Promise.all(empty.slice(0, 1)) // nothing waits: empty writes are over at once
    const ones = Array.from({ length: 16_384 }, () => queue.write(bytes('x')))
    await expect(queue.write(bytes('x'))).rejects.toMatchObject({ code: 'ERR_PTY_INPUT_FULL', context: { queuedWrites: 16_384 } })
    queue.close()
    await Promise.allSettled(ones)
  })

  it('asks a program that does not read less and less often, and at once again when it has read [PTY-5]', () => {
    const { queue, kernel, tick } = queueOf(0)
    queue.write(bytes('x'.repeat(10))).catch(() => {})
    const delays = Array.from({ length: 9 }, tick)
    expect(delays).toEqual([1, 2, 4, 8, 16, 32, 64, 100, 100])
    expect(kernel.calls).toBe(10)
    kernel.room = 1
    tick()
    expect(tick()).toBe(1)
    queue.close()
  })

  it('drops what waits when the terminal is gone [PTY-5]', async () => {
    const { queue, kernel, tick } = queueOf(2)
    const write = queue.write(bytes('four'), { key: 'k' })
    kernel.fails = 'EIO'
    tick()
    await expect(write).rejects.toMatchObject({ code: 'ERR_PTY_ENDED', context: { appliedBytes: 2 } })
    expect(queue.receipt('k')).toEqual({ state: 'dropped', appliedBytes: 2, offset: 2 })
  })
})
