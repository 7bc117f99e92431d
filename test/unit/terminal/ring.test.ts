import { describe, expect, it } from 'vitest'
import { BLOCK_BYTES, RingMemory } from '../../../src/terminal-host/ring-memory.ts'
import { Ring } from '../../../src/terminal-host/ring.ts'

/** What lies at an offset: no two of the first 256 blocks of a ring are alike. */
const byteAt = (at: number): number => (at * 31 + Math.floor(at / BLOCK_BYTES) * 13) & 0xff
const pattern = (from: number, count: number): Uint8Array => Uint8Array.from({ length: count }, (_, index) => byteAt(from + index))

describe('ring', () => {
  it('allocates nothing while it is empty, then block by block up to its cap [PTY-11]', () => {
    const ring = new Ring(4 * BLOCK_BYTES)
    expect(ring.allocatedBytes).toBe(0)
    ring.append(new Uint8Array(1))
    expect(ring.allocatedBytes).toBe(BLOCK_BYTES)
    ring.append(new Uint8Array(10 * BLOCK_BYTES))
    expect(ring.allocatedBytes).toBe(4 * BLOCK_BYTES)
    expect(ring.end).toBe(10 * BLOCK_BYTES + 1)
    expect(ring.start).toBe(7 * BLOCK_BYTES)
  })

  it('fills a block to its last byte before it takes another [PTY-11]', () => {
    const ring = new Ring(BLOCK_BYTES)
    ring.append(pattern(0, BLOCK_BYTES))
    expect({ start: ring.start, allocated: ring.allocatedBytes }).toEqual({ start: 0, allocated: BLOCK_BYTES })
    ring.append(pattern(BLOCK_BYTES, 1))
    expect({ start: ring.start, end: ring.end, allocated: ring.allocatedBytes }).toEqual({
      start: BLOCK_BYTES,
      end: BLOCK_BYTES + 1,
      allocated: BLOCK_BYTES,
    })
  })

  it('keeps a view right for ever: its block is never used again [PTY-11]', () => {
    const ring = new Ring(BLOCK_BYTES)
    ring.append(pattern(0, BLOCK_BYTES))
    const view = ring.view(0)
    ring.append(pattern(BLOCK_BYTES, 3 * BLOCK_BYTES))
    expect(Buffer.from(view).equals(pattern(0, BLOCK_BYTES))).toBe(true)
  })

  it('uses a block again when its ring has given it up and its last reader is done, no sooner [PTY-11]', () => {
    const memory = new RingMemory()
    const ring = new Ring(BLOCK_BYTES, { memory })
    ring.append(pattern(0, BLOCK_BYTES))
    const first = ring.lease(0)!
    const again = ring.lease(5)!
    expect(again).toBe(first)
    const view = ring.viewIn(first, 0)
    ring.append(pattern(BLOCK_BYTES, BLOCK_BYTES))
    ring.unlease(first)
    // Rings of their own take whatever is free.
    new Ring(BLOCK_BYTES, { memory }).append(pattern(2 * BLOCK_BYTES, BLOCK_BYTES))
    expect(Buffer.from(view).equals(pattern(0, BLOCK_BYTES))).toBe(true)
    expect(memory.allocatedBytes).toBe(3 * BLOCK_BYTES)
    ring.unlease(first)
    new Ring(BLOCK_BYTES, { memory }).append(pattern(3 * BLOCK_BYTES, BLOCK_BYTES))
    expect(Buffer.from(view).equals(pattern(3 * BLOCK_BYTES, BLOCK_BYTES))).toBe(true)
    expect(memory.allocatedBytes).toBe(3 * BLOCK_BYTES)
  })

  it('allocates nothing for a chunk at steady state [PTY-11]', () => {
    const ring = new Ring(16 * BLOCK_BYTES)
    const chunk = pattern(0, BLOCK_BYTES)
    for (let count = 0; count < 32; count += 1) ring.append(chunk)
    const before = process.memoryUsage().arrayBuffers
    for (let count = 0; count < 10_000; count += 1) {
      ring.append(chunk)
      const block = ring.lease(ring.end - BLOCK_BYTES)!
      ring.viewIn(block, ring.end - BLOCK_BYTES)
      ring.unlease(block)
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(4 * BLOCK_BYTES)
  })

  it('gives up nothing that a lossless reader still needs, even over its cap [PTY-12]', () => {
    const keepFrom = BLOCK_BYTES + 7
    const ring = new Ring(2 * BLOCK_BYTES, { keepFrom: () => needed })
    let needed = keepFrom
    ring.append(pattern(0, 5 * BLOCK_BYTES))
    expect(ring.start).toBe(BLOCK_BYTES)
    needed = Infinity
    ring.append(pattern(5 * BLOCK_BYTES, 1))
    expect(ring.allocatedBytes).toBe(2 * BLOCK_BYTES)
  })

  it('copies only the tail that is asked for [PTY-11]', () => {
    const ring = new Ring(2 * BLOCK_BYTES)
    ring.append(pattern(0, 2 * BLOCK_BYTES))
    expect(ring.tail(BLOCK_BYTES + 3)).toEqual(pattern(BLOCK_BYTES - 3, BLOCK_BYTES + 3))
    expect(ring.tail(0)).toEqual(new Uint8Array(0))
    expect(ring.tail(-5)).toEqual(new Uint8Array(0))
    expect(ring.tail(Infinity)).toHaveLength(2 * BLOCK_BYTES)
  })
})
