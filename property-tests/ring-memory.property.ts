import { setImmediate as nextTurn } from 'node:timers/promises'
import fc from 'fast-check'
import { expect } from 'vitest'
import type { OutputChunk } from '../src/ports/terminal-host.port.ts'
import * as ourOutput from '../src/terminal-host/output.ts'
import * as ourMemory from '../src/terminal-host/ring-memory.ts'
import { property } from '../src/testing/property.ts'
import { type Mutant, withMutantSources } from './engine.ts'
import type { Planted, Proven } from './proven.ts'

type Parts = { readonly Output: typeof ourOutput.Output; readonly RingMemory: typeof ourMemory.RingMemory }

const { BLOCK_BYTES } = ourMemory
const OUTPUTS = 3
/** More than a scenario puts out. */
const MOST_BYTES = 4_194_304
/** What output `index` puts out: no two places of a block, no two blocks and no two outputs look alike. */
const patterns = Array.from({ length: OUTPUTS }, (_, index) =>
  Buffer.from(Uint8Array.from({ length: MOST_BYTES }, (_byte, at) => at * 131 + (at >> 8) * 7 + (at >> 16) * 13 + index * 91)),
)

type Step =
  | { readonly do: 'append'; readonly output: number; readonly count: number }
  | { readonly do: 'read'; readonly reader: number; readonly times: number }
type Scenario = {
  readonly budgetBlocks: number
  readonly ringBlocks: number
  readonly isLossless: boolean
  readonly steps: readonly Step[]
}

const READERS = OUTPUTS * 2
const scenarios: fc.Arbitrary<Scenario> = fc.record({
  budgetBlocks: fc.integer({ min: 3, max: 16 }),
  ringBlocks: fc.integer({ min: 1, max: 8 }),
  isLossless: fc.boolean(),
  steps: fc.array(
    fc.oneof(
      {
        weight: 3,
        arbitrary: fc.record({
          do: fc.constant('append' as const),
          output: fc.nat(OUTPUTS - 1),
          count: fc.oneof(
            fc.integer({ min: 1, max: 2_000 }),
            fc.integer({ min: 1, max: 200_000 }),
            fc.constantFrom(BLOCK_BYTES, 2 * BLOCK_BYTES),
          ),
        }),
      },
      {
        weight: 2,
        arbitrary: fc.record({ do: fc.constant('read' as const), reader: fc.nat(READERS - 1), times: fc.integer({ min: 1, max: 3 }) }),
      },
    ),
    { maxLength: 50, size: 'max' },
  ),
})

type Reader = {
  readonly index: number
  readonly isKeeping: boolean
  readonly iterator: AsyncIterator<OutputChunk>
  next: number
  handled: number
  /** What it may still look at. */
  held: { readonly offset: number; readonly bytes: Uint8Array }[]
}

/** What a reader may look at is what was put out there, whatever became of the ring meanwhile. */
const checkHeld = ({ index, held }: Reader): void => {
  for (const { offset, bytes } of held) {
    if (Buffer.compare(bytes, patterns[index]!.subarray(offset, offset + bytes.length)) !== 0) throw new Error('bytes of another offset')
  }
}

const MOST_TURNS = 100

const run = async ({ Output, RingMemory }: Parts, { budgetBlocks, ringBlocks, isLossless, steps }: Scenario): Promise<void> => {
  const memory = new RingMemory(budgetBlocks * BLOCK_BYTES)
  const held = Array.from({ length: OUTPUTS }, () => false)
  const outputs = held.map((_, index) => new Output(ringBlocks * BLOCK_BYTES, (now) => (held[index] = now), memory))
  const readers = outputs.flatMap((output, index) =>
    [true, false].map((isKeeping): Reader => {
      const mode = isLossless && index > 0 && !isKeeping ? 'lossless' : 'lossy'
      const iterator = output.read({ from: 0, mode, borrow: !isKeeping })[Symbol.asyncIterator]()
      return { index, isKeeping, iterator, next: 0, handled: 0, held: [] }
    }),
  )
  const isLosslessReader = ({ index, isKeeping }: Reader): boolean => isLossless && index > 0 && !isKeeping

  const read = async (reader: Reader): Promise<boolean> => {
    checkHeld(reader)
    if (!reader.isKeeping) reader.held = []
    reader.handled = reader.next
    let isOver = false
    const asked = reader.iterator.next().finally(() => (isOver = true))
    for (let turn = 0; turn < MOST_TURNS && !isOver; turn += 1) await nextTurn()
    if (!isOver) throw new Error('a reader is given nothing, though there is output')
    const result = await asked
    if (result.done === true) return false
    const chunk = result.value
    if ('gap' in chunk) {
      expect(isLosslessReader(reader)).toBe(false)
      expect(chunk.gap.from).toBe(reader.next)
      expect(chunk.gap.to).toBeGreaterThan(chunk.gap.from)
      expect(chunk.gap.to % BLOCK_BYTES).toBe(0)
      reader.next = chunk.gap.to
    } else {
      expect(chunk.offset).toBe(reader.next)
      expect(chunk.bytes.length).toBeGreaterThan(0)
      reader.next += chunk.bytes.length
      reader.held.push(chunk)
    }
    expect(reader.next).toBeLessThanOrEqual(outputs[reader.index]!.end)
    checkHeld(reader)
    return true
  }

  /** What the budget must give way to: the last block of each ring and the one before, the windows of lossless readers, chunks that are looked at. */
  const checkBudget = (): void => {
    const needed = outputs.map(({ end }, index) => {
      const slowest = Math.min(end, ...readers.filter((one) => one.index === index && isLosslessReader(one)).map(({ handled }) => handled))
      return Math.max(Math.min(2, Math.ceil(end / BLOCK_BYTES)), Math.ceil(end / BLOCK_BYTES) - Math.floor(slowest / BLOCK_BYTES))
    })
    const leased = readers.filter(({ isKeeping, held: { length } }) => !isKeeping && length > 0).length
    const most =
      Math.max(
        budgetBlocks,
        needed.reduce((sum, one) => sum + one, 0),
      ) + leased
    expect(memory.allocatedBytes).toBeLessThanOrEqual(most * BLOCK_BYTES)
  }

  const share = Math.floor((budgetBlocks - READERS / 2) / OUTPUTS)
  const size = (output: ourOutput.Output): number => Math.ceil((output.end - output.start) / BLOCK_BYTES)
  for (const step of steps) {
    if (step.do === 'read') {
      const reader = readers[step.reader]!
      for (let count = 0; count < step.times && reader.next < outputs[reader.index]!.end; count += 1) await read(reader)
      checkBudget()
    } else {
      const output = outputs[step.output]!
      if (held[step.output]! || output.end + step.count + 10_000 > MOST_BYTES) continue
      const before = outputs.map((one) => ({ start: one.start, size: size(one) }))
      output.append(patterns[step.output]!.subarray(output.end, output.end + step.count))
      if (!isLossless) {
        for (const [index, { start, size: had }] of before.entries()) {
          if (index !== step.output && had <= share) expect(outputs[index]!.start).toBe(start) // what is small loses nothing to others
        }
      }
      checkBudget()
    }
  }
  for (const [index, output] of outputs.entries()) {
    output.append(patterns[index]!.subarray(output.end, output.end + 10_000))
    output.finish()
    output.release()
  }
  for (const reader of readers) {
    while (await read(reader));
    expect(reader.next).toBe(outputs[reader.index]!.end)
  }
  for (const reader of readers) checkHeld({ ...reader, held: reader.isKeeping ? reader.held : [] })
  expect(memory.allocatedBytes).toBeLessThanOrEqual(budgetBlocks * BLOCK_BYTES)
  for (const output of outputs) expect(output.start).toBe(output.end)
}

const TITLE =
  'no reader ever sees bytes of another offset, of rings that share a budget and use blocks again; small rings lose nothing to large ones [PTY-11, PTY-12]'
const on = (parts: Parts) => property(TITLE, scenarios, (scenario) => run(parts, scenario), { runs: 150 })

const MEMORY = 'terminal-host/ring-memory.ts'
const RING = 'terminal-host/ring.ts'
const OUTPUT = 'terminal-host/output.ts'
const MUTANTS: readonly Mutant[] = [
  {
    name: 'a block is used again while a reader looks at it',
    file: MEMORY,
    from: 'block.retired = true\n    if (block.leases === 0) this.#recycle(block)',
    to: 'block.retired = true\n    this.#recycle(block)',
  },
  { name: 'a block whose view was handed out for ever is used again', file: MEMORY, from: 'if (block.kept || ', to: 'if (' },
  {
    name: 'a block is used again that its ring still has',
    file: MEMORY,
    from: 'block.leases === 0 && block.retired',
    to: 'block.leases === 0',
  },
  { name: 'a lease is never given back', file: MEMORY, from: 'block.leases -= 1', to: '' },
  { name: 'a block used again is taken for retired', file: MEMORY, from: 'block.retired = false', to: '' },
  {
    name: 'the budget is not kept',
    file: MEMORY,
    from: 'this.#free.length === 0 && this.#blocks >= this.#budgetBlocks',
    to: 'false',
  },
  { name: 'what was over the budget for a reader stays', file: MEMORY, from: 'this.#blocks > this.#budgetBlocks) if', to: 'false) if' },
  { name: 'the smallest ring gives way', file: MEMORY, from: 'size > most', to: 'size < most' },
  {
    name: 'the budget takes what a lossless reader needs',
    file: RING,
    from: ' && this.#start + BLOCK_BYTES <= this.#keepFrom()\n',
    to: '\n',
  },
  {
    name: 'a view reaches past the end of the output',
    file: RING,
    from: 'Math.min(BLOCK_BYTES, offset + this.#end - from)',
    to: 'BLOCK_BYTES',
  },
  {
    name: 'a ring that gives up a block keeps its start',
    file: RING,
    from: '    this.#start += BLOCK_BYTES\n    this.#memory',
    to: '    this.#memory',
  },
  { name: 'a reader gives its lease back at once', file: OUTPUT, from: 'reader.leased = block', to: 'ring.unlease(block)' },
  {
    name: 'after a gap a byte is left out',
    file: OUTPUT,
    from: 'reader.position = ring.start\n',
    to: 'reader.position = ring.start + 1\n',
  },
  {
    name: 'a release takes the output from its readers',
    file: OUTPUT,
    from: 'this.#released = true\n    if (this.#readers.size === 0) this.#ring.clear()',
    to: 'this.#released = true\n    this.#ring.clear()',
  },
  {
    name: 'the last reader gives nothing back',
    file: OUTPUT,
    from: 'if (this.#released && this.#readers.size === 0) this.#ring.clear()',
    to: '',
  },
]

const planted = (mutant: Mutant): Planted<Scenario> => ({
  name: mutant.name,
  with: (use) =>
    withMutantSources(mutant, async (load) => {
      const { Output } = await load<typeof ourOutput>(OUTPUT)
      const { RingMemory } = await load<typeof ourMemory>(MEMORY)
      await use(on({ Output, RingMemory }))
    }),
})

/** Any order of output and reading of three terminals, with readers that keep what they are given and readers that do not. */
export const ringMemory: Proven<Scenario> = {
  ...on({ Output: ourOutput.Output, RingMemory: ourMemory.RingMemory }),
  area: 'output',
  bugs: MUTANTS.map(planted),
  control: planted({ name: 'a copy without a bug', file: MEMORY, from: 'The memory of all rings', to: 'Memory of all rings' }),
}
