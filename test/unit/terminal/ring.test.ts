import { describe, expect, it } from 'vitest'
import { BLOCK_BYTES, Ring } from '../../../src/terminal-host/ring.ts'

const pattern = (from: number, count: number): Uint8Array => Uint8Array.from({ length: count }, (_, index) => ((from + index) * 31) & 0xff)

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

  it('keeps a view right after its block was given up [PTY-11]', () => {
    const ring = new Ring(BLOCK_BYTES)
    ring.append(pattern(0, BLOCK_BYTES))
    const view = ring.view(0)
    ring.append(pattern(BLOCK_BYTES, 3 * BLOCK_BYTES))
    expect(Buffer.from(view).equals(pattern(0, BLOCK_BYTES))).toBe(true)
  })

  it('gives up nothing that a lossless reader still needs, even over its cap [PTY-12]', () => {
    const ring = new Ring(2 * BLOCK_BYTES)
    ring.append(pattern(0, 5 * BLOCK_BYTES), BLOCK_BYTES + 7)
    expect(ring.start).toBe(BLOCK_BYTES)
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
