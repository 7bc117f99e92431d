import { expect, it } from 'vitest'
import { openKit, sh } from './terminal-kit.ts'

const BLOCK = 65_536
const BUDGET = 32 * BLOCK

it('terminals share a budget of memory: each keeps its newest output, and late readers are told what is missing [PTY-11]', async () => {
  await using kit = openKit({ ringBudgetBytes: BUDGET })
  const total = 1_000_000
  const ptys = await Promise.all(
    Array.from({ length: 8 }, () => kit.host.spawn(sh(`stty raw; head -c ${total - 4} /dev/zero; printf last`))),
  )
  await Promise.all(ptys.map(({ exited }) => exited))
  const held = await Promise.all(ptys.map((pty) => pty.tail(total)))
  for (const [index, pty] of ptys.entries()) {
    const bytes = held[index] ?? new Uint8Array(0)
    expect(bytes.length).toBeGreaterThan(2 * BLOCK)
    expect(Buffer.from(bytes.subarray(-4)).toString()).toBe('last')
    const late = pty.read({ from: 0 })[Symbol.asyncIterator]()
    expect((await late.next()).value).toEqual({ gap: { from: 0, to: total - bytes.length } })
    await late.return?.()
  }
  const all = held.reduce((sum, { length }) => sum + length, 0)
  expect(all).toBeLessThanOrEqual(BUDGET)
  expect(all).toBeGreaterThan(BUDGET - 9 * BLOCK)
  // What is recorded gives its memory to those that are still read.
  for (const pty of ptys.slice(1)) pty.release()
  const next = await kit.host.spawn(sh(`stty raw; head -c ${total} /dev/zero`))
  await next.exited
  expect((await next.tail(total)).length).toBe(total)
})
