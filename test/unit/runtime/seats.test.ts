import { expect, it } from 'vitest'
import type { Pty } from '../../../src/ports/terminal-host.port.ts'
import { createSeats } from '../../../src/runtime/control/seats.ts'

const makePty = () => {
  const sizes: [number, number][] = []
  const pty = { resize: (cols: number, rows: number) => Promise.resolve(void sizes.push([cols, rows])) } as unknown as Pty
  return { pty, sizes }
}

it('whose size a terminal has is forgotten with the last who sits at it, also where he had none himself [PTY-6]', async () => {
  const { pty, sizes } = makePty()
  const seats = createSeats(() => 'latest')
  const [first, second] = [{}, {}]
  await seats.take(pty, first, undefined, 'fixed')
  expect(seats.sizeWith(pty, { cols: 50, rows: 10 })).toBe(null)
  seats.leave(pty, first)
  await seats.take(pty, second, { cols: 60, rows: 20 })
  expect(sizes).toEqual([[60, 20]])
})

it('a terminal has the size that others give it when one leaves who gave none [PTY-6]', async () => {
  const { pty, sizes } = makePty()
  const seats = createSeats(() => 'smallest')
  const [watcher, small, large] = [{}, {}, {}]
  await seats.take(pty, watcher, undefined)
  await seats.take(pty, large, { cols: 100, rows: 40 })
  await seats.take(pty, small, { cols: 60, rows: 20 })
  seats.leave(pty, small)
  seats.leave(pty, watcher)
  expect(sizes).toEqual([
    [100, 40],
    [60, 20],
    [100, 40],
    [100, 40],
  ])
})
