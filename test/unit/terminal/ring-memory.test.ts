import { describe, expect, it } from 'vitest'
import { Output } from '../../../src/terminal-host/output.ts'
import { BLOCK_BYTES, RingMemory } from '../../../src/terminal-host/ring-memory.ts'
import { Ring } from '../../../src/terminal-host/ring.ts'

const MB = 1_048_576
const chunk = new Uint8Array(BLOCK_BYTES)
const fill = (ring: Ring, blocks: number): void => {
  for (let count = 0; count < blocks; count += 1) ring.append(chunk)
}

describe('the memory of all rings', () => {
  it('300 rings of 4 MB that are all full stay within 256 MB, each with an equal share [PTY-11, PTY-16]', () => {
    const memory = new RingMemory()
    const rings = Array.from({ length: 300 }, () => new Ring(4 * MB, { memory }))
    for (let round = 0; round < 80; round += 1) for (const ring of rings) ring.append(chunk)
    expect(memory.allocatedBytes).toBe(256 * MB)
    const sizes = rings.map(({ allocatedBytes }) => allocatedBytes)
    expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(2 * BLOCK_BYTES)
    for (const ring of rings) expect(ring.end).toBe(80 * BLOCK_BYTES)
  })

  it('a ring that floods takes nothing from others of its size; one that is smaller takes from the largest, of equal ones from the one idle for longest [PTY-11]', () => {
    const memory = new RingMemory(10 * BLOCK_BYTES)
    const [small, idle, busy] = [1, 2, 3].map(() => new Ring(8 * BLOCK_BYTES, { memory })) as [Ring, Ring, Ring]
    fill(small, 2)
    fill(idle, 4)
    fill(busy, 4)
    fill(busy, 20)
    expect([small.size, idle.size, busy.size]).toEqual([2, 4, 4])
    fill(small, 1)
    expect([small.size, idle.size, busy.size]).toEqual([3, 3, 4])
    fill(small, 20)
    expect([small.size, idle.size, busy.size]).toEqual([4, 3, 3])
  })

  it('at the budget a late reader meets a gap, a lossless one does not, at the price of the budget [PTY-11, PTY-12]', () => {
    const memory = new RingMemory(5 * BLOCK_BYTES)
    const output = (): Output => new Output(4 * BLOCK_BYTES, () => {}, memory)
    const [first, second, third] = [output(), output(), output()]
    const late = first.cursor()
    const lossless = second.cursor({ from: 0, mode: 'lossless' })
    for (let count = 0; count < 2; count += 1) for (const each of [first, second]) each.append(chunk)
    for (let count = 0; count < 4; count += 1) third.append(chunk)
    expect(late.peek()).toEqual({ gap: { from: 0, to: BLOCK_BYTES } })
    expect(late.peek()).toMatchObject({ offset: BLOCK_BYTES })
    expect(lossless.peek()).toMatchObject({ offset: 0 })
    expect(memory.allocatedBytes).toBe(5 * BLOCK_BYTES)
    for (let count = 0; count < 6; count += 1) second.append(chunk)
    expect(memory.allocatedBytes).toBe(10 * BLOCK_BYTES)
    lossless.advance(8 * BLOCK_BYTES)
    third.append(chunk)
    expect(memory.allocatedBytes).toBe(5 * BLOCK_BYTES)
    expect(lossless.done).toBe(false)
  })

  it('what is released is there for others once its last reader is done, who is told of nothing missing [PTY-11, PTY-17]', () => {
    const memory = new RingMemory(4 * BLOCK_BYTES)
    const output = new Output(4 * BLOCK_BYTES, () => {}, memory)
    for (let count = 0; count < 3; count += 1) output.append(chunk)
    output.finish()
    const reader = output.cursor({ from: 0 })
    output.release()
    let read = 0
    for (let next = reader.peek(); next !== null && 'bytes' in next; next = reader.peek()) {
      read += next.bytes.length
      reader.advance(next.bytes.length)
    }
    expect(read).toBe(3 * BLOCK_BYTES)
    reader.close()
    const other = new Ring(4 * BLOCK_BYTES, { memory })
    fill(other, 4)
    expect(other.size).toBe(4)
    expect(memory.allocatedBytes).toBe(4 * BLOCK_BYTES)
    const late = output.cursor({ from: 5 })
    expect(late.peek()).toEqual({ gap: { from: 5, to: 3 * BLOCK_BYTES } })
    expect(late.done).toBe(true)
  })
})
