import { describe, expect, it } from 'vitest'
import type { PtyPressure } from '../../../src/protocols/pty-pressure.ts'
import { Output } from '../../../src/terminal-host/output.ts'
import { PressureGauge } from '../../../src/terminal-host/pressure-gauge.ts'
import { BLOCK_BYTES, RingMemory } from '../../../src/terminal-host/ring-memory.ts'
import { StillClock } from '../../helpers/still-clock.ts'

const CAP = 16 * BLOCK_BYTES
const WINDOW = 262_144

function gauged() {
  const clock = new StillClock(1_000_000)
  const output = new Output(CAP, () => {}, new RingMemory())
  const gauge = new PressureGauge(clock, () => output.fill)
  output.gauge = gauge
  const told: PtyPressure[] = []
  gauge.tell((pressure) => void told.push(pressure))
  const put = (bytes: number): void => output.append(new Uint8Array(bytes))
  return { output, gauge, told, pass: (ms: number): void => clock.advance(ms), put, pending: () => clock.pending }
}

describe('pressure of output', () => {
  it('is told once when a lossless reader is three quarters behind, and again only after it was below a half [PTY-11]', () => {
    const { output, told, put, pass } = gauged()
    const reader = output.cursor({ from: 0, mode: 'lossless' })
    put(WINDOW * 0.75 - 1)
    expect(told).toEqual([])
    put(1)
    expect(told).toEqual([{ kind: 'backpressure', at: 1_000_000, fill: 0.75, behindBytes: WINDOW * 0.75, reader: 'lossless' }])
    pass(5_000)
    put(100)
    reader.advance(WINDOW * 0.2)
    put(WINDOW * 0.3)
    expect(told).toHaveLength(1)
    reader.advance(WINDOW * 0.6)
    put(1)
    put(WINDOW * 0.75)
    expect(told).toHaveLength(2)
  })

  it('is told of the slowest, by its share of what it is allowed: a lossy reader has the ring [PTY-11]', () => {
    const { output, told, put } = gauged()
    const lossless = output.cursor({ from: 0, mode: 'lossless' })
    const lossy = output.cursor({ from: 0 })
    for (let count = 0; count < 12; count += 1) {
      put(BLOCK_BYTES)
      lossless.advance(BLOCK_BYTES)
    }
    expect(told).toMatchObject([{ kind: 'backpressure', reader: 'lossy', fill: 0.75 }])
    lossy.close()
  })

  it('is told where nobody reads and the ring fills, then of what it gives up: at most once a second, all in the end [PTY-11]', () => {
    const { output, gauge, told, put, pass, pending } = gauged()
    put(CAP)
    expect(told).toMatchObject([{ kind: 'backpressure', reader: 'nobody', fill: 1 }])
    expect(pending()).toBe(0)
    put(3 * BLOCK_BYTES)
    pass(0)
    const dropped = 3 * BLOCK_BYTES
    expect(told[1]).toEqual({ kind: 'overflow', at: 1_000_000, fill: 1, droppedBytes: dropped, unreadBytes: 0, totalBytes: dropped })
    for (let count = 0; count < 9; count += 1) {
      put(BLOCK_BYTES)
      pass(100)
    }
    expect(told).toHaveLength(2)
    pass(100)
    expect(told[2]).toMatchObject({ kind: 'overflow', droppedBytes: 9 * BLOCK_BYTES, totalBytes: 12 * BLOCK_BYTES })
    put(BLOCK_BYTES)
    output.finish()
    gauge.finish()
    expect(told[3]).toMatchObject({ droppedBytes: BLOCK_BYTES, totalBytes: 13 * BLOCK_BYTES })
    expect(pending()).toBe(0)
    expect(told).toHaveLength(4)
  })

  it('says how much of what was given up a reader had not read [PTY-11]', () => {
    const { output, told, put, pass } = gauged()
    const reader = output.cursor({ from: 0 })
    reader.advance(0)
    put(CAP)
    reader.advance(BLOCK_BYTES + 10)
    put(2 * BLOCK_BYTES)
    pass(0)
    expect(told.at(-1)).toMatchObject({ kind: 'overflow', droppedBytes: 2 * BLOCK_BYTES, unreadBytes: BLOCK_BYTES - 10 })
  })

  it('costs no timer while nobody is told, who comes later is told what he is owed [PTY-11]', () => {
    const { gauge, told, put, pass, pending } = gauged()
    gauge.tell(null)
    put(CAP + BLOCK_BYTES)
    expect(pending()).toBe(0)
    gauge.tell((pressure) => void told.push(pressure))
    pass(0)
    expect(told).toMatchObject([{ kind: 'overflow', droppedBytes: BLOCK_BYTES }])
  })
})
