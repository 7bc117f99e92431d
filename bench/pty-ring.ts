import { BLOCK_BYTES, RingMemory } from '../src/terminal-host/ring-memory.ts'
import { Output } from '../src/terminal-host/output.ts'
import type { Samples } from './harness.ts'

const RING_BYTES = 4_194_304
/** What may be allocated in a round at steady state, for reasons of others: less than one chunk in a hundred. */
const MOST_ALLOCATED_BYTES = 10 * BLOCK_BYTES

/**
 * µs for a chunk of 64 KB into a full ring and out to a reader.
 * @throws Error when memory is allocated for it
 */
export const ringRound = (chunks: number): Samples => {
  const output = new Output(RING_BYTES, () => {}, new RingMemory())
  const chunk = Buffer.alloc(BLOCK_BYTES, 120)
  const cursor = output.cursor({ from: 0 })
  const pass = (): number => {
    const began = performance.now()
    output.append(chunk)
    for (let next = cursor.peek(); next !== null; next = cursor.peek()) if ('bytes' in next) cursor.advance(next.bytes.length)
    return (performance.now() - began) * 1_000
  }
  for (let count = 0; count < 200; count += 1) pass()
  const before = process.memoryUsage().arrayBuffers
  const samples = Array.from({ length: chunks }, pass)
  const allocated = process.memoryUsage().arrayBuffers - before
  if (allocated > MOST_ALLOCATED_BYTES) throw new Error(`${allocated} bytes were allocated for ${chunks} chunks`)
  return samples
}

/** µs to copy 64 KB once: what memory costs. */
export const copyRound = (chunks: number): Samples => {
  const from = Buffer.alloc(BLOCK_BYTES, 120)
  const to = Buffer.alloc(BLOCK_BYTES)
  return Array.from({ length: chunks }, () => {
    const began = performance.now()
    to.set(from)
    return (performance.now() - began) * 1_000
  })
}
