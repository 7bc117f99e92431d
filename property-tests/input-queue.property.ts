import { setImmediate as nextTurn } from 'node:timers/promises'
import fc from 'fast-check'
import { expect } from 'vitest'
import type { Clock } from '../src/ports/clock.port.ts'
import { InputQueue } from '../src/terminal-host/input-queue.ts'
import { property } from '../src/testing/property.ts'
import { type Mutant, withMutantSources } from './engine.ts'
import type { Planted, Proven } from './proven.ts'

const QUEUE_BYTES = 1_048_576
const MOST_KEYS = 1_024

type Step =
  | { readonly do: 'write'; readonly size: number; readonly isKeyed: boolean }
  | { readonly do: 'again'; readonly which: number; readonly isChanged: boolean }
  | { readonly do: 'read'; readonly room: number }
  | { readonly do: 'wait' | 'many' | 'close' | 'hang-up' }

const small = fc.integer({ min: 0, max: 40 })
const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: fc.record({ do: fc.constant('write' as const), size: small, isKeyed: fc.boolean() }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('write' as const), size: fc.constant(600_000), isKeyed: fc.boolean() }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('again' as const), which: fc.nat(), isChanged: fc.boolean() }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('read' as const), room: fc.oneof(small, fc.constant(2_000_000)) }) },
    { weight: 6, arbitrary: fc.record({ do: fc.constant('wait' as const) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('many' as const, 'close' as const, 'hang-up' as const) }) },
  ),
  { maxLength: 40, size: 'max' },
)

/** A write that was taken; `from` and `to` are offsets in all input. */
type Write = { readonly bytes: Buffer; readonly key: string | undefined; readonly from: number; readonly to: number; outcome: string }

const failing = (code: string): never => {
  throw Object.assign(new Error(code), { code })
}

/** Bytes of write `number`: none looks like another. */
const contentOf = (number: number, size: number): Buffer =>
  size > 1_000 ? Buffer.alloc(size, 1 + (number % 251)) : Buffer.from(Array.from({ length: size }, (_, at) => number * 37 + at * 11 + 1))

const run = async (Queue: typeof InputQueue, plan: readonly Step[]): Promise<void> => {
  const timers = new Set<{ readonly delayMs: number; readonly fire: () => void }>()
  const clock: Clock = {
    now: () => 0,
    monotonic: () => 0,
    setTimer: (delayMs, fire) => {
      const timer = { delayMs, fire }
      timers.add(timer)
      return { cancel: () => void timers.delete(timer) }
    },
  }
  /** What is set while they fire waits for the next time. */
  const fireAll = (): void => {
    const due = [...timers]
    timers.clear()
    for (const { fire } of due) fire()
  }
  let room = 0
  let isHungUp = false
  let isOver = false
  const taken: Buffer[] = []
  let takenBytes = 0
  /** Whether the kernel took something since it last said EAGAIN. */
  let hasMoved = true
  let mustBeQuick = false
  const take = (bytes: Uint8Array): number => {
    expect(isOver).toBe(false)
    if (isHungUp) {
      isOver = true
      return failing('EIO')
    }
    const count = Math.min(room, bytes.length)
    if (count === 0) {
      mustBeQuick = hasMoved
      hasMoved = false
      return 0
    }
    hasMoved = true
    room -= count
    taken.push(Buffer.from(bytes.subarray(0, count)))
    takenBytes += count
    return count
  }
  const queue = new Queue('pt_1', { write: take }, clock)

  const writes: Write[] = []
  let number = 0
  let total = 0
  const write = (bytes: Buffer, key: string | undefined): void => {
    const isRefused = isOver || total - takenBytes + bytes.length > QUEUE_BYTES
    const one: Write = { bytes, key, from: total, to: total + bytes.length, outcome: 'waits' }
    if (!isRefused) {
      writes.push(one)
      total += bytes.length
    }
    queue.write(bytes, { key }).then(
      () => (one.outcome = 'applied'),
      (error: unknown) => (one.outcome = (error as { code: string }).code),
    )
    if (isRefused) expect(key === undefined ? 'unknown' : queue.receipt(key).state).toBe('unknown')
  }

  const check = (): void => {
    expect(timers.size).toBeLessThanOrEqual(isOver ? 0 : 1)
    for (const { delayMs } of timers) {
      expect(delayMs).toBeGreaterThanOrEqual(1)
      expect(delayMs).toBeLessThanOrEqual(mustBeQuick ? 1 : 100)
    }
    const keyed = writes.filter(({ key }) => key !== undefined)
    const over = keyed.filter(({ to }) => isOver || to <= takenBytes)
    const forgotten = new Set(over.slice(0, Math.max(0, over.length - MOST_KEYS)))
    // Of thousands only some, the first and last among them.
    for (const [index, one] of keyed.entries()) {
      if (index > 20 && index < keyed.length - 20 && index % 97 !== 0) continue
      const receipt = queue.receipt(one.key ?? '')
      if (forgotten.has(one)) {
        expect(receipt).toEqual({ state: 'unknown', appliedBytes: 0, offset: null })
        continue
      }
      const appliedBytes = Math.max(0, Math.min(takenBytes, one.to) - one.from)
      if (receipt.state === 'applied') expect(receipt).toEqual({ state: 'applied', appliedBytes: one.bytes.length, offset: one.to })
      else {
        expect(receipt.state).toBe(isOver ? 'dropped' : 'queued')
        expect(receipt).toMatchObject({ appliedBytes, offset: appliedBytes === 0 ? null : one.from + appliedBytes })
        expect(one.bytes.length === 0 || appliedBytes < one.bytes.length).toBe(true)
      }
    }
  }

  for (const step of plan) {
    switch (step.do) {
      case 'write':
        number += 1
        write(contentOf(number, step.size), step.isKeyed ? `key ${number}` : undefined)
        break
      case 'many':
        for (let count = 0; count < MOST_KEYS + 50; count += 1) {
          number += 1
          write(contentOf(number, 2), `key ${number}`)
        }
        break
      case 'again': {
        const known = writes.filter(({ key }) => key !== undefined && queue.receipt(key).state !== 'unknown')
        const one = known[step.which % Math.max(1, known.length)]
        if (one === undefined) break
        const isChanged = step.isChanged && one.bytes.length > 0
        const bytes = isChanged ? Buffer.from(one.bytes.map((byte) => byte + 1)) : Buffer.from(one.bytes)
        const before = takenBytes
        const outcome = queue.write(bytes, { key: one.key }).then(
          () => 'applied',
          (error: unknown) => (error as { code: string }).code,
        )
        expect(takenBytes).toBe(before)
        if (isChanged) expect(await outcome).toBe('ERR_PTY_INVALID_ARGUMENT')
        break
      }
      case 'read':
        room += step.room
        break
      case 'wait':
        fireAll()
        break
      case 'close':
        isOver = true
        queue.close()
        break
      case 'hang-up':
        isHungUp = true
    }
    check()
  }
  await nextTurn()
  // In order, whole, once: what the kernel has is the beginning of what was taken.
  const all = Buffer.concat(writes.map(({ bytes }) => bytes))
  expect(Buffer.concat(taken).equals(all.subarray(0, takenBytes))).toBe(true)
  for (const one of writes) {
    const isApplied = one.outcome === 'applied'
    if (one.to < takenBytes || (one.to <= takenBytes && one.bytes.length > 0)) expect(one.outcome).toBe('applied')
    else if (one.bytes.length > 0) expect(one.outcome).toBe(isOver ? 'ERR_PTY_ENDED' : 'waits')
    if (isApplied) expect(one.to).toBeLessThanOrEqual(takenBytes)
  }
  if (isOver || isHungUp) return
  room = Infinity
  fireAll()
  expect(takenBytes).toBe(total)
}

const TITLE =
  'input reaches the program in order, each write whole, under a key once; receipts say what became of it, nothing after the end [PTY-5]'
const on = (Queue: typeof InputQueue) => property(TITLE, steps, (plan) => run(Queue, plan), { runs: 200 })

const QUEUE = 'terminal-host/input-queue.ts'
const RECEIPTS = 'terminal-host/input-receipts.ts'
const MUTANTS: readonly Mutant[] = [
  { name: 'a key is not looked up', file: QUEUE, from: 'key === undefined ? undefined : this.#receipts.find(key, bytes)', to: 'undefined' },
  { name: 'the rest of a write begins at its beginning', file: QUEUE, from: 'entry.bytes.subarray(entry.applied)', to: 'entry.bytes' },
  { name: 'what comes after the end is written', file: QUEUE, from: 'this.#line = null\n    this.#timer', to: 'this.#timer' },
  { name: 'a timer outlives the end', file: QUEUE, from: 'this.#timer?.cancel()', to: '' },
  {
    name: 'a timer for each write',
    file: QUEUE,
    from: 'if (this.#timer === undefined && !this.#writing) this.#flush()',
    to: 'this.#flush()',
  },
  { name: 'the queue has no end', file: QUEUE, from: 'this.#bytes + as.length > QUEUE_BYTES || ', to: '' },
  { name: 'what was written still counts as waiting', file: QUEUE, from: 'this.#bytes -= count', to: '' },
  {
    name: 'at the end nothing was applied',
    file: QUEUE,
    from: "state: 'dropped', appliedBytes: entry.applied",
    to: "state: 'dropped', appliedBytes: 0",
  },
  {
    name: 'offsets begin anew',
    file: QUEUE,
    from: 'this.#offset += count\n    entry.applied',
    to: 'this.#offset = count\n    entry.applied',
  },
  {
    name: 'a program that reads again is still asked rarely',
    file: QUEUE,
    from: 'this.#delayMs = FIRST_DELAY_MS\n    this.#bytes',
    to: 'this.#bytes',
  },
  { name: 'it spins while the program does not read', file: QUEUE, from: 'Math.min(LAST_DELAY_MS, this.#delayMs * 2)', to: '0' },
  {
    name: 'what waits when the terminal is gone is never told',
    file: QUEUE,
    from: 'for (const entry of dropped) this.#drop(entry, this.#ended(entry))',
    to: '',
  },
  { name: 'other bytes pass under a key', file: RECEIPTS, from: ' || entry.sum !== crc32(bytes)', to: '' },
  { name: 'the newest key is forgotten', file: RECEIPTS, from: 'this.#over.shift()', to: 'this.#over.pop()' },
  { name: 'no key is forgotten', file: RECEIPTS, from: 'if (this.#over.length <= MOST_KEYS) return', to: 'return' },
]

const planted = (mutant: Mutant): Planted<readonly Step[]> => ({
  name: mutant.name,
  with: (use) => withMutantSources(mutant, async (load) => use(on((await load<{ InputQueue: typeof InputQueue }>(QUEUE)).InputQueue))),
})

/** Any order of writes, of reading by the program, of time and of ends. */
export const inputOnce: Proven<readonly Step[]> = {
  ...on(InputQueue),
  area: 'input',
  bugs: MUTANTS.map(planted),
  control: planted({ name: 'a copy without a bug', file: QUEUE, from: 'Input on its way', to: 'What is on its way' }),
}
