import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { OutputChunk } from '../src/ports/terminal-host.port.ts'
import { Output } from '../src/terminal-host/output.ts'
import { BLOCK_BYTES, Ring } from '../src/terminal-host/ring.ts'

/** Byte `n` of all output ever. */
const byteAt = (offset: number): number => (offset * 131 + (offset >> 8)) & 0xff
const pattern = (from: number, count: number): Uint8Array => Uint8Array.from({ length: count }, (_, index) => byteAt(from + index))
const same = (bytes: Uint8Array, from: number): boolean => bytes.every((byte, index) => byte === byteAt(from + index))

const size = fc.oneof(
  fc.integer({ min: 0, max: 300 }),
  fc.integer({ min: 0, max: 100_000 }),
  fc.constantFrom(BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1),
)

/** A ring holds the newest bytes at their offsets, within its cap, and loses no more than a block beyond need. */
const ringHoldsTheNewest = (make: (capBytes: number) => Ring): fc.IProperty<unknown> =>
  fc.property(fc.integer({ min: 1, max: 3 }), fc.array(size, { maxLength: 12 }), fc.nat(), (blocks, sizes, pick) => {
    const cap = blocks * BLOCK_BYTES
    const ring = make(cap)
    let total = 0
    for (const count of sizes) {
      ring.append(pattern(total, count))
      total += count
      const held = ring.end - ring.start
      expect(ring.end).toBe(total)
      expect(ring.allocatedBytes).toBeLessThanOrEqual(cap)
      expect(held).toBeGreaterThanOrEqual(Math.min(total, cap - BLOCK_BYTES + 1))
      const from = ring.start + (pick % (held + 1))
      const view = ring.view(from)
      expect(view.length > 0 || from === ring.end).toBe(true)
      expect(from + view.length).toBeLessThanOrEqual(ring.end)
      expect(same(view, from)).toBe(true)
      const tail = ring.tail(pick % (2 * cap))
      expect(tail.length).toBe(Math.min(held, pick % (2 * cap)))
      expect(same(tail, total - tail.length)).toBe(true)
    }
  })

class ViewPastTheEnd extends Ring {
  override view(from: number): Uint8Array {
    const view = super.view(from)
    return new Uint8Array(view.buffer, view.byteOffset, view.buffer.byteLength - view.byteOffset)
  }
}
class TailOneShort extends Ring {
  override tail(count: number): Uint8Array {
    return super.tail(count).subarray(1)
  }
}
class OneBlockMore extends Ring {
  constructor(capBytes: number) {
    super(capBytes + BLOCK_BYTES)
  }
}

type Step = { readonly do: 'append'; readonly count: number } | { readonly do: 'read'; readonly reader: number }
const steps = fc.array(
  fc.oneof(
    fc.record({ do: fc.constant('append' as const), count: size }),
    fc.record({ do: fc.constant('read' as const), reader: fc.nat({ max: 2 }) }),
  ),
  { maxLength: 40 },
)

type Source = { readonly output: Output; readonly paused: () => boolean }
const realSource = (ringBytes: number): Source => {
  let paused = false
  return { output: new Output(ringBytes, (now) => (paused = now)), paused: () => paused }
}

/**
 * Whatever the order of output and reading: each reader is given every offset once, as bytes or as a gap; lossless ones
 * no gap; and the child is held exactly when a lossless reader is out of credit.
 */
const readersTileTheOutput = (make: (ringBytes: number) => Source): fc.IAsyncProperty<unknown> =>
  fc.asyncProperty(fc.integer({ min: 1, max: 8 }), steps, async (blocks, plan: readonly Step[]) => {
    const ringBytes = blocks * BLOCK_BYTES
    const window = Math.min(262_144, ringBytes / 2)
    const { output, paused } = make(ringBytes)
    const readers = (['lossless', 'lossy', 'lossless'] as const).map((mode) => ({
      mode,
      iterator: output.read({ from: 0, mode })[Symbol.asyncIterator](),
      next: 0,
      handled: 0, // a chunk counts as handled when the next is asked for
    }))
    let held = false
    const take = (reader: (typeof readers)[number], chunk: OutputChunk): void => {
      if ('gap' in chunk) {
        expect(reader.mode).toBe('lossy')
        expect(chunk.gap.from).toBe(reader.next)
        expect(chunk.gap.to).toBeGreaterThan(chunk.gap.from)
        reader.next = chunk.gap.to
      } else {
        expect(chunk.offset).toBe(reader.next)
        expect(same(chunk.bytes, chunk.offset)).toBe(true)
        reader.next += chunk.bytes.length
      }
    }
    for (const step of plan) {
      if (step.do === 'append') {
        // As the engine: what is paused puts out no more, but for what the kernel held at the exit.
        if (!paused()) output.append(pattern(output.end, step.count))
      } else {
        const reader = readers[step.reader]
        if (reader === undefined || reader.next === output.end) continue
        reader.handled = reader.next
        const result = await reader.iterator.next()
        if (result.done !== true) take(reader, result.value)
      }
      const behind = Math.max(...readers.filter(({ mode }) => mode === 'lossless').map(({ handled }) => output.end - handled))
      held = held ? behind > window / 2 : behind >= window
      expect(paused()).toBe(held)
    }
    output.append(pattern(output.end, 10_000))
    output.finish()
    for (const reader of readers) {
      for (let result = await reader.iterator.next(); result.done !== true; result = await reader.iterator.next())
        take(reader, result.value)
      expect(reader.next).toBe(output.end)
    }
    expect(paused()).toBe(false)
  })

class NeverHeld extends Output {
  constructor(ringBytes: number) {
    super(ringBytes, () => {})
  }
}
class AllLossy extends Output {
  override cursor(options: Parameters<Output['cursor']>[0] = {}): ReturnType<Output['cursor']> {
    return super.cursor({ ...options, mode: 'lossy' })
  }
}
class SkipsAByte extends Output {
  override cursor(options: Parameters<Output['cursor']>[0] = {}): ReturnType<Output['cursor']> {
    const cursor = super.cursor(options)
    const advance = cursor.advance.bind(cursor)
    cursor.advance = (bytes) => advance(bytes > 1_000 ? bytes + 1 : bytes)
    return cursor
  }
}

describe('ring, by model', () => {
  it('holds the newest bytes at their offsets within its cap [PTY-11]', () => {
    fc.assert(ringHoldsTheNewest((cap) => new Ring(cap)))
  })
  for (const Bug of [ViewPastTheEnd, TailOneShort, OneBlockMore]) {
    it(`catches the planted bug ${Bug.name} [PTY-11]`, () => {
      expect(fc.check(ringHoldsTheNewest((cap) => new Bug(cap))).failed).toBe(true)
    })
  }
})

describe('readers of the output, by model', () => {
  it('are given every offset once, and hold the child exactly when a lossless one is out of credit [PTY-12]', async () => {
    await fc.assert(readersTileTheOutput(realSource))
  })
  for (const Bug of [NeverHeld, AllLossy, SkipsAByte]) {
    it(`catches the planted bug ${Bug.name} [PTY-12]`, async () => {
      const make = (ringBytes: number): Source => {
        let paused = false
        return { output: new Bug(ringBytes, (now) => (paused = now)), paused: () => paused }
      }
      // A byte that is skipped may leave a reader waiting for ever: that is caught, too.
      expect((await fc.check(readersTileTheOutput(make), { plugins: [fc.timeout(5_000)], endOnFailure: true })).failed).toBe(true)
    })
  }
})
