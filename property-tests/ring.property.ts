import { setImmediate as nextTurn } from 'node:timers/promises'
import fc from 'fast-check'
import { expect } from 'vitest'
import type { OutputChunk } from '../src/ports/terminal-host.port.ts'
import { Output } from '../src/terminal-host/output.ts'
import { BLOCK_BYTES } from '../src/terminal-host/ring-memory.ts'
import { Ring } from '../src/terminal-host/ring.ts'
import { type Property, property } from '../src/testing/property.ts'
import type { Planted, Proven } from './proven.ts'

/** Byte `n` of all output ever. */
const byteAt = (offset: number): number => (offset * 131 + (offset >> 8)) & 0xff
const pattern = (from: number, count: number): Uint8Array => Uint8Array.from({ length: count }, (_, index) => byteAt(from + index))
const same = (bytes: Uint8Array, from: number): boolean => bytes.every((byte, index) => byte === byteAt(from + index))

const size = fc.oneof(
  fc.integer({ min: 0, max: 300 }),
  fc.integer({ min: 0, max: 100_000 }),
  fc.constantFrom(BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1),
)

type Filling = { readonly blocks: number; readonly sizes: readonly number[]; readonly pick: number }
const fillings: fc.Arbitrary<Filling> = fc.record({
  blocks: fc.integer({ min: 1, max: 3 }),
  sizes: fc.array(size, { maxLength: 12 }),
  pick: fc.nat(),
})

/** A ring holds the newest bytes at their offsets, within its cap, and loses no more than a block beyond need. */
const ringHolds =
  (make: (capBytes: number) => Ring) =>
  ({ blocks, sizes, pick }: Filling): void => {
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
  }

class ViewPastTheEnd extends Ring {
  override view(from: number): Uint8Array {
    const view = super.view(from)
    return new Uint8Array(view.buffer, view.byteOffset, view.buffer.byteLength - view.byteOffset)
  }
}
class TailOneShort extends Ring {
  override tail(count: number): Uint8Array<ArrayBuffer> {
    return super.tail(count).subarray(1)
  }
}
class OneBlockMore extends Ring {
  constructor(capBytes: number) {
    super(capBytes + BLOCK_BYTES)
  }
}

/** A read that has something to give takes no outside: one that hangs would hang for ever. */
const MOST_TURNS = 100
const soon = async <T>(read: Promise<T>): Promise<T> => {
  let isOver = false
  const over = (): void => void (isOver = true)
  read.then(over, over)
  for (let turn = 0; turn < MOST_TURNS && !isOver; turn += 1) await nextTurn()
  if (!isOver) throw new Error('a reader is given nothing, though there is output')
  return read
}

type Step = { readonly do: 'append'; readonly count: number } | { readonly do: 'read'; readonly reader: number }
const steps = fc.array(
  fc.oneof(
    fc.record({ do: fc.constant('append' as const), count: size }),
    fc.record({ do: fc.constant('read' as const), reader: fc.nat({ max: 2 }) }),
  ),
  { maxLength: 40 },
)

type Reading = { readonly blocks: number; readonly plan: readonly Step[] }
const readings: fc.Arbitrary<Reading> = fc.record({ blocks: fc.integer({ min: 1, max: 8 }), plan: steps })

type Source = { readonly output: Output; readonly paused: () => boolean }
const realSource = (ringBytes: number): Source => {
  let paused = false
  return { output: new Output(ringBytes, (now) => (paused = now)), paused: () => paused }
}

/**
 * Whatever the order of output and reading: each reader is given every offset once, as bytes or as a gap; lossless ones
 * no gap; and the child is held exactly when a lossless reader is out of credit.
 */
const readersTile =
  (make: (ringBytes: number) => Source) =>
  async ({ blocks, plan }: Reading): Promise<void> => {
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
        const result = await soon(reader.iterator.next())
        if (result.done !== true) take(reader, result.value)
      }
      const behind = Math.max(...readers.filter(({ mode }) => mode === 'lossless').map(({ handled }) => output.end - handled))
      held = held ? behind > window / 2 : behind >= window
      expect(paused()).toBe(held)
    }
    output.append(pattern(output.end, 10_000))
    output.finish()
    for (const reader of readers) {
      for (let result = await soon(reader.iterator.next()); result.done !== true; result = await soon(reader.iterator.next()))
        take(reader, result.value)
      expect(reader.next).toBe(output.end)
    }
    expect(paused()).toBe(false)
  }

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

const ringProperty = (make: (capBytes: number) => Ring): Property<Filling> =>
  property('a ring holds the newest bytes at their offsets within its cap [PTY-11]', fillings, ringHolds(make))

const ringBug = (Bug: new (capBytes: number) => Ring): Planted<Filling> => ({
  name: Bug.name,
  with: (use) => use(ringProperty((cap) => new Bug(cap))),
})
class RingOfOurs extends Ring {}

export const ringNewest: Proven<Filling> = {
  ...ringProperty((cap) => new Ring(cap)),
  area: 'output',
  bugs: [ViewPastTheEnd, TailOneShort, OneBlockMore].map(ringBug),
  control: ringBug(RingOfOurs),
}

const readersProperty = (make: (ringBytes: number) => Source): Property<Reading> =>
  property(
    'readers of the output are given every offset once, and hold the child exactly when a lossless one is out of credit [PTY-12]',
    readings,
    readersTile(make),
  )

const readersBug = (Bug: new (ringBytes: number, held: (now: boolean) => void) => Output): Planted<Reading> => ({
  name: Bug.name,
  with: (use) =>
    use(
      readersProperty((ringBytes) => {
        let paused = false
        return { output: new Bug(ringBytes, (now) => (paused = now)), paused: () => paused }
      }),
    ),
})
class OutputOfOurs extends Output {}

export const readersOfOutput: Proven<Reading> = {
  ...readersProperty(realSource),
  area: 'output',
  bugs: [NeverHeld, AllLossy, SkipsAByte].map(readersBug),
  control: readersBug(OutputOfOurs),
}
