import { describe, expect, it } from 'vitest'
import type { OutputChunk } from '../../../src/ports/terminal-host.port.ts'
import { Output } from '../../../src/terminal-host/output.ts'

const RING = 1_048_576
const WINDOW = 262_144

function outputWithFlow(ringBytes = RING): { output: Output; flow: boolean[] } {
  const flow: boolean[] = []
  return { output: new Output(ringBytes, (paused) => flow.push(paused)), flow }
}

const take = (iterator: AsyncIterator<OutputChunk>): Promise<IteratorResult<OutputChunk>> => iterator.next()

describe('output and its readers', () => {
  it('pauses the child when the slowest lossless reader has no credit, resumes it at half [PTY-12]', async () => {
    const { output, flow } = outputWithFlow()
    const reader = output.read({ mode: 'lossless' })[Symbol.asyncIterator]()
    output.append(new Uint8Array(WINDOW - 1))
    expect(flow).toEqual([])
    output.append(new Uint8Array(1))
    expect(flow).toEqual([true])
    for (let read = 0; read < 3; read += 1) await take(reader) // the third call gives back the credit of two blocks
    expect(flow).toEqual([true, false])
  })

  it('a window of a small ring is half of it [PTY-12]', () => {
    const { output, flow } = outputWithFlow(131_072)
    output.read({ mode: 'lossless' })[Symbol.asyncIterator]()
    output.append(new Uint8Array(65_535))
    expect(flow).toEqual([])
    output.append(new Uint8Array(1))
    expect(flow).toEqual([true])
  })

  it('what comes while it is paused, at the exit, costs a lossless reader no gap [PTY-12]', async () => {
    const { output } = outputWithFlow(65_536)
    const reader = output.read({ mode: 'lossless' })[Symbol.asyncIterator]()
    for (let part = 0; part < 10; part += 1) output.append(new Uint8Array(30_000).fill(part))
    output.finish()
    let offset = 0
    for (let next = await take(reader); next.done !== true; next = await take(reader)) {
      expect(next.value).toMatchObject({ offset })
      if ('bytes' in next.value) offset += next.value.bytes.length
    }
    expect(offset).toBe(300_000)
  })

  it('no lossy reader ever pauses the child [PTY-12]', () => {
    const { output, flow } = outputWithFlow()
    output.read()[Symbol.asyncIterator]()
    output.append(new Uint8Array(3 * RING))
    expect(flow).toEqual([])
  })

  it('an abort wakes a reader that waits, and resumes the child [PTY-12]', async () => {
    const { output, flow } = outputWithFlow()
    const controller = new AbortController()
    const reader = output.read({ mode: 'lossless', signal: controller.signal })[Symbol.asyncIterator]()
    const waiting = take(reader)
    output.append(new Uint8Array(1))
    await waiting
    const next = take(reader)
    controller.abort()
    expect(await next).toEqual({ done: true, value: undefined })
    const second = output.read({ mode: 'lossless' })[Symbol.asyncIterator]()
    output.append(new Uint8Array(WINDOW))
    expect(flow).toEqual([true])
    await second.return?.()
    expect(flow).toEqual([true, false])
    expect(await take(output.read({ signal: AbortSignal.abort() })[Symbol.asyncIterator]())).toMatchObject({ done: true })
  })

  it('a reader beyond the end waits for its offset, and ends with the output [PTY-11]', async () => {
    const { output } = outputWithFlow()
    const reader = output.read({ from: 5 })[Symbol.asyncIterator]()
    const first = take(reader)
    output.append(Buffer.from('0123456789'))
    expect(await first).toEqual({ done: false, value: { offset: 5, bytes: new Uint8Array(Buffer.from('56789')) } })
    const never = take(output.read({ from: 99 })[Symbol.asyncIterator]())
    output.finish()
    expect(await never).toMatchObject({ done: true })
    expect(await take(reader)).toMatchObject({ done: true })
  })
})
